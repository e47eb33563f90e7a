import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HostAccessBench as Bench, OWN } from './host-access-bench.ts';

test('what containers forge is dropped with host access on or off, from the first container to the last', () => {
  for (const on of [true, false]) {
    const bench = new Bench();
    bench.restart(on);
    const first = bench.open(bench.guest('10.0.0.21'));
    const second = bench.open(bench.guest('10.0.0.22', { addresses: ['10.0.0.22', 'fd00::22'] }));
    const askers = ['10.0.0.21', '10.0.0.22', '10.0.0.5', 'fd00::22'].map(address => `${address} ${OWN}`);
    assert.deepEqual(bench.shield(), { askers, drops: 9 });
    assert.equal(
      bench.requests(() => bench.access.refresh()),
      0,
      'what is made for one more is what a look would make',
    );
    bench.close(first);
    assert.deepEqual(bench.shield().askers, askers.slice(1));
    bench.restart(on);
    assert.deepEqual(bench.shield(), { askers: askers.slice(1), drops: 9 });
    bench.close(second);
    bench.assertNothing();
  }
});

test("the shield follows the master's MAC, and stands for no macvlan container", () => {
  const bench = new Bench();
  bench.restart(false);
  const guest = bench.open(bench.guest('10.0.0.21'));
  bench.kernel.changeLink('host', bench.ens3, { mac: 'fa:16:3e:00:00:02' });
  assert.deepEqual(bench.shield().askers, ['10.0.0.21 fa:16:3e:00:00:02', '10.0.0.5 fa:16:3e:00:00:02']);
  bench.close(guest);
  const lacking = new Bench();
  lacking.restart();
  lacking.kernel.filters.lacking.add('mirred');
  lacking.open(lacking.guest('10.0.0.21'));
  lacking.kernel.changeLink('host', lacking.ens3, { mac: 'fa:16:3e:00:00:02' });
  assert.deepEqual(lacking.shield().askers, ['10.0.0.21 fa:16:3e:00:00:02', '10.0.0.5 fa:16:3e:00:00:02']);
  bench.open(bench.guest('10.0.0.22', { kind: 'macvlan', mac: 'fa:16:3e:00:00:22' }));
  assert.deepEqual(bench.shield(), { askers: [], drops: 0 });
});

test('a kernel that lacks flower is told once of what passes then, and host access works all the same', () => {
  const bench = new Bench();
  bench.kernel.filters.lacking.add('flower');
  bench.open(bench.guest('10.0.0.21'));
  bench.access.refresh();
  assert.deepEqual(
    bench.said.flatMap(({ code }) => code ?? []),
    ['FORGERIES_PASS'],
  );
  assert.ok(bench.isWorking());
  assert.deepEqual(bench.shield(), { askers: [], drops: 0 });
  bench.kernel.filters.lacking.clear();
  bench.access.refresh();
  assert.equal(bench.shield().drops, 9);
});
