import type { TestEvent } from 'node:test/reporters';

/** What a run of node's test runner came to, as `counting-reporter` writes it. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/**
 * A reporter of node:test that writes a run's counts as one JSON line. A test marked todo counts as skipped, a cancelled
 * one as failed; suites are no tests.
 */
// biome-ignore lint/style/noDefaultExport: node:test takes a reporter as a module's default export
export default async function* countingReporter(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  let counts: Counts = { passed: 0, failed: 0, skipped: 0 };
  for await (const { type, data } of events) {
    // A run of several files sums up each and, without a file's name, all.
    if (type !== 'test:summary' || data.file !== undefined) continue;
    const { tests, passed, skipped, todo } = data.counts;
    counts = { passed, failed: tests - passed - skipped - todo, skipped: skipped + todo };
  }
  yield `${JSON.stringify(counts)}\n`;
}
