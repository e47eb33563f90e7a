import { asKuryrError } from '../errors/kuryr-error.ts';
import type { FlipWatch } from '../hostaccess/flip-watch.ts';
import type { Guards } from '../hostaccess/guards.ts';
import type { HostAccess } from '../hostaccess/host-access.ts';
import type { Ipam } from '../ipam/ipam.ts';
import type { Links } from '../link/link-kind.ts';
import type { Nic, Nics } from '../nic/nic.ts';
import type { Logger } from '../observe/logger.ts';
import type { Observe } from '../observe/observe.ts';
import type { Neutron } from '../openstack/neutron.ts';
import { type AbandonedNetwork, type CloudView, plan, type Step, type View } from '../reconcile/plan.ts';
import type { Clock } from '../time/clock.ts';
import type { Addresses } from './addresses.ts';
import { type Attachments, MOVE_MS } from './attachments.ts';
import type { Holding, Records } from './records.ts';

/** What the front knows of its runtime's networks. */
export interface RuntimeNetworks {
  /** Those that the runtime removed without being able to say so; none where it does not answer. */
  abandoned(signal: AbortSignal): Promise<readonly AbandonedNetwork[]>;
  /** Drops the record of it and of its pools. Durable when it resolves. */
  forget(network: string): Promise<void>;
}

export interface UpkeepParts {
  readonly records: Records;
  readonly addresses: Addresses;
  readonly attachments: Attachments;
  readonly nics: Nics;
  readonly neutron: Neutron;
  readonly ipam: Ipam;
  readonly links: Links;
  readonly runtime: RuntimeNetworks;
  readonly guards: Pick<Guards, 'refresh' | 'strays' | 'retire'>;
  readonly flips: Pick<FlipWatch, 'sweep'>;
  readonly hostAccess: Pick<HostAccess, 'refresh' | 'strays'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly observe: Observe;
  readonly life: AbortSignal;
  /** How long an unnamed address is kept, milliseconds. */
  readonly holdMs: number;
}

/** What gc found without an owner, and whether it is gone now. */
export interface Cleaned {
  readonly step: Step;
  readonly done: boolean;
  readonly error?: string | undefined;
}

/** The pause between looks, milliseconds: the idle daemon may not poll faster. */
const SWEEP_MS = 30_000;

/**
 * Where twenty containers started at once in a VM of one slow processor, more than a minute went by between Join and the
 * engine's moving of the link. An engine that gives a container up says so itself: only one that died leaves anything.
 */
const START_MS = 600_000;

/** Brings ledger, kernel and cloud together again: at the start, now and then, and when asked (gc). */
export class Upkeep {
  readonly #parts: UpkeepParts;
  #startedAt = 0;

  constructor(parts: UpkeepParts) {
    this.#parts = parts;
  }

  /** Goes on with what an earlier run left under way, then looks every half minute until the daemon ends. */
  async run(): Promise<void> {
    const { addresses, records, clock, life } = this.#parts;
    this.#startedAt = clock.now();
    addresses.recover();
    for (const { id } of records.attachments()) void this.#revive(id);
    while (!life.aborted) {
      await this.#sweep();
      await clock.sleep(SWEEP_MS, life).catch(() => undefined);
    }
  }

  /** A look that fails, of a kernel that does not answer for a moment say, is not the last one. */
  async #sweep(): Promise<void> {
    const { clock, logger, guards, flips, hostAccess, observe } = this.#parts;
    try {
      guards.refresh();
      flips.sweep();
      hostAccess.refresh();
      const looked = clock.now();
      for (const step of plan(this.#view([], [], []), this.#limits())) await this.#take(step, looked);
      observe.meter.add('kuryr_sweeps_total', { outcome: 'ok' });
      observe.health.clear('SWEEP_FAILED');
    } catch (thrown) {
      const { code, message } = asKuryrError(thrown);
      observe.meter.add('kuryr_sweeps_total', { outcome: 'failed' });
      observe.health.set('SWEEP_FAILED', { reason: code });
      logger.warn({ code }, `what has no owner could not be looked for: ${message}`);
    }
  }

  async #revive(id: string): Promise<void> {
    const { attachments, logger, life } = this.#parts;
    await attachments.revive(id).catch((thrown: unknown) => {
      const { code, message } = asKuryrError(thrown);
      if (!life.aborted) logger.warn({ attachment: id, code }, `a running attachment could not be checked: ${message}`);
    });
  }

