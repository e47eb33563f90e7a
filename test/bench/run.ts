/** `npm run bench -- [--rounds N] [NAMES]`: figures side by side with a peer's, measured in the same run. As root. */
import { parseArgs } from 'node:util';
import { attach } from './attach.ts';
import type { Bench } from './bench.ts';
import { table } from './figures.ts';
import { flips } from './flips.ts';
import { hostAccess } from './host-access.ts';
import { quiet } from './quiet.ts';
import { otherMachine } from './ways.ts';

const benches: readonly Bench[] = [attach, hostAccess, otherMachine, quiet, flips];

const { values, positionals } = parseArgs({ allowPositionals: true, options: { rounds: { type: 'string' } } });
const unknown = positionals.filter(asked => benches.every(({ name }) => name !== asked));
const rounds = values.rounds === undefined ? undefined : Number(values.rounds);
if (unknown.length > 0 || (rounds !== undefined && !(Number.isInteger(rounds) && rounds > 0))) {
  console.error('npm run bench -- [--rounds N] [NAMES]; the names are:');
  for (const { name, title } of benches) console.error(`  ${name}: ${title}`);
  process.exitCode = 64;
} else if (process.getuid?.() !== 0) {
  console.error('npm run bench: it boots a VM on a network of its own, which needs root');
  process.exitCode = 77;
} else {
  const chosen = benches.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
  for (const bench of chosen) {
    const counted = rounds ?? bench.rounds;
    const rows = await bench.measure(counted);
    console.log(
      `\n${bench.name}: ${bench.title}; minimum / median / maximum of ${counted} round${counted === 1 ? '' : 's'}\n`,
    );
    console.log(`${table(rows)}\n`);
  }
}
