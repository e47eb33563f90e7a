import { asKuryrError, isKuryrError, KuryrError } from '../errors/kuryr-error.ts';
import type { Logger } from '../observe/logger.ts';
import type { Observe } from '../observe/observe.ts';
import { abortable, withinTime } from '../openstack/deadline.ts';
import type { Neutron } from '../openstack/neutron.ts';
import type { Clock } from '../time/clock.ts';
import type { Random } from '../time/random.ts';
import { askLimit, toldLimit } from './limit.ts';
import { merge, type PairList, pairKey, pairOf, stands } from './merge.ts';
import type { Pair, PairOwnership, PairView, PairWriter } from './pair-writer.ts';
import { refusalOf } from './refusal.ts';
import { type Wish, Wishes } from './wishes.ts';

/** What a writer reaches the world through. */
export interface PairWriterEdges {
  readonly neutron: Pick<Neutron, 'port' | 'updatePort'>;
  readonly ownership: PairOwnership;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly observe: Observe;
}

/** Writes that a wish takes part in before it is given up. With random back-off 8 writers at once needed 13 to 16 in all (Neutron 21). */
const MAX_ROUNDS = 12;
/** Back-off after the n-th failure in a row: a random part of 50 ms · 2ⁿ; a write takes 0.1 to 0.3 s on a real Neutron. */
const BACK_OFF_MS = 50;
const MAX_BACK_OFF_MS = 2_000;
/** A call with all its repetitions; a healthy cloud needs a fraction of a second. */
const CALL_MS = 60_000;
/** A reading older than this is not the ground of a write: a 412 would cost two calls more, a read costs one. */
const FRESH_MS = 10_000;
/** Longest pause between two changes that are gathered into one write, and longest gathering. */
const MAX_PAUSE_MS = 300;
const MAX_GATHER_MS = 1_000;

/** The port as last read. */
interface Reading extends PairList {
  readonly revision: number;
  readonly portSecurity: boolean;
  /** When the read began, on the count of events. */
  readonly since: number;
  /** When it ended, on the clock. */
  readonly at: number;
}

/** A write to be made. */
interface Plan {
  readonly reading: Reading;
  readonly wishes: readonly Wish[];
  readonly add: readonly Wish[];
  readonly remove: readonly Wish[];
}

/**
 * The writer of one VM port: one loop that reads, merges, writes with `If-Match` of the number *read*, and reads back.
 * Neutron to 2025.1 lets several writes of the same moment succeed whatever their If-Match, and they may end as the union
 * of their lists; so only what a read begun afterwards shows is believed. What a read shows is the ground of the next
 * write, without another read: a 412 tells when it has aged. What must stand and is found missing is written again.
 */
export class PortPairWriter implements PairWriter {
  readonly #portId: string;
  readonly #edges: PairWriterEdges;
  readonly #closed: AbortSignal;
  readonly #wishes = new Wishes();
  /** What has been seen to stand and must go on standing. */
  readonly #held = new Map<string, Pair>();
  #readers: { readonly since: number; readonly read: PromiseWithResolvers<PairView> }[] = [];
  /** What is to be done while nothing is written. */
  #errands: { readonly run: () => Promise<void>; readonly fail: (error: unknown) => void }[] = [];
  #reading: Reading | undefined;
  /** Whether no write has been sent since the reading began. */
  #current = false;
  #limit: { readonly value: number | undefined; readonly since: number } | undefined;
  /** Counts wishes, reads and limits learnt, to tell which of two came first. */
  #events = 0;
  #failuresInARow = 0;
  #lastFailure: KuryrError | undefined;
  /** Whether a list was refused for something in it, so that wishes go one by one until all are settled. */
  #oneByOne = false;
  #running = false;

  /** @param closed ends the loop; who waits then gets its reason */
  constructor(portId: string, edges: PairWriterEdges, closed: AbortSignal) {
    this.#portId = portId;
    this.#edges = edges;
    this.#closed = closed;
  }

  async add(pair: Pair, signal: AbortSignal): Promise<void> {
    return this.#wish(pair, 'present', signal);
  }

