/**
 * What Kuryr and authors of other OpenStack tools rely on of Keystone and Neutron, asked of real ones and of the embedded
 * cloud. `KURYR_CONTRACT=real` or `embedded` runs one of them; the embedded one alone needs neither root nor the lab.
 */
import assert from 'node:assert/strict';
import { after, before, describe, suite, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { readSeen } from '../lab/cloud/seen.ts';
import { type Bed, makeBed } from './bed.ts';
import { concepts } from './cases.ts';
import { comparable, type Printed, runClient } from './client.ts';
import { commands } from './client-commands.ts';
import { openEmbedded, openReal } from './clouds.ts';
import type { Target } from './target.ts';
import { Trial } from './trial.ts';

const wanted = process.env['KURYR_CONTRACT'];
const notAsked = (which: 'real' | 'embedded') => wanted !== undefined && wanted !== which && 'not asked for';

/** Of Keystone 22 threads see one another's policy when they judge at the same moment: there one case runs after another. */
const ONE_AFTER_ANOTHER = new Set(['accessRules', 'applicationCredentials', 'tokens']);

const ending = new AbortController();
const ran = new Map<string, number>();
let real: Awaited<ReturnType<typeof openReal>> | undefined;
let embedded: Awaited<ReturnType<typeof openEmbedded>> | undefined;

before(
  async () => {
    if (wanted !== 'embedded') real = await openReal(ending.signal);
    if (wanted !== 'real') embedded = await openEmbedded(ending.signal);
  },
  { timeout: 300_000 },
);

after(async () => {
  await embedded?.close();
  await real?.close();
  ending.abort();
  console.log(`contract: ${ran.get('real') ?? 0} cases on real, ${ran.get('embedded') ?? 0} on embedded`);
});

function contract(name: string, which: 'real' | 'embedded', target: () => Target): void {
  suite(name, { skip: notAsked(which) }, () => {
    let bed: Bed;
    before(async () => {
      bed = await makeBed(target());
    });

    for (const [concept, cases] of Object.entries(concepts)) {
      describe(concept, { concurrency: ONE_AFTER_ANOTHER.has(concept) ? 1 : 4 }, () => {
        for (const each of cases) {
          test(each.name, { timeout: 60_000 }, async () => {
            ran.set(which, (ran.get(which) ?? 0) + 1);
            const trial = new Trial(target(), bed);
            try {
              await each.run(trial);
            } finally {
              await trial.end();
            }
          });
        }
      });
    }

    test('asks and is answered all that recorded runs of the lab saw', () => {
      const seen = readSeen();
      assert.ok(seen.length > 0);
      assert.deepEqual(
        seen.filter(signature => !target().signatures.has(signature)),
        [],
      );
    });
  });
}

contract('on the real Keystone and Neutron', 'real', () => real?.target as Target);
contract('on the embedded cloud', 'embedded', () => embedded?.target as Target);

/** The rows of a printed list, of which there is one at least, that another list has not. */
function lacking(rows: unknown, others: unknown): unknown[] {
  assert.ok(Array.isArray(rows) && Array.isArray(others) && rows.length > 0);
  return rows.filter(row => !others.some(other => isDeepStrictEqual(row, other)));
}

suite('the openstack client', { skip: wanted !== undefined && 'it needs both clouds' }, () => {
  let ofReal: Printed[];
  let ofEmbedded: Printed[];

  before(
    async () => {
      assert.ok(real !== undefined && embedded !== undefined);
      const { cloud } = real;
      [ofReal, ofEmbedded] = await Promise.all(
        [real.target, embedded.target].map(target => runClient(cloud, target, commands)) as [
          Promise<Printed[]>,
          Promise<Printed[]>,
        ],
      );
    },
    { timeout: 120_000 },
  );

  for (const [index, { args, part = false }] of commands.entries()) {
    test(`openstack ${args.join(' ')}`, () => {
      const [one, other] = [ofReal[index], ofEmbedded[index]];
      assert.ok(real && embedded && one && other);
      const expected = comparable(one, real.target);
      const { code, out, err } = comparable(other, embedded.target);
      if (!part) assert.deepEqual({ code, out, err }, expected);
      else {
        assert.deepEqual([code, err], [expected.code, expected.err]);
        assert.deepEqual(lacking(out, expected.out), []);
      }
    });
  }
});
