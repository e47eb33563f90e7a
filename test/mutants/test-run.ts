import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { TestResult } from './event-reporter.ts';

/** How the tests of one file went. */
export interface TestRun {
  readonly results: readonly TestResult[];
  /** What ended it, where its process did not end by itself in time. */
  readonly hung: boolean;
  readonly ms: number;
  /** The last of what it printed besides: why a file could not be loaded stands there. */
  readonly tail: string;
}

/** How long what is to be ended may take to take down what it set up, milliseconds. */
const GRACE_MS = 60_000;

/**
 * Runs the tests of a file that one of the patterns fits, in a process of their own.
 * @param within milliseconds
 */
export async function runTests(
  tree: string,
  file: string,
  patterns: readonly RegExp[],
  variables: Readonly<Record<string, string>>,
  within: number,
): Promise<TestRun> {
  const args = [
    '--test',
    '--test-isolation=none',
    ...patterns.map(pattern => `--test-name-pattern=${pattern.source}`),
    `--test-reporter=${import.meta.resolve('./event-reporter.ts')}`,
    '--test-reporter-destination=stdout',
    file,
  ];
  // Inherited from a run of node:test around this one, it would make node think that it is a test's child.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const started = performance.now();
  const child = spawn(process.execPath, args, {
    cwd: tree,
    env: { ...env, ...variables },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let hung = false;
  const timers = [
    setTimeout(() => {
      hung = true;
      child.kill('SIGINT');
    }, within),
    setTimeout(() => child.kill('SIGKILL'), within + GRACE_MS),
  ];
  const results: TestResult[] = [];
  let tail = '';
  const other = (text: string) => {
    tail = `${tail}${text}\n`.slice(-4000);
  };
  const read = async () => {
    // What a test itself prints to stdout comes in between.
    for await (const line of createInterface(child.stdout)) {
      const result = parse(line);
      if (result === undefined) other(line);
      else results.push(result);
    }
  };
  child.stderr.setEncoding('utf8').on('data', other);
  const ended = new Promise<void>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', () => resolve());
  });
  try {
    await Promise.all([read(), ended]);
  } finally {
    for (const timer of timers) clearTimeout(timer);
  }
  return { results, hung, ms: Math.round(performance.now() - started), tail };
}

function parse(line: string): TestResult | undefined {
  if (!line.startsWith('{"name":')) return undefined;
  try {
    return JSON.parse(line) as TestResult;
  } catch {
    return undefined;
  }
}