  async remove(pair: Pair, signal: AbortSignal): Promise<void> {
    this.#held.delete(pairKey(pair));
    if (this.#edges.ownership.owns(this.#portId, pair)) return this.#wish(pair, 'absent', signal);
    // Somebody else's entry, whatever it looks like: only our own wish for it ends.
    this.#wishes.cancel(pair, () => this.#overtaken(pair));
  }

  view(): PairView | undefined {
    const reading = this.#reading;
    if (reading === undefined) return undefined;
    const { entries, mac } = reading;
    const ours = entries.filter(entry => this.#edges.ownership.owns(this.#portId, pairOf(entry, mac)));
    return { used: entries.length, ours: ours.length, limit: this.#limit?.value };
  }

  async refresh(signal: AbortSignal): Promise<PairView> {
    signal.throwIfAborted();
    const read = Promise.withResolvers<PairView>();
    read.promise.catch(() => {});
    this.#readers.push({ since: ++this.#events, read });
    this.#start();
    return abortable(read.promise, signal);
  }

  async limit(signal: AbortSignal): Promise<number | undefined> {
    const known = this.#limit?.value;
    const isFull = known !== undefined && (this.#reading?.entries.length ?? 0) >= known;
    if (this.#limit === undefined || isFull) await this.#learnLimit(signal);
    return this.#limit?.value;
  }

  async alone<T>(work: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T> {
    signal.throwIfAborted();
    this.#closed.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const bound = AbortSignal.any([signal, this.#closed]);
    this.#errands.push({ run: () => this.#call('PUT', work, bound).then(resolve, reject), fail: reject });
    this.#start();
    return abortable(promise, signal);
  }

  forget(): void {
    if (!this.#running) this.#reading = undefined;
  }

  async #wish(pair: Pair, want: Wish['want'], signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.#closed.throwIfAborted();
    const { subjects } = this.#edges.observe.timeline;
    const wish = this.#wishes.open(pair, want, ++this.#events, () => this.#overtaken(pair), subjects);
    this.#start();
    return abortable(wish.settled.promise, signal);
  }

  #start(): void {
    if (this.#running) return;
    this.#running = true;
    void this.#run();
  }

  async #run(): Promise<void> {
    try {
      // What is asked in one go is written in one go.
      await Promise.resolve();
      // Who comes after a pause must not suffer from the failures of then.
      this.#failuresInARow = 0;
      this.#oneByOne = false;
      while (this.#wishes.size > 0 || this.#readers.length > 0 || this.#errands.length > 0) await this.#step();
    } catch (error) {
      // The port cannot be read, or the writer was closed: nothing that waits can be settled now.
      this.#current = false;
      this.#failAll(error);
    } finally {
      this.#running = false;
    }
  }

  async #step(): Promise<void> {
    const errand = this.#errands.shift();
    if (errand !== undefined) {
      this.#current = false;
      return errand.run();
    }
    const plan = this.#plan();
    if (plan === undefined) return this.#read();
    const spent = plan.wishes.filter(wish => wish.rounds >= MAX_ROUNDS);
    if (spent.length > 0) return spent.forEach(wish => void this.#wishes.fail(wish, this.#givenUp(wish)));
    const excess = this.#excess(plan);
    if (excess.length === 0) return this.#write(plan);
    // A foreign entry may have gone and the limit may have been raised: neither is believed if older than the wish.
    const newest = Math.max(...excess.map(wish => wish.since));
    if (plan.reading.since < newest) return this.#read();
    if ((this.#limit?.since ?? 0) < newest) return this.#learnLimit(this.#closed);
    for (const wish of excess) this.#wishes.fail(wish, this.#exhausted(plan, wish));
  }

  /** What to write, or undefined where a read comes first: there is none, or it alone can settle what waits. */
  #plan(): Plan | undefined {
    const reading = this.#reading;
    if (reading === undefined || !this.#current || this.#readers.length > 0) return undefined;
    if (this.#edges.clock.monotonic() - reading.at > FRESH_MS) return undefined;
    // Without port security there is nothing to write; whether that still holds, a read alone can say.
    if (!reading.portSecurity) return undefined;
    const wishes = this.#wishes.all().slice(0, this.#oneByOne ? 1 : undefined);
    const open = wishes.filter(wish => stands(wish.pair, reading) !== (wish.want === 'present'));
    if (open.length === 0) return undefined;
    const add = open.filter(wish => wish.want === 'present');
    return { reading, wishes: open, add, remove: open.filter(wish => wish.want === 'absent') };
  }

  /** The additions beyond the known limit, the last ones to come. */
  #excess({ reading, add, remove }: Plan): readonly Wish[] {
    const limit = this.#limit?.value;
    if (limit === undefined) return [];
    return add.slice(Math.max(limit - (reading.entries.length - remove.length), 0));
  }

  async #write(plan: Plan): Promise<void> {
    const { reading, wishes } = plan;
    const { clock, observe } = this.#edges;
    const { timeline, health } = observe;
    const began = clock.monotonic();
    const arrived = this.#wishes.arrived;
    const list = merge(
      reading,
      plan.remove.map(wish => wish.pair),
      plan.add.map(wish => wish.pair),
    );
    for (const wish of wishes) wish.rounds++;
    this.#current = false;
    try {
      const fields = { allowed_address_pairs: list };
      await timeline.step(subjectsOf(wishes), 'write', () =>
        this.#call('PUT', signal => this.#edges.neutron.updatePort(this.#portId, fields, reading.revision, signal)),
      );
      health.clear('PAIRS_FORBIDDEN', this.#portId);
    } catch (error) {
      return this.#refused(asKuryrError(error), plan, list.length);
    }
    this.#failuresInARow = 0;
    this.#lastFailure = undefined;
    await this.#read();
    const more = this.#wishes.arrived > arrived && this.#wishes.size > 0;
    if (more) await this.#gather(clock.monotonic() - began);
  }

  /**
   * Where changes come while a write is under way, more are on their way: waits until they pause for half a write's time,
   * so that a burst ends in few writes. A change that comes alone never waits.
   */
  async #gather(writeMs: number): Promise<void> {
    const { clock } = this.#edges;
    const pause = Math.min(writeMs / 2, MAX_PAUSE_MS);
    const end = clock.monotonic() + Math.min(writeMs * 2, MAX_GATHER_MS);
    let arrived: number;
    do {
      arrived = this.#wishes.arrived;
      await clock.sleep(pause, this.#closed);
    } while (this.#wishes.arrived > arrived && clock.monotonic() < end);
  }

  async #read(): Promise<void> {
    const since = ++this.#events;
    const { observe } = this.#edges;
    try {
      const port = await observe.timeline.within(subjectsOf(this.#wishes.all()), () =>
        this.#call('GET', signal => this.#edges.neutron.port(this.#portId, signal)),
      );
      observe.health.clear('VM_PORT_GONE', this.#portId);
      this.#current = true;
      this.#reading = {
        entries: port.allowed_address_pairs,
        mac: port.mac_address,
        revision: port.revision_number,
        portSecurity: port.port_security_enabled,
        since,
        at: this.#edges.clock.monotonic(),
      };
      this.#settle(this.#reading);
    } catch (error) {
      if (!isKuryrError(error, 'NEUTRON_NOT_FOUND')) throw error;
      this.#gone();
    }
  }

  /** Tells everybody whom this reading answers, and wishes again for what has been lost. */
  #settle(reading: Reading): void {
    for (const wish of this.#wishes.all()) {
      const settled = !reading.portSecurity || stands(wish.pair, reading) === (wish.want === 'present');
      if (!settled || wish.since > reading.since) continue;
      if (wish.want === 'present') this.#held.set(pairKey(wish.pair), wish.pair);
      this.#wishes.fulfil(wish);
    }
    const view = this.view();
    for (const { since, read } of this.#readers) if (view !== undefined && since < reading.since) read.resolve(view);
    this.#readers = this.#readers.filter(({ since }) => since > reading.since);
    if (!reading.portSecurity) return;
    for (const pair of this.#held.values()) {
      if (stands(pair, reading) || this.#wishes.has(pair)) continue;
      this.#edges.logger.warn({ port: this.#portId, address: pair.address }, 'a pair was lost and is written again');
      this.#edges.observe.meter.add('kuryr_pairs_lost_total', {});
      const wish = this.#wishes.open(pair, 'present', ++this.#events, () => this.#overtaken(pair), []);
      // Nobody waits for it.
      wish.settled.promise.catch((thrown: unknown) => {
        const { code, message } = asKuryrError(thrown);
        const lost = { port: this.#portId, address: pair.address, code };
        if (!this.#closed.aborted) this.#edges.logger.warn(lost, `a lost pair could not be written again: ${message}`);
      });
    }
  }

  async #refused(error: KuryrError, plan: Plan, length: number): Promise<void> {
    if (error.code === 'NEUTRON_NOT_FOUND') return this.#gone();
    const refusal = refusalOf(error);
    this.#edges.logger.debug({ port: this.#portId, code: error.code, refusal }, 'a write of pairs failed');
    if (refusal === 'again') {
      this.#lastFailure = error;
      const most = Math.min(BACK_OFF_MS * 2 ** this.#failuresInARow++, MAX_BACK_OFF_MS);
      return this.#edges.clock.sleep(this.#edges.random.float() * most, this.#closed);
    }
    // All other refusals change nothing, so the reading is as good as it was.
    this.#current = true;
    const limit = toldLimit(error);
    if (refusal === 'exhausted' && limit !== undefined && limit < length && plan.add.length > 0) {
      this.#limit = { value: limit, since: ++this.#events };
    } else if (refusal !== 'all' && plan.wishes.length > 1) {
      this.#oneByOne = true;
    } else {
      for (const wish of plan.wishes) this.#wishes.fail(wish, this.#reasonFor(error, plan, wish));
    }
  }

  #reasonFor(error: KuryrError, plan: Plan, wish: Wish): KuryrError {
    const details = { ...error.details, port: this.#portId, address: wish.pair.address };
    if (error.code === 'PAIRS_EXHAUSTED') return this.#exhausted(plan, wish, error);
    if (error.status === 401 || error.code === 'NEUTRON_FORBIDDEN') {
      const reason = error.status === 401 ? error.code : String(error.details['message']);
      this.#edges.observe.health.set('PAIRS_FORBIDDEN', { subject: this.#portId, reason });
    }
    if (error.code === 'NEUTRON_FORBIDDEN') return new KuryrError('PAIRS_FORBIDDEN', details, { cause: error });
    return new KuryrError(error.code, details, { cause: error });
  }

  #exhausted({ reading, remove }: Plan, { pair }: Wish, cause?: KuryrError): KuryrError {
    const limit = this.#limit?.value ?? (cause && toldLimit(cause));
    const standing = reading.entries.length - remove.length;
    // What fits of the same plan is written next, so the list is full when this is read.
    const used = limit === undefined ? standing : Math.max(standing, limit);
    return new KuryrError('PAIRS_EXHAUSTED', { port: this.#portId, used, limit, address: pair.address }, { cause });
  }

  #givenUp(wish: Wish): KuryrError {
    const last = this.#lastFailure;
    if (last !== undefined && last.code !== 'NEUTRON_STALE') return last;
    const reason = last?.text ?? 'what was written is not what a read shows afterwards';
    const details = { port: this.#portId, address: wish.pair.address, attempts: wish.rounds, reason };
    return new KuryrError('PAIRS_CONTENDED', details, { cause: last });
  }

  #overtaken(pair: Pair): KuryrError {
    return new KuryrError('PAIRS_SUPERSEDED', { port: this.#portId, address: pair.address });
  }

  #gone(): void {
    this.#edges.observe.health.set('VM_PORT_GONE', { subject: this.#portId });
    this.#reading = undefined;
    this.#held.clear();
    for (const wish of this.#wishes.all()) if (wish.want === 'absent') this.#wishes.fulfil(wish);
    this.#failAll(new KuryrError('VM_PORT_GONE', { port: this.#portId }));
  }

  #failAll(error: unknown): void {
    for (const wish of this.#wishes.all()) this.#wishes.fail(wish, error);
    for (const { read } of this.#readers) read.reject(error);
    this.#readers = [];
    for (const { fail } of this.#errands) fail(error);
    this.#errands = [];
  }

  async #learnLimit(signal: AbortSignal): Promise<void> {
    const value = await this.#call('PUT', bound => askLimit(this.#edges.neutron, this.#portId, bound), signal);
    this.#limit = { value, since: ++this.#events };
  }

  /** Bounded also where the client behind the edge forgets the time. */
  #call<T>(method: string, work: (signal: AbortSignal) => Promise<T>, signal = this.#closed): Promise<T> {
    const details = { method, url: `/v2.0/ports/${this.#portId}`, seconds: CALL_MS / 1000 };
    const late = (cause: unknown) => new KuryrError('CLOUD_TIMEOUT', details, { cause });
    return withinTime(this.#edges.clock, CALL_MS, signal, bound => abortable(work(bound), bound), late);
  }
}

/** On whose behalf the wishes came. */
const subjectsOf = (wishes: readonly Wish[]) => [...new Set(wishes.flatMap(({ subjects }) => [...subjects]))];
