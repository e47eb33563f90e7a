import type { TestEvent } from 'node:test/reporters';

/** What a run of node's test runner came to, as `counting-reporter` writes it. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** Of each test that failed by itself, its name and the beginning of what it said. */
  readonly failures: readonly string[];
}

/** Enough for a message; a guest's log may follow it. */
const MOST_TEXT = 1500;

/**
 * A reporter of node:test that writes a run's counts as one JSON line. A test marked todo counts as skipped, a cancelled
 * one as failed; suites are no tests.
 */
// biome-ignore lint/style/noDefaultExport: node:test takes a reporter as a module's default export
export default async function* countingReporter(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  let counts = { passed: 0, failed: 0, skipped: 0 };
  const failures: string[] = [];
  for await (const { type, data } of events) {
    if (type === 'test:fail') {
      const error: Error & { failureType?: string } = data.details.error;
      // A suite fails with its tests, and says nothing of its own then.
      const told = `${data.name}: ${String(error.cause ?? error.message)}`;
      if (error.failureType !== 'subtestsFailed') failures.push(told.slice(0, MOST_TEXT));
    }
    // A run of several files sums up each and, without a file's name, all.
    if (type !== 'test:summary' || data.file !== undefined) continue;
    const { tests, passed, skipped, todo } = data.counts;
    counts = { passed, failed: tests - passed - skipped - todo, skipped: skipped + todo };
  }
  const report: Counts = { ...counts, failures };
  yield `${JSON.stringify(report)}\n`;
}
