import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isKuryrError, KuryrError } from '../errors/kuryr-error.ts';
import type { AddressPair } from '../openstack/neutron.ts';
import { never, pairBench } from './pair-bench.ts';

const address = fc.integer({ min: 10, max: 15 }).map(n => `10.0.0.${n}`);
const foreignEntry = fc
  .record({ n: fc.integer({ min: 0, max: 255 }), note: fc.string(), bits: fc.constantFrom('', '/24', '/32') })
  .map(
    ({ n, note, bits }): AddressPair => ({
      mac_address: 'fa:16:3e:99:99:99',
      ip_address: `192.168.7.${n}${bits}`,
      note,
    }),
  );
const step = fc.oneof(
  fc.record({ do: fc.constant('add' as const), address }),
  fc.record({ do: fc.constant('remove' as const), address }),
  fc.record({ do: fc.constant('foreign' as const), entry: foreignEntry }),
  // A careless writer that puts an old list back: one of ours is lost.
  fc.record({ do: fc.constant('drop' as const), address }),
);
const fault = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ kind: 'none' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'lost' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'unsent' as const }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('race' as const), entry: foreignEntry }) },
);

test('ends with what was wished and every foreign entry untouched, whatever comes in between', async () => {
  const gaps = fc.integer({ min: 0, max: 120 });
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(step, gaps), { minLength: 1, maxLength: 20 }),
      fc.array(fault, { maxLength: 8 }),
      fc.boolean(),
      async (steps, faults, mergeRaces) => {
        const bench = pairBench();
        const { neutron, vm, clock } = bench;
        Object.assign(neutron, { pairLimit: 1000, mergeRaces });
        const foreign: AddressPair[] = [];
        const write = (change: (stored: readonly AddressPair[]) => readonly AddressPair[]) =>
          neutron.meddle(vm.id, { allowed_address_pairs: change(bench.stored()) });
        const meddle = (entry: AddressPair) => {
          if (foreign.some(other => other.ip_address === entry.ip_address)) return;
          foreign.push(entry);
          write(stored => [...stored, entry]);
        };
        const lost = () =>
          new KuryrError('NEUTRON_OUTCOME_UNKNOWN', { method: 'PUT', path: '/ports', reason: 'reset' });
        neutron.before('updatePort', () => {
          const next = faults[0];
          if (next?.kind === 'race') meddle(next.entry);
          if (next?.kind === 'lost') return;
          faults.shift();
          if (next?.kind === 'unsent') throw lost();
        });
        neutron.after('updatePort', () => {
          if (faults[0]?.kind !== 'lost') return;
          faults.shift();
          throw lost();
        });

        const wished = new Set<string>();
        const work: Promise<unknown>[] = [];
        const overtaken = (reason: unknown) => assert.ok(isKuryrError(reason, 'PAIRS_SUPERSEDED'), String(reason));
        for (const [next, gap] of steps) {
          if (next.do === 'add') work.push(bench.add(next.address).catch(overtaken));
          if (next.do === 'remove') work.push(bench.remove(next.address).catch(overtaken));
          if (next.do === 'add') wished.add(next.address);
          if (next.do === 'remove') wished.delete(next.address);
          if (next.do === 'foreign') meddle(next.entry);
          if (next.do === 'drop') write(stored => stored.filter(entry => entry.ip_address !== next.address));
          await clock.advance(gap);
        }
        await bench.done(Promise.all(work));
        await bench.done(bench.writer.refresh(never));
        await clock.advance(10_000);

        const [theirs, ours] = [true, false].map(is =>
          bench.stored().filter(entry => foreign.some(other => other.ip_address === entry.ip_address) === is),
        );
        assert.deepEqual(new Set(ours?.map(entry => entry.ip_address)), wished);
        assert.equal(ours?.length, wished.size);
        assert.equal(JSON.stringify(theirs), JSON.stringify(foreign));
      },
    ),
    { numRuns: 150 },
  );
});