  /** Everything without an owner, in the kernel, the ledger and the cloud; cleared away unless `dryRun`. */
  async gc(dryRun: boolean, signal: AbortSignal): Promise<Cleaned[]> {
    const { nics, runtime, hostAccess, clock, observe } = this.#parts;
    observe.meter.add('kuryr_gc_runs_total', {});
    const abandoned = await runtime.abandoned(signal);
    const cloud = await Promise.all((await nics.all(signal)).map(nic => this.#cloudView(nic, signal)));
    const looked = clock.now();
    const steps = plan(this.#view(cloud, abandoned, hostAccess.strays()), this.#limits());
    if (dryRun) return steps.map(step => ({ step, done: false }));
    const cleaned = [];
    for (const step of steps) cleaned.push(await this.#take(step, looked));
    await this.#parts.addresses.settled(signal);
    return cleaned;
  }

  /** @param looked when the plan was made: what changed since then is not what it was about */
  async #take(step: Step, looked: number): Promise<Cleaned> {
    const { records, addresses, attachments, guards, hostAccess, logger, observe } = this.#parts;
    const holding = step.do === 'end' ? records.holding(step.name) : undefined;
    const subject = step.do === 'detach' ? records.attachment(step.id) : holding;
    if (subject !== undefined && subject.since > looked) return { step, done: false };
    logger.info({ ...step }, 'clearing away what has no owner');
    try {
      if (step.do === 'end') await addresses.end(holding === undefined ? [] : [holding]);
      else if (step.do === 'adopt') await this.#adopt(step);
      else if (step.do === 'forget') await this.#forget(step);
      else if (step.do === 'unguard') await guards.retire(step.path);
      else if (step.do === 'close') hostAccess.refresh();
      else await attachments.detach(step.id);
      observe.meter.add('kuryr_cleared_total', { what: step.do, outcome: 'ok' });
      return { step, done: true };
    } catch (thrown) {
      observe.meter.add('kuryr_cleared_total', { what: step.do, outcome: 'failed' });
      const error = asKuryrError(thrown);
      logger.warn({ ...step, code: error.code }, error.message);
      return { step, done: false, error: error.message };
    }
  }

  /** A reservation that nobody has becomes a holding on its way back: then its pair and port go as all do. */
  async #adopt(step: Step & { do: 'adopt' }): Promise<void> {
    const { records, addresses, nics, ipam, clock, life } = this.#parts;
    const nic = await nics.byPort(step.vmPort, life);
    const port = await ipam.find({ portId: step.portId, vmPortId: step.vmPort }, life);
    const reservation = port === undefined ? undefined : ipam.read(port, nic.subnets);
    if (reservation === undefined) return;
    const mac = step.pairMac === nic.port.mac ? undefined : step.pairMac;
    const pair = step.pairMac === undefined ? undefined : { address: step.address, ...(mac && { mac }) };
    // Of several of one name each is a holding of its own: its port's id, not its name, finds it again.
    const name = records.holding(step.name) === undefined ? step.name : `${step.name} ${step.portId}`;
    const holding: Holding = {
      name,
      vmPort: step.vmPort,
      subnetId: reservation.subnetId,
      group: 'adopted',
      purpose: 'container',
      reservation,
      ...(pair && { pair }),
      since: clock.now(),
      ending: true,
    };
    await records.save({ holdings: [holding] });
    addresses.release(holding.name);
  }

  /** What was set aside for the network goes back to Neutron; addresses of containers have gone with these. */
  async #forget({ network, groups }: Step & { do: 'forget' }): Promise<void> {
    const { addresses, runtime } = this.#parts;
    await addresses.endGroups(groups);
    await runtime.forget(network);
  }

  /** @param strayAccess none in a sweep, which has put host access right before */
  #view(cloud: readonly CloudView[], abandoned: readonly AbandonedNetwork[], strayAccess: readonly string[]): View {
    const { records, attachments, links, guards, clock } = this.#parts;
    return {
      now: clock.now(),
      startedAt: this.#startedAt,
      holdings: records.holdings(),
      attachments: records.attachments().map(record => {
        const trace = attachments.trace(record);
        return {
          ...record,
          linked: record.link !== undefined,
          seen: trace === undefined ? undefined : links.find(trace),
          addresses: attachments.holdingsOf(record).map(({ reservation }) => reservation.address),
        };
      }),
      hostLinks: links.ours().map(({ ifindex, name, alias }) => ({ ifindex, name, id: alias })),
      live: onceNeeded(() => links.addressesInUse()),
      cloud,
      abandoned,
      strayGuards: guards.strays(),
      strayAccess,
    };
  }

  async #cloudView(nic: Nic, signal: AbortSignal): Promise<CloudView> {
    const { neutron, ipam } = this.#parts;
    const [port, reservations] = await Promise.all([neutron.port(nic.port.id, signal), ipam.list(nic.port.id, signal)]);
    return {
      vmPort: port.id,
      pairs: port.allowed_address_pairs.map(pair => ({
        address: pair.ip_address,
        mac: pair.mac_address ?? port.mac_address,
      })),
      reservations: reservations.flatMap(({ id, name, fixed_ips }) =>
        fixed_ips.slice(0, 1).map(({ ip_address }) => ({ portId: id, name, address: ip_address })),
      ),
    };
  }

  #limits() {
    return { holdMs: this.#parts.holdMs, startMs: START_MS, moveMs: MOVE_MS };
  }
}

/** Looking into every netns costs: it is done when a plan asks, once. */
function onceNeeded(look: () => ReadonlySet<string>): { has(address: string): boolean } {
  let seen: ReadonlySet<string> | undefined;
  return {
    has(address) {
      seen ??= look();
      return seen.has(address);
    },
  };
}
