import assert from 'node:assert/strict';
import { test } from 'node:test';
import { packetsTo } from './frames.ts';
import { HostAccessBench, OWN } from './host-access-bench.ts';
import type { Services } from './services.ts';

const RANGES = ['10.96.0.0/12', 'fd96::/112'];

function benchWith(services: Partial<Services>): HostAccessBench {
  const bench = new HostAccessBench();
  bench.services = { ranges: RANGES, backends: [], ...services };
  bench.restart();
  return bench;
}

/** Rules at the egress that have to do with these ranges. */
const rulesOf = (bench: HostAccessBench) =>
  bench
    .standing()
    .rules.filter(
      ({ protocol, match }) =>
        match?.by === 'bytes' && (protocol === 'ip' || match.bytes.some(({ value }) => value === 0xfd960000)),
    );

test('what containers send to services arrives at the VM; what the VM sends or forwards there leaves', () => {
  const bench = benchWith({});
  bench.open(bench.guest('10.0.0.21'));
  const pass = (frames: object) => ({ ...frames, does: 'pass' });
  assert.deepEqual(rulesOf(bench), [
    ...[pass(packetsTo('10.96.0.0/12', { cameIn: 'ens3' })), pass(packetsTo('10.96.0.0/12', { source: '10.0.0.5' }))],
    ...[pass(packetsTo('fd96::/112', { cameIn: 'ens3' })), pass(packetsTo('fd96::/112', { source: 'fd00::5' }))],
    ...RANGES.map(range => ({ ...packetsTo(range, { from: OWN }), does: 'arrive' })),
  ]);
  assert.deepEqual(bench.answers(), [], 'no more than was asked for');
});

test('macvlan containers have MACs of their own', () => {
  const bench = benchWith({});
  bench.open(bench.guest('10.0.0.21', { kind: 'macvlan', mac: 'fa:16:3e:00:00:21' }));
  const turned = rulesOf(bench).filter(({ does }) => does === 'arrive');
  assert.deepEqual(
    turned,
    RANGES.map(range => ({ ...packetsTo(range, {}), does: 'arrive' })),
  );
});

test("with each container comes what translates its backends' answers, with one request an address, and goes with it", () => {
  const bench = benchWith({ backends: ['10.0.0.0/24', '10.0.1.0/24', 'fd00::/64'] });
  const first = bench.open(bench.guest('10.0.0.21', { addresses: ['10.0.0.21', 'fd00::21'] }));
  const firsts = ['10.0.0.0/24 10.0.0.21', '10.0.1.0/24 10.0.0.21', 'fd00::/64 fd00::21'].map(
    one => `${one} translate`,
  );
  assert.deepEqual(bench.answers(), firsts);
  const looks = () => bench.kernel.calls.filter(({ method }) => method === 'neighbours').length;
  const before = looks();
  const second = bench.open(bench.guest('10.0.0.22'));
  const seconds = ['10.0.0.0/24 10.0.0.22', '10.0.1.0/24 10.0.0.22'].map(one => `${one} translate`);
  assert.deepEqual(bench.answers(), [...firsts, ...seconds].sort());
  bench.close(first);
  assert.deepEqual(bench.answers(), seconds);
  assert.equal(looks(), before);
  assert.equal(
    bench.requests(() => bench.access.refresh()),
    0,
    'what is made for one more is what a look would make',
  );
  bench.close(second);
  bench.assertNothing();
});

test('services that are not wanted any more are taken away, and so are others than those wanted', () => {
  const bench = benchWith({ backends: ['10.0.0.0/24'] });
  bench.open(bench.guest('10.0.0.21'));
  bench.services = { ranges: ['10.112.0.0/12'], backends: ['10.0.2.0/24'] };
  bench.restart();
  assert.deepEqual(bench.answers(), ['10.0.2.0/24 10.0.0.21 translate']);
  assert.equal(rulesOf(bench).length, 3);
  bench.services = undefined;
  assert.ok(bench.daemon().strays().length > 0);
  bench.restart();
  assert.deepEqual([rulesOf(bench), bench.answers(), bench.daemon().strays()], [[], [], []]);
  assert.ok(bench.isWorking());
});

test('switched off with host access, which they are a part of', () => {
  const bench = benchWith({ backends: ['10.0.0.0/24'] });
  bench.open(bench.guest('10.0.0.21'));
  bench.restart(false);
  assert.deepEqual([bench.standing().rules, bench.answers()], [[], []]);
});

test('a kernel without act_ct is told once, and all else works', () => {
  const bench = new HostAccessBench();
  bench.services = { ranges: RANGES, backends: ['10.0.0.0/24'] };
  bench.kernel.filters.lacking.add('ct');
  bench.restart();
  bench.open(bench.guest('10.0.0.21'));
  bench.access.refresh();
  const { state } = bench.access;
  assert.ok(state.is === 'working' && state.lack?.code === 'SERVICE_ANSWERS_LACKING');
  assert.match(state.lack.text, /ens3.*this kernel has no act_ct/);
  assert.equal(bench.said.filter(({ code }) => code === 'SERVICE_ANSWERS_LACKING').length, 1);
  assert.deepEqual([rulesOf(bench).length, bench.answers()], [6, []]);
  bench.open(bench.guest('10.0.0.22'));
  assert.deepEqual(bench.answers(), []);
  bench.kernel.filters.lacking.clear();
  bench.access.refresh();
  assert.deepEqual(bench.answers().length, 2, 'it is noticed when the module is there');
  assert.ok(bench.access.state.is === 'working' && bench.access.state.lack === undefined);
});

test('a range that has neighbours of the VM in it is told, and nothing is turned round for it', () => {
  for (const range of ['10.0.0.0/8', '10.0.0.0/28', '10.0.0.128/25', 'fd00::/16']) {
    const bench = benchWith({ ranges: [range] });
    bench.open(bench.guest('10.0.0.21'));
    const { state } = bench.access;
    assert.ok(state.is === 'working' && state.lack?.code === 'SERVICES_CLASH', range);
    assert.equal(bench.standing().rules.length, 6, range);
  }
});
