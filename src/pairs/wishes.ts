import { pairKey } from './merge.ts';
import type { Pair } from './pair-writer.ts';

/** A pair that is to stand or to be gone, until a read shows it or it failed. */
export interface Wish {
  readonly pair: Pair;
  readonly want: 'present' | 'absent';
  /** When it came, on the writer's own count of events; only a read begun later can settle it. */
  readonly since: number;
  /** How many writes carried it. */
  rounds: number;
  /** On whose behalf it came. */
  readonly subjects: Set<string>;
  readonly settled: PromiseWithResolvers<void>;
}

/** The open wishes of one VM port in order of arrival, one for each pair. */
export class Wishes {
  readonly #byKey = new Map<string, Wish>();
  #arrived = 0;

  get size(): number {
    return this.#byKey.size;
  }

  /** How many have ever come. */
  get arrived(): number {
    return this.#arrived;
  }

  has(pair: Pair): boolean {
    return this.#byKey.has(pairKey(pair));
  }

  /** The open wish for it, or a new one; `overtaken` becomes the fate of an opposite one that was open. */
  open(pair: Pair, want: Wish['want'], since: number, overtaken: () => Error, subjects: readonly string[]): Wish {
    const open = this.#byKey.get(pairKey(pair));
    for (const subject of subjects) open?.subjects.add(subject);
    if (open?.want === want) return open;
    if (open !== undefined) this.fail(open, overtaken());
    const settled = Promise.withResolvers<void>();
    // Who waits has the same promise; where nobody does, a failure must not end the process.
    settled.promise.catch(() => {});
    const wish: Wish = { pair, want, since, rounds: 0, settled, subjects: new Set(subjects) };
    this.#byKey.set(pairKey(pair), wish);
    this.#arrived++;
    return wish;
  }

  /** Ends an open wish for it, if there is one. */
  cancel(pair: Pair, reason: () => Error): void {
    const open = this.#byKey.get(pairKey(pair));
    if (open !== undefined) this.fail(open, reason());
  }

  all(): readonly Wish[] {
    return [...this.#byKey.values()];
  }

  /** A wish that is not open any more has had its fate already: nothing happens. */
  fulfil(wish: Wish): void {
    if (this.#close(wish)) wish.settled.resolve();
  }

  fail(wish: Wish, error: unknown): void {
    if (this.#close(wish)) wish.settled.reject(error);
  }

  #close(wish: Wish): boolean {
    const key = pairKey(wish.pair);
    return this.#byKey.get(key) === wish && this.#byKey.delete(key);
  }
}
