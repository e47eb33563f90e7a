import type { Records } from '../attach/records.ts';
import { isKuryrError } from '../errors/kuryr-error.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Nics } from '../nic/nic.ts';
import type { HealthBoard } from '../observe/health-board.ts';
import { cloudAway, type HealthCode } from '../observe/health-codes.ts';
import type { Logger } from '../observe/logger.ts';
import type { Neutron } from '../openstack/neutron.ts';
import type { PairView, PairWriter, PairWriters } from '../pairs/pair-writer.ts';
import { askPairRight, NOT_FORBIDDEN } from '../pairs/right.ts';
import type { Clock } from '../time/clock.ts';
import { harmless } from './harmless.ts';

export interface RecheckParts {
  readonly ledger: Pick<Ledger, 'prove'>;
  readonly records: Pick<Records, 'holdings' | 'attachments'>;
  readonly nics: Pick<Nics, 'all' | 'forget'>;
  /** Where a port is asked for, under its lock. */
  readonly pairs: PairWriters;
  readonly writers: {
    of(port: string): Pick<PairWriter, 'forget'>;
    views(): readonly { readonly port: string; readonly view: PairView }[];
  };
  readonly neutron: Neutron;
  readonly health: HealthBoard;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly life: AbortSignal;
}

/** How long a value is young, and looked at each time, milliseconds. */
const YOUNG_MS = 300_000;
/** Older ones are looked at every so many times: a fleet whose operator has changed a policy must not ask him all the time. */
const SELDOM = 10;

/** What is about one VM port, and means nothing when nothing of this VM is on it. */
const OF_PORTS = ['VM_PORT_GONE', 'PAIRS_FORBIDDEN', 'GROUPS_NOT_FOLLOWED'] as const;

/**
 * Looks again at values that only the next call of their kind would clear: where containers neither come nor go there is none,
 * and what was mended long ago would be an alarm for ever. Each is looked at by something that changes nothing.
 */
export class Recheck {
  readonly #parts: RecheckParts;
  #looks = 0;
  /** Whether a look at all was asked for, and is yet to come. */
  #isOwed = false;
  #turn = 0;

  constructor(parts: RecheckParts) {
    this.#parts = parts;
  }

  /** @param all also what is not looked at each time, as soon as the cloud is there; asks nothing where nothing is set */
  async look(all: boolean): Promise<void> {
    const { health, ledger, clock, neutron, life } = this.#parts;
    const seldom = this.#looks++ % SELDOM === 0;
    this.#isOwed ||= all;
    // Who waits for a write is told of a failure; this one clears the value or leaves it.
    if (health.isSet('LEDGER_UNWRITABLE')) await ledger.prove().catch(() => undefined);
    if (cloudAway.some(code => health.isSet(code))) return;
    const isWhole = this.#isOwed || seldom;
    this.#isOwed = false;
    const isDue = ({ since }: { since: number }) => isWhole || clock.now() - since < YOUNG_MS;
    // Each answer has the cloud's time.
    if (health.standing('CLOCK_OFF').some(isDue)) await harmless['GET /networks'](neutron, life).catch(() => undefined);
    await this.#lookAtRefusals(health.standing('NEUTRON_UNAUTHORIZED').filter(isDue));
    await this.#lookAtPorts(isDue, isWhole);
  }

  /** Until the first that is refused still, which costs two tokens; another one begins each time. What comes of it, the health of the cloud sees. */
  async #lookAtRefusals(refused: readonly { subject: string }[]): Promise<void> {
    const { neutron, life } = this.#parts;
    const first = this.#turn++ % Math.max(refused.length, 1);
    for (const { subject } of [...refused.slice(first), ...refused.slice(0, first)]) {
      if (!isKind(subject)) continue;
      const failure = await harmless[subject](neutron, life).then(
        () => undefined,
        (error: unknown) => error,
      );
      if (isKuryrError(failure) && failure.details['status'] === 401) return;
    }
  }

  async #lookAtPorts(isDue: (value: { since: number }) => boolean, rarer: boolean): Promise<void> {
    const { health, records, writers } = this.#parts;
    const due = OF_PORTS.flatMap(code => health.standing(code).filter(isDue)).map(({ subject }) => subject);
    const isFull = ({ used, limit }: PairView) => limit !== undefined && used >= limit;
    const full = rarer ? writers.views().flatMap(({ port, view }) => (isFull(view) ? [port] : [])) : [];
    const ports = new Set([...due, ...full]);
    if (ports.size === 0) return;
    const held = new Set([...records.holdings(), ...records.attachments()].map(({ vmPort }) => vmPort));
    for (const port of ports) {
      const how = { isHeld: held.has(port), isFull: full.includes(port) };
      // What fails shows in the health of the cloud, and the value stays.
      await this.#lookAtPort(port, how).catch(() => undefined);
    }
  }

  async #lookAtPort(port: string, { isHeld, isFull }: { isHeld: boolean; isFull: boolean }): Promise<void> {
    const { health, pairs, writers, life } = this.#parts;
    const isSet = (wanted: HealthCode) => health.standing(wanted).some(({ subject }) => subject === port);
    const isGone = isSet('VM_PORT_GONE');
    if (!isHeld && !(await this.#isOfNic(port, isGone))) {
      for (const code of OF_PORTS) health.clear(code, port);
      return writers.of(port).forget();
    }
    // The pairs of one with containers, and whether its groups are followed, are looked at every five minutes anyway.
    if (isGone || (isFull && !isHeld)) await pairs.of(port).refresh(life);
    if (isFull && !isHeld) await pairs.of(port).limit(life);
    if (isSet('PAIRS_FORBIDDEN')) await this.#lookAtRight(port);
  }

  /** What cannot be asked for stays set until the next write. */
  async #lookAtRight(port: string): Promise<void> {
    const { health, pairs, neutron, logger, life } = this.#parts;
    const extensions = await neutron.extensions(life);
    // Where something drops the condition it is a write, which no other of this daemon's may come in between of.
    const { right, address } = await pairs
      .of(port)
      .alone(async signal => askPairRight(neutron, await neutron.port(port, signal), extensions, signal), life);
    if (right === 'written')
      logger.warn({ port, address }, 'the cloud does not heed If-Match: it wrote what was a question');
    if (NOT_FORBIDDEN.has(right)) health.clear('PAIRS_FORBIDDEN', port);
  }

  /** @param isGone then what is remembered of the NICs is of before that */
  async #isOfNic(port: string, isGone: boolean): Promise<boolean> {
    const { nics, life } = this.#parts;
    const isOne = async () => (await nics.all(life)).some(nic => nic.port.id === port);
    if (!isGone || !(await isOne())) return isOne();
    nics.forget();
    return isOne();
  }
}

function isKind(subject: string): subject is keyof typeof harmless {
  return Object.hasOwn(harmless, subject);
}
