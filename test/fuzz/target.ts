import assert from 'node:assert/strict';
import fc from 'fast-check';

/** What one target is tried with. */
export interface Course {
  /** Of fast-check: the same seed gives the same hostile input. */
  readonly seed: number;
  /** How often, at most. */
  readonly runs: number;
  /** When to stop on the clock of performance.now(), whether or not all runs are done. */
  readonly until?: number;
}

/** One thing that hostile input reaches, and what has to hold whatever comes. */
export interface Target {
  /** A promise. */
  readonly name: string;
  /** Runs for each seed in `npm test`. */
  readonly runs: number;
  /** @returns how many inputs were tried. @throws Error with the input that broke the promise */
  run(course: Course): Promise<number>;
}

export interface TargetParts<Bed extends AsyncDisposable, Input> {
  readonly name: string;
  readonly runs: number;
  /** What all inputs of one seed are tried on. */
  open(): Promise<Bed>;
  inputs(bed: Bed): fc.Arbitrary<Input>;
  check(bed: Bed, input: Input): Promise<void>;
  /** What has to hold when all inputs have come. */
  finish?(bed: Bed): Promise<void>;
}

/** For a target that needs none. */
export const noBed = async (): Promise<AsyncDisposable> => ({ async [Symbol.asyncDispose]() {} });

/** More of the heap than any hostile input may cost for longer than its own run, bytes. */
const HEAP_BYTES = 512 << 20;

/** A target that counts, besides what `check` says, every rejection that nobody handles and memory that is not let go. */
export function target<Bed extends AsyncDisposable, Input>(parts: TargetParts<Bed, Input>): Target {
  const { name, runs } = parts;
  return {
    name,
    runs,
    async run({ seed, runs: numRuns, until }) {
      await using bed = await parts.open();
      const unhandled: unknown[] = [];
      const note = (reason: unknown) => unhandled.push(reason);
      process.on('unhandledRejection', note);
      let tried = 0;
      try {
        const property = fc.asyncProperty(parts.inputs(bed), async input => {
          // Not fast-check's own time limit, which would leave the check under way behind.
          if (until !== undefined && performance.now() > until) return;
          tried++;
          await parts.check(bed, input);
          assert.deepEqual(unhandled, [], 'a promise was rejected and nobody handled it');
          assert.ok(process.memoryUsage().heapUsed < HEAP_BYTES, 'memory is bounded');
        });
        // Not made smaller: on a bed that has seen the first failure every input may seem to fail.
        await fc.assert(property, { seed, numRuns, endOnFailure: true });
        await parts.finish?.(bed);
        assert.deepEqual(unhandled, []);
      } finally {
        process.off('unhandledRejection', note);
      }
      return tried;
    },
  };
}
