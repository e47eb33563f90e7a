import type { TestEvent } from 'node:test/reporters';

/** What became of one test, as a line of JSON. */
export interface TestResult {
  /** The test's own name. */
  readonly name: string;
  readonly outcome: 'passed' | 'failed' | 'skipped';
  /** What node:test calls the failure: `testCodeFailure`, `hookFailed`, `cancelledByParent` … */
  readonly failure?: string | undefined;
  /** The error's name and message. */
  readonly error?: string | undefined;
}

/** A reporter of node:test: a line of JSON for each test that ended, suites apart. */
// biome-ignore lint/style/noDefaultExport: node:test takes a reporter as a module's default export
export default async function* eventReporter(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const event of events) {
    if (event.type !== 'test:pass' && event.type !== 'test:fail') continue;
    const { data } = event;
    if (data.details.type === 'suite') continue;
    const skipped = data.skip !== undefined || data.todo !== undefined;
    const outcome = skipped ? 'skipped' : event.type === 'test:pass' ? 'passed' : 'failed';
    const result: TestResult = { name: data.name, outcome, ...(event.type === 'test:fail' && why(event.data)) };
    yield `${JSON.stringify(result)}\n`;
  }
}

function why({ details }: (TestEvent & { type: 'test:fail' })['data']): Pick<TestResult, 'failure' | 'error'> {
  const { cause, failureType, message } = details.error as Error & { failureType?: string };
  const error = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause ?? message);
  return { failure: failureType, error: error.slice(0, 2000) };
}
