import type { TestResult } from './event-reporter.ts';
import type { Mutant, Need } from './mutant.ts';
import { runTests, type TestRun } from './test-run.ts';
import { Tree } from './tree.ts';

/** `red`: the named test noticed; `survived`: it did not; `broken`: the mutant or its test says nothing, and why. */
export type Verdict =
  | { readonly is: 'red'; readonly ms: number; readonly how: string }
  | { readonly is: 'survived' }
  | { readonly is: 'broken'; readonly why: string };

/** How long the tests of a file may take, milliseconds. */
const PATIENCE: Readonly<Record<Need, number>> = {
  unit: 60_000,
  netns: 180_000,
  lab: 1_800_000,
  crash: 1_800_000,
};

/** Failures that are the test's own, not those of what surrounds it. */
const own = new Set([
  'testCodeFailure',
  'subtestsFailed',
  'testTimeoutFailure',
  'uncaughtException',
  'unhandledRejection',
]);

/** Mutants and a copy of the tree they are put into; the working tree is never touched. */
export class Suite implements AsyncDisposable {
  readonly mutants: readonly Mutant[];
  readonly #clean: Tree;
  /** Copies that no mutant is in at the moment. */
  readonly #free: Tree[] = [];
  readonly #trees = new AsyncDisposableStack();
  /** By test file and variables: the run of all its tests that mutants name, without any mutant. */
  readonly #baselines = new Map<string, Promise<TestRun>>();

  private constructor(mutants: readonly Mutant[], clean: Tree) {
    this.mutants = mutants;
    this.#clean = this.#trees.use(clean);
  }

  static async open(top: string, mutants: readonly Mutant[]): Promise<Suite> {
    return new Suite(mutants, await Tree.copy(top));
  }

  /** Puts the mutant into a copy and runs the test that it names, which must have been green without it. */
  async trial(mutant: Mutant): Promise<Verdict> {
    const baseline = broken(await this.#baseline(mutant), mutant);
    if (baseline !== undefined) return { is: 'broken', why: `without the mutant: ${baseline}` };
    const tree = this.#free.pop() ?? this.#trees.use(await Tree.copy(this.#clean.path));
    try {
      await tree.put(mutant);
      const run = await runTests(
        tree.path,
        mutant.test,
        [mutant.testName, ...mutant.with],
        mutant.env,
        PATIENCE[mutant.needs],
      );
      return judge(run, mutant);
    } catch (error) {
      return { is: 'broken', why: (error as Error).message };
    } finally {
      await tree.takeOut(mutant, this.#clean);
      this.#free.push(tree);
    }
  }

  #baseline(mutant: Mutant): Promise<TestRun> {
    const { test, env, needs } = mutant;
    const key = witnessOf(mutant);
    const known = this.#baselines.get(key);
    if (known !== undefined) return known;
    const sharing = this.mutants.filter(other => witnessOf(other) === key);
    const patterns = sharing.flatMap(other => [other.testName, ...other.with]);
    const run = runTests(this.#clean.path, test, patterns, env, PATIENCE[needs]);
    this.#baselines.set(key, run);
    return run;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#trees.disposeAsync();
  }
}

/** Mutants that have it in common share a run without any of them. */
const witnessOf = ({ test, env }: Mutant) => JSON.stringify([test, env]);

/** Why the test cannot tell anything: it does not exist, is skipped, or is red by itself. */
function broken({ results, hung, tail }: TestRun, { test, testName }: Mutant): string | undefined {
  const named = results.filter(({ name }) => testName.test(name));
  const bad = named.find(({ outcome }) => outcome !== 'passed');
  if (bad !== undefined) return `"${bad.name}" ${bad.outcome === 'failed' ? `fails: ${bad.error}` : 'is skipped'}`;
  if (hung) return `${test} does not end`;
  return named.length > 0 ? undefined : `${test} has no test that ${testName} fits\n${tail}`;
}

function judge({ results, hung, ms, tail }: TestRun, { test, testName }: Mutant): Verdict {
  const named = results.filter(({ name }) => testName.test(name));
  const failed = named.find(({ outcome, failure }) => outcome === 'failed' && own.has(failure ?? ''));
  if (failed !== undefined) {
    const how = failed.error ?? '';
    // A test notices a program that cannot run, whatever it promises.
    if (/^(Syntax|Reference)Error\b/.test(how)) return { is: 'broken', why: `the mutant does not run: ${how}` };
    return { is: 'red', ms, how };
  }
  if (hung) return { is: 'broken', why: `${test} does not end` };
  if (named.length > 0 && named.every(({ outcome }) => outcome === 'passed')) {
    const others = results.filter(({ outcome }) => outcome === 'failed').map(({ name }) => `"${name}"`);
    return others.length === 0
      ? { is: 'survived' }
      : { is: 'broken', why: `only others are red: ${others.join(', ')}` };
  }
  return { is: 'broken', why: `the test did not run: ${describe(results)}\n${tail}` };
}

const describe = (results: readonly TestResult[]) =>
  results.map(({ name, outcome, error }) => `${name} ${outcome} ${error ?? ''}`).join('; ') || 'no test ended';
