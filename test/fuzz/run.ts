/** `npm run fuzz -- [--seconds N] [--seed S] [WORDS OF A NAME]`: hostile input for longer than in `npm test`. */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { targets } from './targets.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seconds: { type: 'string', default: '60' }, seed: { type: 'string' } },
});
const words = positionals.join(' ');
const chosen = targets.filter(({ name }) => name.includes(words));
const first = Number(values.seed ?? randomInt(2 ** 31));
const seconds = Number(values.seconds);
if (chosen.length === 0 || !Number.isInteger(first) || !(seconds > 0)) {
  console.error('npm run fuzz -- [--seconds N] [--seed S] [WORDS OF A NAME]; the names are:');
  for (const { name } of targets) console.error(`  ${name}`);
  process.exitCode = 64;
} else
  for (const { name, runs, run } of chosen) {
    const until = performance.now() + (seconds * 1000) / chosen.length;
    let tried = 0;
    let seed = first;
    try {
      // A bed is worn after a while: each seed begins on a new one.
      for (; performance.now() < until; seed++) tried += await run({ seed, runs: runs * 4, until });
      console.log(`ok      ${tried} inputs: ${name}`);
    } catch (error) {
      console.error(`FAILED  after ${tried} inputs: ${name}`);
      console.error(error);
      console.error(`again: npm run fuzz -- --seed ${seed} '${name}'`);
      process.exitCode = 1;
    }
  }
