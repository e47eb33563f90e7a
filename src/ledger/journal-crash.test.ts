import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { silentLogger } from '../observe/logger.ts';
import { FakeFiles, type Fault } from './fake-files.ts';
import { openJournal } from './journal.ts';
import type { Json, Ledger } from './ledger.ts';

const file = '/state/ledger.jsonl';
const open = (files: FakeFiles) => openJournal(file, files, silentLogger);

type Changes = Record<string, Json | undefined>;
interface Step {
  readonly changes: Changes;
  /** Whether the caller waits for the disk before it goes on. */
  readonly awaited: boolean;
}

const steps = fc.array(
  fc.record({
    changes: fc.dictionary(
      fc.constantFrom('a', 'b', 'c', 'd'),
      fc.oneof(
        fc.constant(undefined),
        fc.nat(99),
        fc.nat(40).map(n => 'x'.repeat(n * 1000)),
      ),
      { maxKeys: 3, noNullPrototype: true },
    ),
    awaited: fc.boolean(),
  }),
  { maxLength: 14 },
);
const share = fc.double({ min: 0, max: 1, noNaN: true });

/** The states a history goes through, first and last included. */
function statesOf(start: readonly (readonly [string, Json])[], history: readonly Step[]): string[] {
  const values = new Map(start);
  const states = [JSON.stringify([...values])];
  for (const { changes } of history) {
    for (const [key, value] of Object.entries(changes))
      value === undefined ? values.delete(key) : values.set(key, value);
    states.push(JSON.stringify([...values]));
  }
  return states;
}

/** Performs the steps; gives the number of writes acknowledged and the numbers given out. */
async function perform(ledger: Ledger, history: readonly Step[]): Promise<{ kept: number; numbers: number[] }> {
  let kept = 0;
  const numbers: number[] = [];
  const pending: Promise<void>[] = [];
  try {
    for (const [n, step] of history.entries()) {
      numbers.push(ledger.next('link'));
      const write = ledger.write(step.changes).then(() => {
        kept = Math.max(kept, n + 1);
      });
      pending.push(write.catch(() => {}));
      if (step.awaited) await write;
    }
  } catch {
    // The crash: what follows would not have run.
  }
  await Promise.all(pending);
  return { kept, numbers };
}

describe('the ledger and crashes', () => {
  it('keeps every acknowledged write and shows a state that once was, whatever operation or byte a crash hits', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(steps, fc.nat(40), share, fc.infiniteStream(share)), { minLength: 1, maxLength: 3 }),
        async runs => {
          let files = new FakeFiles();
          let state: readonly (readonly [string, Json])[] = [];
          const given = new Set<number>();
          for (const [history, crashAt, torn, picks] of runs) {
            files.fault = operation => (operation === crashAt ? { kind: 'crash', share: torn } : undefined);
            const ledger = await open(files).catch(() => undefined);
            const { kept, numbers } = ledger ? await perform(ledger, history) : { kept: 0, numbers: [] };
            for (const number of numbers) {
              assert.ok(!given.has(number), `number ${number} was given twice`);
              given.add(number);
            }
            files = files.afterCrash(() => picks.next().value);
            const found = await open(
              new FakeFiles({ [file]: files.text(file) ?? '' }).text(file) ? files : new FakeFiles(),
            );
            const shown = JSON.stringify(found.entries(''));
            assert.ok(statesOf(state, history).slice(kept).includes(shown), `kept ${kept}, found ${shown}`);
            state = found.entries('');
            await found.close();
            files = files.afterCrash(() => 1);
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it('shows the same in memory and file after writes that failed', async () => {
    await fc.assert(
      fc.asyncProperty(
        steps,
        fc.array(fc.tuple(fc.integer({ min: 6, max: 60 }), fc.constantFrom('ENOSPC' as const, 'EIO' as const), share)),
        async (history, faults) => {
          const files = new FakeFiles();
          const ledger = await open(files);
          const table = new Map<number, Fault>(
            faults.map(([at, code, part]) => [at, { kind: 'error', code, share: part }]),
          );
          files.fault = operation => table.get(operation);
          for (const { changes, awaited } of history) {
            const write = ledger.write(changes).catch(() => {});
            if (awaited) await write;
          }
          files.fault = () => undefined;
          await ledger.write({});
          await ledger.close();
          const found = await open(files.afterCrash(() => 0));
          assert.deepEqual(found.entries(''), ledger.entries(''));
        },
      ),
      { numRuns: 300 },
    );
  });
});
