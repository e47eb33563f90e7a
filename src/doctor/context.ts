import { join } from 'node:path';
import type { Services } from '../hostaccess/services.ts';
import type { Ipam } from '../ipam/ipam.ts';
import type { LinkSpec } from '../link/link-kind.ts';
import type { Kernel } from '../linux/kernel.ts';
import type { Nics } from '../nic/nic.ts';
import type { AccessRule } from '../openstack/access-rules.ts';
import type { Neutron } from '../openstack/neutron.ts';
import type { PlainGet } from '../openstack/plain-get.ts';
import type { Reach } from '../reach/reach.ts';
import type { Clock } from '../time/clock.ts';
import type { Random } from '../time/random.ts';

/** What Keystone says of the credential in use. Nothing secret. */
export interface Credential {
  readonly kind: 'password' | 'token' | 'application credential';
  /** Where it was read, for a person. */
  readonly source: string;
  /** Undefined where the token has no project. */
  readonly projectId: string | undefined;
  /** When the token ends, as Keystone wrote it. */
  readonly expires: string;
  /** Milliseconds until then. */
  readonly endsInMs: number;
  /** Names of the roles that its token carries. */
  readonly roles: readonly string[];
  /** What it may call; undefined where that is not limited. */
  readonly rules: readonly AccessRule[] | undefined;
  /** Neutron's API, ending in `/v2.0`. */
  readonly endpoint: string;
}

/** The cloud as doctor uses it. */
export interface DoctorCloud {
  readonly neutron: Neutron;
  readonly nics: Pick<Nics, 'all' | 'find'>;
  readonly ipam: Pick<Ipam, 'list'>;
  /** @throws KEYSTONE_*, CLOUD_* */
  credential(signal: AbortSignal): Promise<Credential>;
}

/** The settings that doctor judges by: those of the daemon. */
export interface DoctorConfig {
  readonly master: string | undefined;
  /** What networks get by default. */
  readonly link: LinkSpec;
  /** Whether the VM and its own containers are to reach one another. */
  readonly hostAccess: 'on' | 'off';
  /** What the VM translates for its containers. */
  readonly services: Services;
  readonly stateDir: string;
  readonly runDir: string;
  /** The plug-in's socket, in the folder where Docker looks for plug-ins. */
  readonly dockerSocket: string;
  /** Docker's own API. */
  readonly engineSocket: string;
}

/** Where the daemon answers the CLI. */
export const controlSocket = ({ runDir }: DoctorConfig): string => join(runDir, 'control.sock');

/** Everything that doctor touches. */
export interface DoctorContext {
  readonly config: DoctorConfig;
  readonly kernel: Kernel;
  /** Reads the cloud's configuration and prepares the calls. @throws CLOUD_CONFIG_MISSING, CLOUD_CONFIG_INVALID, CLOUD_UNKNOWN */
  openCloud(signal: AbortSignal): Promise<DoctorCloud>;
  readonly reach: Pick<Reach, 'probe'>;
  /** Names of the reservations on record; undefined where there is no ledger. Only reads. @throws LEDGER_* */
  recordedReservations(): Promise<ReadonlySet<string> | undefined>;
  /** The file's text. Rejects with errno's name as `code`. */
  readFile(path: string): Promise<string>;
  /** Names in a folder; none where there is no such folder. */
  listFolder(path: string): Promise<readonly string[]>;
  /** Whether files can be made in the folder. */
  folder(path: string): Promise<'writable' | 'unwritable' | 'missing'>;
  /** One GET with a body of bounded size. Rejects with errno's name as `code` where nobody answers. */
  plainGet(request: PlainGet, signal: AbortSignal): Promise<{ readonly status: number; readonly body: string }>;
  readonly clock: Clock;
  readonly random: Random;
  /** As Node names it: x64, arm64 … */
  readonly machine: string;
}
