import { readdir, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { ExactIpam } from '../ipam/exact-ipam.ts';
import { decodeJournal } from '../ledger/journal-lines.ts';
import { KoffiSys } from '../linux/koffi-sys.ts';
import { LinuxKernel } from '../linux/linux-kernel.ts';
import { ownPortIds } from '../nic/metadata.ts';
import { NeutronNics } from '../nic/neutron-nics.ts';
import { silentLogger } from '../observe/logger.ts';
import { type Cloud, openCloud } from '../openstack/open-cloud.ts';
import { plainGet } from '../openstack/plain-get.ts';
import { PacketReach } from '../reach/packet-reach.ts';
import { systemRandom } from '../time/random.ts';
import { systemClock } from '../time/system-clock.ts';
import type { DoctorConfig, DoctorContext } from './context.ts';
import { credentialOf } from './credential-of.ts';
import { folder, missing } from './io.ts';

export type RealContext = DoctorContext & { close(): Promise<void> };

/** Shorter than the daemon's patience, milliseconds: a person waits, and four calls may follow each other. */
const CALL_MS = 20_000;

/** The running machine and the user's cloud. Nothing is asked of either yet. */
export function realContext(
  config: DoctorConfig,
  cloudName: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): RealContext {
  const kernel = new LinuxKernel(new KoffiSys());
  const life = new AbortController();
  const logger = silentLogger;
  const clock = systemClock;
  let cloud: Cloud | undefined;
  const readText = (path: string) => readFile(path, 'utf8');
  return {
    ...{ config, kernel, clock, random: systemRandom, machine: process.arch, plainGet },
    reach: new PacketReach({ kernel, clock, logger }),
    async openCloud() {
      const options = { cwd: process.cwd(), home: homedir(), random: systemRandom, readFile: readText };
      const opened = await openCloud({ ...options, cloud: cloudName, env, clock, logger, deadlineMs: CALL_MS });
      cloud = opened;
      const { neutron } = opened;
      const metadata = {
        get: plainGet,
        read: (path: string, signal: AbortSignal) => readFile(path, { encoding: 'utf8', signal }),
        clock,
      };
      const ownPorts = (signal: AbortSignal) => ownPortIds(metadata, signal);
      return {
        neutron,
        nics: new NeutronNics({ kernel, neutron, ownPorts, master: config.master, logger, life: life.signal }),
        ipam: new ExactIpam({ neutron, logger }),
        credential: signal => credentialOf(opened, clock, signal),
      };
    },
    async recordedReservations() {
      const file = join(config.stateDir, 'ledger');
      const bytes = await readFile(file).catch(missing);
      if (bytes === undefined) return undefined;
      const keys = [...decodeJournal(bytes, file).values.keys()];
      return new Set(keys.flatMap(key => (key.startsWith('address/') ? [key.slice('address/'.length)] : [])));
    },
    readFile: readText,
    listFolder: async path => (await readdir(path).catch(missing)) ?? [],
    folder,
    async close() {
      life.abort(new Error('doctor ends'));
      await cloud?.close();
      kernel[Symbol.dispose]();
    },
  };
}
