import { asKuryrError, isKuryrError } from '../errors/kuryr-error.ts';
import type { Ipam } from '../ipam/ipam.ts';
import type { Nic, Nics } from '../nic/nic.ts';
import type { Logger } from '../observe/logger.ts';
import type { Observe } from '../observe/observe.ts';
import type { Neutron } from '../openstack/neutron.ts';
import type { PairWriters } from '../pairs/pair-writer.ts';
import type { Clock } from '../time/clock.ts';
import type { Records } from './records.ts';

export interface CloudWatchParts {
  readonly records: Records;
  readonly nics: Nics;
  readonly neutron: Pick<Neutron, 'port'>;
  readonly ipam: Ipam;
  readonly pairs: PairWriters;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly observe: Observe;
  readonly life: AbortSignal;
}

/** The pause between looks, milliseconds: three calls for each VM port that has containers. */
const LOOK_MS = 300_000;

/**
 * Notices what others change in the cloud: pairs of running containers that were taken away are written again, and
 * reservations follow the VM port's security groups, since OVN counts them, never pairs, as members of a group.
 */
export class CloudWatch {
  readonly #parts: CloudWatchParts;

  constructor(parts: CloudWatchParts) {
    this.#parts = parts;
  }

  /** Looks every five minutes until the daemon ends; what holds at the start, the attachments see to themselves. */
  async run(): Promise<void> {
    const { clock, life } = this.#parts;
    for (;;) {
      await clock.sleep(LOOK_MS, life).catch(() => undefined);
      if (life.aborted) return;
      await this.#look();
    }
  }

  async #look(): Promise<void> {
    const { records, nics, pairs, logger, observe, life } = this.#parts;
    const held = new Set(records.holdings().map(({ vmPort }) => vmPort));
    const failed = (thrown: unknown) => {
      const { code, message } = asKuryrError(thrown);
      if (!life.aborted) logger.warn({ code }, `the cloud could not be looked at: ${message}`);
      return [];
    };
    for (const nic of await nics.all(life).catch(failed)) {
      if (!held.has(nic.port.id)) {
        // It is about reservations, and there are none.
        observe.health.clear('GROUPS_NOT_FOLLOWED', nic.port.id);
        continue;
      }
      await this.#lookAt(nic).catch(failed);
      // Asked once, and again while all are in use: metrics and health tell how far it is away.
      if (nic.port.portSecurity) await pairs.of(nic.port.id).limit(life).catch(failed);
    }
  }

  async #lookAt(nic: Nic): Promise<void> {
    const { nics, neutron, ipam, pairs, logger, observe, life } = this.#parts;
    const { id } = nic.port;
    await pairs.of(id).refresh(life);
    const { security_groups: groups } = await neutron.port(id, life);
    const changed = await ipam.followGroups({ vmPortId: id, groups }, life).catch((error: unknown) => {
      if (isKuryrError(error, 'ACCESS_RULE_MISSING')) return 'forbidden' as const;
      throw error;
    });
    if (changed !== 'forbidden') observe.health.clear('GROUPS_NOT_FOLLOWED', id);
    if (changed === 0) return;
    // What is remembered of the port has the groups of before, and new reservations get those.
    nics.forget();
    if (changed === 'forbidden') {
      observe.health.set('GROUPS_NOT_FOLLOWED', { subject: id, reason: 'ACCESS_RULE_MISSING' });
      const why =
        'since the access rules of the credential do not let it write to them; containers that are made anew get these';
      return logger.warn(
        { port: id, groups },
        `reservations keep the security groups that they were made with, ${why}`,
      );
    }
    logger.info({ port: id, groups, changed }, "reservations follow the VM port's security groups");
  }
}
