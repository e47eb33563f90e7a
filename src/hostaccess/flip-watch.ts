import { asKuryrError, KuryrError } from '../errors/kuryr-error.ts';
import type { Kernel, Link, WideLinkEvent } from '../linux/kernel.ts';
import type { Logger } from '../observe/logger.ts';
import type { Clock } from '../time/clock.ts';
import type { GuardedAttachment, Post } from './guard-post.ts';
import type { Guards } from './guards.ts';

export interface FlipWatchParts {
  readonly kernel: Pick<Kernel, 'watchLinks' | 'netnsId'>;
  readonly guards: Pick<Guards, 'posts'>;
  readonly attachments: () => readonly GuardedAttachment[];
  readonly clock: Clock;
  readonly logger: Logger;
  readonly life: AbortSignal;
}

/** What containers did to the mode of a master since the daemon began. */
export interface Flips {
  readonly count: number;
  /** Wall time of the last, milliseconds. */
  readonly at: number;
  /** Mode and flag that were found. */
  readonly found: string;
  /** The attachment whose container did it, where that could be told. */
  readonly by: string | undefined;
  /** How many came without a minute's rest between them. */
  readonly streak: number;
  /** How long the next is let stand, milliseconds; 0: it is put back at once. */
  readonly pause: number;
}

/** So many flips of a master are put back at once; a container that goes on is answered ever more slowly. */
const AT_ONCE = 5;
const LONGEST_PAUSE_MS = 30_000;
/** After this time without one, flips are put back at once again, milliseconds. */
const FORGIVEN_MS = 60_000;
/** Containers make link events as they like: beyond so many in a second they are left alone for a moment. */
const EVENTS_A_SECOND = 200;
const REST_MS = 500;

/**
 * Mode and flag are the master's: a container with NET_ADMIN that changes its own link changes all of them. It is seen by
 * link events of all namespaces, put back by way of the guard, and reported. What no event tells of, a flag set through
 * a link that is down, is seen by `sweep`.
 */
export class FlipWatch {
  readonly #parts: FlipWatchParts;
  readonly #flips = new Map<number, Flips>();
  #reader: ReturnType<Kernel['watchLinks']> = { read: () => ({ events: [], lost: false }) };
  #resting = false;
  #second = { from: 0, events: 0 };
  /** Masters that are looked at again after a pause. */
  readonly #waiting = new Set<number>();
  /** By master: the namespace that the last unexpected mode was told of. */
  readonly #suspects = new Map<number, number>();

  constructor(parts: FlipWatchParts) {
    this.#parts = parts;
  }

  start(): void {
    const { kernel, life, logger } = this.#parts;
    try {
      this.#reader = kernel.watchLinks(() => this.#read(), life);
    } catch (thrown) {
      const { code, message } = asKuryrError(thrown);
      logger.warn({ code }, `changes of a master's mode are seen only every half minute: ${message}`);
    }
    this.sweep();
  }

