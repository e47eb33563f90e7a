import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import type { AskEngine } from '../fronts/docker/engine-networks.ts';
import type { LedgerFiles } from '../ledger/ledger-files.ts';
import { nodeFiles } from '../ledger/node-files.ts';
import { HostMounts, hasOwnMounts, ownMounts } from '../linux/host-mounts.ts';
import type { Kernel } from '../linux/kernel.ts';
import { KoffiSys } from '../linux/koffi-sys.ts';
import { LinuxKernel } from '../linux/linux-kernel.ts';
import type { Sys } from '../linux/sys.ts';
import type { OwnPorts } from '../nic/lookup.ts';
import { ownPortIds } from '../nic/metadata.ts';
import type { Logger } from '../observe/logger.ts';
import type { CallObserver } from '../openstack/caller.ts';
import { CREDENTIAL, credentialCopy } from '../openstack/clouds-file.ts';
import type { HttpClient } from '../openstack/http.ts';
import type { Neutron } from '../openstack/neutron.ts';
import { openCloud } from '../openstack/open-cloud.ts';
import { plainGet } from '../openstack/plain-get.ts';
import { SwitchedCloud, type SwitchedObserver } from '../openstack/switched-cloud.ts';
import { handedFiles } from '../service/credential-copy.ts';
import type { ServiceEnvironment } from '../service/environment.ts';
import { type Notifier, notifierOf } from '../service/notifier.ts';
import type { Clock } from '../time/clock.ts';
import { type Random, systemRandom } from '../time/random.ts';
import { systemClock } from '../time/system-clock.ts';

/** Where Docker's engine serves its own API. */
const ENGINE_SOCKET = '/var/run/docker.sock';

/** Everything outside the daemon that it touches. */
export interface Edges {
  readonly kernel: Kernel;
  readonly neutron: Neutron;
  readonly files: LedgerFiles;
  /** Port ids that the metadata service or config drive names; undefined where there is neither. */
  readonly ownPorts: OwnPorts;
  readonly askEngine: AskEngine;
  /** Tells the observer of every request to the cloud from now on. */
  readonly onCall: (observer: SwitchedObserver) => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  close(): Promise<void>;
}

export interface RealEdgesOptions {
  /** The cloud in clouds.yaml; else `OS_CLOUD` and the rest of openstacksdk's rules. */
  readonly cloud: string | undefined;
  readonly logger: Logger;
  readonly service: ServiceEnvironment;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Puts something around the outermost edges: a test that ends the process there. */
  readonly wrap?: {
    sys(sys: Sys): Sys;
    http(http: HttpClient): HttpClient;
    files(files: LedgerFiles): LedgerFiles;
  };
}

export interface RealEdges extends Edges {
  readonly notifier: Notifier;
  /** As SwitchedCloud.renewal. */
  readonly renewal: SwitchedCloud['renewal'];
}

/** The running machine and the user's cloud. @throws CLOUD_CONFIG_MISSING, CLOUD_CONFIG_INVALID, CLOUD_UNKNOWN */
export async function realEdges({ cloud: name, logger, env, service, wrap }: RealEdgesOptions): Promise<RealEdges> {
  const sys = new KoffiSys();
  const outer = wrap?.sys(sys) ?? sys;
  // Only of systemd is it known that who is not in its mounts was put there to be kept apart.
  const kernel = new LinuxKernel(outer, service.isMain && hasOwnMounts() ? new HostMounts(outer) : ownMounts);
  const read = (path: string) => readFile(path, 'utf8');
  const copy = credentialCopy(env);
  const handed = copy === undefined ? undefined : await handedFiles(copy, CREDENTIAL, read);
  const observers: SwitchedObserver[] = [];
  const open = (cloud: string | undefined, observer: CallObserver) =>
    openCloud({
      ...{ cloud, env, cwd: process.cwd(), home: homedir(), handed, readFile: read },
      ...{ clock: systemClock, random: systemRandom, logger, observer, wrapHttp: wrap?.http },
    });
  const observer: SwitchedObserver = (call, inUse) => {
    for (const each of observers) each(call, inUse);
  };
  const cloud = await SwitchedCloud.open({ open, observer, clock: systemClock }, name);
  return {
    kernel,
    neutron: cloud.neutron,
    renewal: (next, signal) => cloud.renewal(next, signal),
    notifier: notifierOf(sys, service.notifySocket, logger),
    files: wrap?.files(nodeFiles) ?? nodeFiles,
    ownPorts: signal =>
      ownPortIds(
        {
          get: plainGet,
          read: (path, bound) => readFile(path, { encoding: 'utf8', signal: bound }),
          clock: systemClock,
        },
        signal,
      ),
    askEngine: (path, signal) => plainGet({ socket: ENGINE_SOCKET, url: `http://localhost${path}` }, signal),
    onCall: observer => void observers.push(observer),
    clock: systemClock,
    random: systemRandom,
    logger,
    async close() {
      await cloud.close();
      kernel[Symbol.dispose]();
    },
  };
}
