/** What `npm test` runs: every check and test, in order, in stages; `check`, `unit`, `netns` or `lab` names one group. */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Counts } from '../tools/counting-reporter.ts';
import { type Group, groups, type Stage, stagesOf } from '../tools/stages.ts';

const top = join(import.meta.dirname, '..');
const strict = process.env['CI'] === 'true' || process.env['CI'] === '1';

interface Outcome extends Counts {
  readonly stage: Stage;
  readonly seconds: number;
  /** Why the stage did not run. */
  readonly skippedFor?: string;
}

const [asked = 'all'] = process.argv.slice(2);
const group = groups.find(name => name === asked);
if (group === undefined) {
  console.error(`test/run.ts: no group ${asked}; one of ${groups.join(', ')}`);
  process.exitCode = 64;
} else process.exitCode = await main(group);

async function main(name: Group): Promise<number> {
  // The terminal sends Ctrl-C to the test processes too, which take down what they set up; the summary comes after them.
  let interrupted = false;
  process.on('SIGINT', () => {
    interrupted = true;
  });
  const outcomes: Outcome[] = [];
  const stages = await stagesOf(name);
  for (const [n, stage] of stages.entries()) {
    if (interrupted) break;
    const files = stage.files.length === 1 ? '1 file' : `${stage.files.length} files`;
    console.log(`\n== ${n + 1}/${stages.length} ${stage.name} (${files}); sets up ${stage.setsUp}`);
    const outcome = await runStage(stage);
    outcomes.push(outcome);
    console.log(`== ${stage.name}: ${countsText(outcome)} in ${outcome.seconds.toFixed(1)} s`);
  }
  return summarize(outcomes, interrupted);
}

async function runStage(stage: Stage): Promise<Outcome> {
  const start = performance.now();
  const seconds = () => (performance.now() - start) / 1000;
  const why = obstacle(stage);
  if (why !== undefined) {
    console.log(`   skipped: ${why}`);
    return { stage, seconds: seconds(), passed: 0, failed: 0, skipped: 1, failures: [], skippedFor: why };
  }
  const folder = await mkdtemp(join(tmpdir(), 'kuryr-test-'));
  try {
    const code = await nodeTest(stage, join(folder, 'counts'));
    const counts = await readCounts(join(folder, 'counts'));
    // A process that ended badly without a failed test to show for it has failed all the same.
    const failed = code !== 0 || counts.passed + counts.skipped === 0 ? Math.max(1, counts.failed) : counts.failed;
    return { ...counts, stage, seconds: seconds(), failed };
  } finally {
    await rm(folder, { recursive: true });
  }
}

function obstacle({ files, needsRoot }: Stage): string | undefined {
  if (files.length === 0) return 'there are no such tests';
  if (needsRoot && process.getuid?.() !== 0)
    return 'it needs root, to make network namespaces and guests (sudo npm test)';
  return undefined;
}

function nodeTest({ files, patience, reporter, apart }: Stage, counts: string): Promise<number> {
  const args = [
    '--test',
    ...(apart ? ['--test-isolation=process', '--test-concurrency=1'] : ['--test-isolation=none']),
    `--test-timeout=${patience}`,
    `--test-reporter=${reporter}`,
    '--test-reporter-destination=stdout',
    `--test-reporter=${join(top, 'tools/counting-reporter.ts')}`,
    `--test-reporter-destination=${counts}`,
    ...files,
  ];
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: top, stdio: 'inherit' });
    // A test that never ends would outlive whoever ran out of patience with it.
    const end = () => {
      child.kill('SIGKILL');
      process.exit(143);
    };
    process.once('SIGTERM', end);
    child.on('error', reject);
    child.on('close', code => {
      process.off('SIGTERM', end);
      resolve(code ?? 1);
    });
  });
}

async function readCounts(file: string): Promise<Counts> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Counts;
  } catch {
    return { passed: 0, failed: 1, skipped: 0, failures: [] };
  }
}

function summarize(outcomes: readonly Outcome[], interrupted: boolean): number {
  console.log('');
  for (const outcome of outcomes) {
    const time = `${outcome.seconds.toFixed(1)} s`.padStart(9);
    const mark = outcome.failed > 0 ? 'FAILED' : outcome.skippedFor === undefined ? 'ok' : 'skipped';
    console.log(`${mark.padEnd(8)}${time}  ${outcome.stage.name}: ${outcome.skippedFor ?? countsText(outcome)}`);
  }
  // Again, where somebody who sees the end alone finds it.
  for (const { stage, failures } of outcomes)
    for (const failure of failures) console.log(`\n${stage.name}: ${failure}`);
  const sum = (count: 'passed' | 'failed' | 'skipped') =>
    outcomes.reduce((total, outcome) => total + outcome[count], 0);
  const total = { passed: sum('passed'), failed: sum('failed'), skipped: sum('skipped') };
  if (interrupted) console.log('interrupted: what follows was not run');
  const skipCounts = strict && total.skipped > 0;
  if (skipCounts) console.log('CI is set, so that a skipped test counts as a failure of the run');
  console.log(countsText(total));
  if (interrupted) return 130;
  return total.failed > 0 || skipCounts || total.passed === 0 ? 1 : 0;
}

function countsText({ passed, failed, skipped }: Omit<Counts, 'failures'>): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}
