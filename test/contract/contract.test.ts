/**
 * What Kuryr and authors of other OpenStack tools rely on of Keystone and Neutron, asked of real ones and of the embedded
 * cloud. `KURYR_CONTRACT=real` or `embedded` runs one of them; the embedded one alone needs neither root nor the lab.
 */
import { after, before, describe, suite, test } from 'node:test';
import { makeBed } from './bed.ts';
import { concepts } from './cases.ts';
import { type Opened, openEmbedded, openReal } from './clouds.ts';
import { Trial } from './trial.ts';

const wanted = process.env['KURYR_CONTRACT'];
const ran = new Map<string, number>();

for (const [which, name, open] of [
  ['real', 'on the real Keystone and Neutron', openReal],
  ['embedded', 'on the embedded cloud', openEmbedded],
] as const) {
  suite(name, { skip: wanted !== undefined && wanted !== which && 'not asked for' }, () => {
    const ending = new AbortController();
    let opened: Opened;
    let bed: Awaited<ReturnType<typeof makeBed>>;

    before(
      async () => {
        opened = await open(ending.signal);
        bed = await makeBed(opened.target);
      },
      { timeout: 300_000 },
    );
    after(async () => {
      await opened?.close();
      ending.abort();
    });

    for (const [concept, cases] of Object.entries(concepts)) {
      describe(concept, { concurrency: 6 }, () => {
        for (const each of cases) {
          test(each.name, { timeout: 60_000 }, async () => {
            ran.set(which, (ran.get(which) ?? 0) + 1);
            const trial = new Trial(opened.target, bed);
            try {
              await each.run(trial);
            } finally {
              await trial.end();
            }
          });
        }
      });
    }
  });
}

after(() => console.log(`contract: ${ran.get('real') ?? 0} cases on real, ${ran.get('embedded') ?? 0} on embedded`));
