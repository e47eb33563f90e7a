import { randomInt } from 'node:crypto';
import { test } from 'node:test';
import { targets } from './targets.ts';

/** Two that are the same in every run, and one that no run has had. */
const seeds = [1, 2, randomInt(3, 2 ** 31)];

for (const { name, runs, run } of targets)
  test(name, async t => {
    for (const seed of seeds) {
      try {
        await run({ seed, runs });
      } catch (error) {
        t.diagnostic(`again: npm run fuzz -- --seed ${seed} '${name}'`);
        throw error;
      }
    }
  });