  /** Looks at every guarded master. */
  sweep(): void {
    for (const post of this.#parts.guards.posts) this.#look(post, []);
  }

  /** How many were put back since the daemon began. */
  get total(): number {
    return [...this.#flips.values()].reduce((sum, { count }) => sum + count, 0);
  }

  of(master: number): Flips | undefined {
    return this.#flips.get(master);
  }

  #read(): void {
    if (this.#resting) return;
    const { events, lost } = this.#reader.read();
    if (events.length === 0 && !lost) return;
    this.#count(events.length);
    for (const post of this.#parts.guards.posts) {
      const isFlipped = events.some(event => flips(event, post));
      const isTouched = events.some(
        ({ netns, link }) => netns === undefined && link.ifindex === post.slave.master.ifindex,
      );
      if (isFlipped || isTouched || lost) this.#look(post, events);
    }
  }

  /** A flood of events is read in gulps: what is not read in time the kernel drops, at no cost to us. */
  #count(events: number): void {
    const { clock, life } = this.#parts;
    const now = clock.monotonic();
    if (now - this.#second.from >= 1000) this.#second = { from: now, events: 0 };
    this.#second.events += events;
    if (this.#second.events <= EVENTS_A_SECOND) return;
    this.#resting = true;
    const goOn = () => {
      this.#resting = false;
      if (!life.aborted) this.#read();
    };
    clock.sleep(REST_MS, life).then(goOn, goOn);
  }

  #look(post: Post, events: readonly WideLinkEvent[]): void {
    const { clock, logger } = this.#parts;
    try {
      const { slave, flag } = post;
      this.#suspect(post, events);
      if (this.#waiting.has(slave.master.ifindex)) return;
      const link = slave.link();
      if (link === undefined || !differs(link, post)) return;
      const before = this.#flips.get(slave.master.ifindex);
      const left = (before?.at ?? 0) + (before?.pause ?? 0) - clock.now();
      if (left > 0) {
        this.#lookAgain(post, left);
        return;
      }
      slave.putBack(flag);
      this.#report(post, link);
      // What the putting back itself was told of blames the wrong ones; so it is passed over, and looked instead.
      this.#reader.read();
      this.sweep();
    } catch (thrown) {
      const { code, message } = asKuryrError(thrown);
      logger.warn({ master: post.slave.master.name, code }, `the mode of a master could not be put back: ${message}`);
      this.#lookAgain(post, LONGEST_PAUSE_MS);
    }
  }

  /** Of a change the kernel tells each slave before it is made, and then the one who asked, whose event alone differs. */
  #suspect(post: Post, events: readonly WideLinkEvent[]): void {
    const { slave } = post;
    const last = events.findLast(event => flips(event, post) && event.netns !== slave.netnsId)?.netns;
    if (last !== undefined) this.#suspects.set(slave.master.ifindex, last);
  }

  #report({ slave, flag }: Post, { mode, flag: wrongFlag }: Link): void {
    const { clock, logger } = this.#parts;
    const { name, ifindex } = slave.master;
    const at = clock.now();
    const before = this.#flips.get(ifindex);
    const streak = before === undefined || at - before.at - before.pause > FORGIVEN_MS ? 1 : before.streak + 1;
    const pause = streak < AT_ONCE ? 0 : Math.min(1000 * 2 ** (streak - AT_ONCE), LONGEST_PAUSE_MS);
    const by = this.#whose(this.#suspects.get(ifindex));
    this.#suspects.delete(ifindex);
    const flips = { count: (before?.count ?? 0) + 1, streak, at, found: `${mode} ${wrongFlag}`, by, pause };
    this.#flips.set(ifindex, flips);
    const { code, message } = new KuryrError('MASTER_FLIPPED', {
      master: name,
      found: flips.found,
      wanted: `l2 ${flag}`,
      who: by === undefined ? 'a container' : `the container of the attachment ${by.slice(0, 12)}`,
    });
    const next = pause === 0 ? '' : ` It goes on: the next one is let stand for ${pause / 1000} s.`;
    logger.warn({ master: name, code, attachment: by, found: flips.found, count: flips.count }, `${message}${next}`);
  }

  /** The id of a namespace is the kernel's word: a container cannot make it another's. */
  #whose(netns: number | undefined): string | undefined {
    if (netns === undefined) return undefined;
    return this.#parts.attachments().find(({ sandbox }) => {
      if (sandbox === undefined) return false;
      try {
        return this.#parts.kernel.netnsId({ path: sandbox }) === netns;
      } catch {
        return false;
      }
    })?.id;
  }

  #lookAgain({ slave }: Post, ms: number): void {
    const { clock, life, guards } = this.#parts;
    const { ifindex } = slave.master;
    if (this.#waiting.has(ifindex)) return;
    this.#waiting.add(ifindex);
    clock.sleep(ms, life).then(
      () => {
        this.#waiting.delete(ifindex);
        const post = guards.posts.find(each => each.slave.master.ifindex === ifindex);
        if (post !== undefined) this.#look(post, []);
      },
      () => undefined,
    );
  }
}

function differs({ mode, flag }: Link, post: Post): boolean {
  return mode !== 'l2' || flag !== post.flag;
}

/** Whether the event tells that slaves of the guarded master have another mode or flag than they should. */
function flips({ type, link }: WideLinkEvent, post: Post): boolean {
  return (
    type === 'changed' && link.kind === 'ipvlan' && link.master === post.slave.master.ifindex && differs(link, post)
  );
}
