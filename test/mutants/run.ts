/**
 * What `npm run mutants` runs: every patch of this folder, each of which breaks a promise, must turn the test that it
 * names red. `--unit` takes those that need no root, `--lab` the others; names take single ones; `--record` keeps the
 * output in last-run.txt.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Mutant, readMutants } from './mutant.ts';
import { Suite, type Verdict } from './suite.ts';
import { versions } from './versions.ts';

const top = join(import.meta.dirname, '../..');
/** Tests that take the whole machine run alone. */
const AT_ONCE = 2;

const { values: options, positionals: names } = parseArgs({
  allowPositionals: true,
  options: { unit: { type: 'boolean' }, lab: { type: 'boolean' }, record: { type: 'boolean' } },
});
const all = await readMutants(import.meta.dirname);
const unknown = names.filter(name => !all.some(mutant => mutant.name === name));
if (unknown.length > 0) {
  console.error(
    `test/mutants/run.ts: no mutant ${unknown.join(', ')}; there are ${all.map(({ name }) => name).join(', ')}`,
  );
  process.exitCode = 64;
} else process.exitCode = await main(all.filter(isAsked));

function isAsked({ name, needs }: Mutant): boolean {
  if (names.length > 0) return names.includes(name);
  if (options.unit === options.lab) return true;
  return (needs === 'unit') === (options.unit === true);
}

async function main(mutants: readonly Mutant[]): Promise<number> {
  const output: string[] = [];
  const say = (line: string) => {
    console.log(line);
    output.push(line);
  };
  say(await versions(mutants.some(({ needs }) => needs === 'lab' || needs === 'crash')));
  await using suite = await Suite.open(top, mutants);
  // The terminal sends Ctrl-C to the tests too, which end; what is left to do here is to remove the copies.
  let interrupted = false;
  process.on('SIGINT', () => {
    interrupted = true;
  });
  const verdicts: Verdict[] = [];
  const tell = table(mutants);
  const trial = async (mutant: Mutant) => {
    const verdict = await suite.trial(mutant);
    if (interrupted) return;
    verdicts.push(verdict);
    say(tell(mutant, verdict));
  };
  say(tell());
  const light = mutants.filter(({ needs }) => needs === 'unit').values();
  const worker = async () => {
    for (const mutant of light) if (!interrupted) await trial(mutant);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  for (const mutant of mutants) if (mutant.needs !== 'unit' && !interrupted) await trial(mutant);
  const count = (is: Verdict['is']) => verdicts.filter(verdict => verdict.is === is).length;
  const brokenOnes = count('broken') === 0 ? '' : `, ${count('broken')} broken`;
  say(`${mutants.length} mutants, ${count('red')} red, ${count('survived')} survived${brokenOnes}`);
  if (interrupted) return 130;
  if (options.record) await writeFile(join(import.meta.dirname, 'last-run.txt'), `${output.join('\n')}\n`);
  return mutants.length > 0 && count('red') === mutants.length ? 0 : 1;
}

/** Lines of the table, each printed when it is known; the heading without a mutant. */
function table(mutants: readonly Mutant[]): (mutant?: Mutant, verdict?: Verdict) => string {
  const rows = mutants.map(({ name, promise, test }) => [name, promise, test]);
  const widths = [0, 1, 2].map(column => Math.max(0, ...rows.map(row => row[column]?.length ?? 0)));
  const line = (cells: readonly string[], last: string) =>
    `${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}  ${last}`;
  return (mutant, verdict) => {
    if (mutant === undefined || verdict === undefined) return line(['mutant', 'promise', 'test'], 'outcome');
    const { name, promise, test } = mutant;
    return line([name, promise, test], outcome(verdict));
  };
}

function outcome(verdict: Verdict): string {
  if (verdict.is === 'red') return `red in ${verdict.ms} ms`;
  return verdict.is === 'survived' ? 'SURVIVED' : `BROKEN: ${verdict.why.trim()}`;
}
