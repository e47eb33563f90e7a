import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fakeRefusal } from '../linux/fake-refusal.ts';
import { framesTo, questionsBy, questionsFor } from './frames.ts';
import { HostAccessBench as Bench, OWN } from './host-access-bench.ts';
import { COOKIE } from './slots.ts';
import { PROTOCOL } from './wanted.ts';

const turned = (frames: object) => ({ ...frames, does: 'arrive' });
const passed = (frames: object) => ({ ...frames, does: 'pass' });

test('with the first container come the rules, with each its neighbour and route, and with the last all goes', () => {
  const bench = new Bench();
  const first = bench.open(bench.guest('10.0.0.21', { addresses: ['10.0.0.21', 'fd00::21'] }));
  const { rules, neighbours, routes } = bench.standing();
  assert.deepEqual(rules, [
    passed(questionsBy('0.0.0.0')),
    passed(questionsBy('::')),
    passed(questionsBy('10.0.0.5')),
    turned(questionsFor('10.0.0.5', OWN)),
    turned(questionsFor('fd00::5', OWN)),
    turned(framesTo(OWN, OWN)),
  ]);
  assert.deepEqual(neighbours, [`10.0.0.21 ${OWN}`, `fd00::21 ${OWN}`]);
  assert.deepEqual(routes, ['10.0.0.21/32 10.0.0.5', 'fd00::21/128 fd00::5']);
  assert.ok(bench.kernel.routes('host').every(({ protocol }) => protocol === PROTOCOL));
  assert.equal(bench.access.state.is, 'working');
  const second = bench.open(bench.guest('10.0.0.22'));
  bench.close(first);
  assert.deepEqual(bench.standing().neighbours, [`10.0.0.22 ${OWN}`]);
  assert.deepEqual(bench.standing().routes, ['10.0.0.22/32 10.0.0.5']);
  assert.equal(bench.standing().rules.length, 6);
  bench.close(second);
  bench.assertNothing();
});

test('a further container costs three requests an address and no look at what stands, and so does its end', () => {
  const bench = new Bench();
  bench.open(bench.guest('10.0.0.21'));
  const looks = bench.kernel.calls.filter(({ method }) => method === 'neighbours').length;
  const guest = bench.guest('10.0.0.22');
  // makeNeighbour counts twice in the fake, which puts it.
  assert.ok(bench.requests(() => bench.open(guest)) <= 4);
  assert.equal(
    bench.requests(() => bench.close(guest)),
    3,
  );
  assert.equal(bench.kernel.calls.filter(({ method }) => method === 'neighbours').length, looks);
});

test('of many that are on record at once the kernel is looked at for the first alone', () => {
  const bench = new Bench();
  bench.guests = Array.from({ length: 50 }, (_, n) => bench.guest(`10.0.1.${n}`));
  for (const guest of bench.guests) bench.access.open(guest);
  assert.equal(bench.kernel.calls.filter(({ method }) => method === 'neighbours').length, 1);
  assert.equal(bench.standing().neighbours.length, 50);
});

test('what stands as it should is left alone, however often it is looked at', () => {
  const bench = new Bench();
  bench.open(bench.guest('10.0.0.21'));
  assert.equal(
    bench.requests(() => bench.access.refresh()),
    0,
  );
  bench.restart();
  assert.equal(
    bench.requests(() => bench.access.refresh()),
    0,
  );
  assert.equal(bench.access.state.is, 'working', 'rules that stand are proof enough after a restart');
});

test('killed after any request and started again, it comes to the same', () => {
  const whole = new Bench();
  whole.open(whole.guest('10.0.0.21'));
  for (const method of ['addRoute', 'putNeighbour'] as const) {
    const bench = new Bench();
    bench.kernel.failNext(method, new Error('killed'));
    bench.open(bench.guest('10.0.0.21'));
    assert.notDeepEqual(bench.standing(), whole.standing(), method);
    bench.restart();
    assert.deepEqual(bench.standing(), whole.standing(), method);
  }
  const half = new Bench();
  half.open(half.guest('10.0.0.21'));
  const [one] = half.kernel.filters.of(half.ens3);
  assert.ok(one?.filter);
  half.kernel.filters.remove(half.ens3, one.filter, 0);
  half.kernel.removeNeighbour(half.ens3, '10.0.0.21');
  half.restart();
  assert.deepEqual(half.standing(), whole.standing());
});

test('a daemon that starts takes away what containers left that ended without it', () => {
  const bench = new Bench();
  bench.open(bench.guest('10.0.0.21'));
  bench.guests = [];
  assert.deepEqual(bench.daemon().strays(), [
    'the neighbour 10.0.0.21',
    'the route to 10.0.0.21/32',
    `the filters on link ${bench.ens3}`,
  ]);
  bench.restart();
  bench.assertNothing();
});

test("the master's new MAC is in rules and neighbours at once", () => {
  const bench = new Bench();
  bench.restart();
  bench.open(bench.guest('10.0.0.21'));
  const renewed = 'fa:16:3e:00:00:02';
  bench.kernel.changeLink('host', bench.ens3, { mac: renewed });
  const { rules, neighbours } = bench.standing();
  assert.deepEqual(neighbours, [`10.0.0.21 ${renewed}`]);
  assert.deepEqual(rules.at(-1), turned(framesTo(renewed, renewed)));
  assert.equal(rules.length, 6);
});

test('a master that was down for a moment gets back what the kernel dropped', () => {
  const bench = new Bench();
  bench.restart();
  bench.open(bench.guest('10.0.0.21'));
  const before = bench.standing();
  bench.kernel.changeLink('host', bench.ens3, { up: false });
  bench.kernel.removeNeighbour(bench.ens3, '10.0.0.21');
  bench.kernel.removeRoute({ destination: '10.0.0.21/32', ifindex: bench.ens3 });
  bench.kernel.changeLink('host', bench.ens3, { up: true });
  assert.deepEqual(bench.standing(), before);
});

test("rules follow the VM's addresses, and a route its source", () => {
  const bench = new Bench();
  bench.restart();
  bench.open(bench.guest('10.0.0.21'));
  bench.hold('10.0.0.6', 24);
  const has = (frames: object) =>
    bench.standing().rules.some(rule => JSON.stringify(rule) === JSON.stringify(turned(frames)));
  assert.ok(has(questionsFor('10.0.0.6', OWN)));
  bench.kernel.removeAddress('host', bench.ens3, '10.0.0.5', 24);
  bench.kernel.announceAddresses();
  assert.ok(!has(questionsFor('10.0.0.5', OWN)));
  assert.deepEqual(bench.standing().routes, ['10.0.0.21/32 10.0.0.6']);
  assert.equal(
    bench.requests(() => bench.kernel.announceAddresses()),
    0,
    'an address that is only renewed',
  );
});

test("macvlan containers are reached by their own MACs, which other VMs' ports may resemble", () => {
  const bench = new Bench();
  const mac = 'fa:16:3e:00:00:21';
  const guest = bench.open(bench.guest('10.0.0.21', { kind: 'macvlan', mac }));
  const { rules, neighbours } = bench.standing();
  assert.deepEqual(neighbours, [`10.0.0.21 ${mac}`]);
  assert.deepEqual(rules.at(-1), turned({ protocol: 'all', match: { by: 'mac', mac } }));
  const other = bench.open(bench.guest('10.0.0.22', { kind: 'macvlan', mac: 'fa:16:3e:00:00:22' }));
  bench.close(guest);
  assert.deepEqual(bench.standing().rules.at(-1), turned({ protocol: 'all', match: { by: 'mac', mac: other.mac } }));
  bench.close(other);
  bench.assertNothing();
});

test("others' filters stay, and the qdisc with them", () => {
  const bench = new Bench();
  bench.kernel.filters.addPlace({ ifindex: bench.ens3, kind: 'clsact', shared: false });
  bench.kernel.filters.addForeign(bench.ens3, { pref: 62_000 });
  bench.kernel.filters.addForeign(bench.ens3, { hook: 'ingress', pref: 7 });
  const guest = bench.open(bench.guest('10.0.0.21'));
  assert.equal(bench.standing().rules.length, 6);
  bench.close(guest);
  assert.deepEqual(
    bench.kernel.filters.of(bench.ens3).map(({ pref }) => pref),
    [62_000, 7],
  );
  assert.equal(bench.kernel.filters.places().length, 1);
});

test("another's permanent neighbour or route is left as it is, and told once", () => {
  const bench = new Bench();
  const theirs = {
    ifindex: bench.ens3,
    family: 4,
    address: '10.0.0.21',
    mac: '02:00:00:00:00:99',
    state: 'permanent',
  } as const;
  bench.kernel.addNeighbour('host', theirs);
  bench.kernel.addRoute('host', { destination: '10.0.0.21/32', ifindex: bench.ens3 });
  bench.open(bench.guest('10.0.0.20'));
  const guest = bench.open(bench.guest('10.0.0.21'));
  bench.access.refresh();
  assert.ok(bench.standing().neighbours.includes('10.0.0.21 02:00:00:00:00:99'));
  assert.equal(bench.said.filter(({ line }) => line.startsWith('the neighbour 10.0.0.21')).length, 1);
  const { state } = bench.access;
  assert.deepEqual(state.is === 'working' && state.foreign, [
    'the neighbour 10.0.0.21 (02:00:00:00:00:99)',
    'the route to 10.0.0.21/32',
  ]);
  bench.close(guest);
  assert.ok(bench.standing().neighbours.includes('10.0.0.21 02:00:00:00:00:99'));
  assert.ok(bench.standing().routes.includes('10.0.0.21/32 undefined'));
});

test('what the kernel had learned of the address before gives way', () => {
  const bench = new Bench();
  const learned = {
    ifindex: bench.ens3,
    family: 4,
    address: '10.0.0.22',
    mac: '02:00:00:00:00:99',
    state: 'stale',
  } as const;
  bench.open(bench.guest('10.0.0.21'));
  bench.kernel.addNeighbour('host', learned);
  bench.open(bench.guest('10.0.0.22'));
  assert.deepEqual(bench.standing().neighbours, [`10.0.0.21 ${OWN}`, `10.0.0.22 ${OWN}`]);
});

const lacks = [
  ['sch_ingress', /no sch_ingress/],
  ['u32', /no cls_u32/],
  ['gact', /no act_gact/],
  ['mirred', /no act_mirred/],
] as const;
test('a kernel that lacks something is told once, with what to load; nothing is left half made, and it is tried again', () => {
  for (const [module, text] of lacks) {
    const bench = new Bench();
    bench.kernel.filters.lacking.add(module);
    bench.open(bench.guest('10.0.0.21'));
    bench.access.refresh();
    const { state } = bench.access;
    assert.ok(state.is === 'lacking' && text.test(state.error.text), module);
    assert.match(state.error.todo, /modprobe/);
    assert.equal(bench.said.filter(({ code }) => code === 'HOST_ACCESS_LACKING').length, 1);
    assert.deepEqual(bench.standing(), { rules: [], neighbours: [], routes: [] });
    if (module !== 'mirred') bench.assertNothing();
    bench.kernel.filters.lacking.clear();
    bench.access.refresh();
    assert.ok(bench.isWorking());
    assert.equal(bench.standing().rules.length, 6);
  }
});

test('where the kernel lacks something a further container costs no look, and nothing is made for it', () => {
  const bench = new Bench();
  bench.kernel.filters.lacking.add('mirred');
  bench.open(bench.guest('10.0.0.21'));
  const looks = () => bench.kernel.calls.filter(({ method }) => method === 'neighbours').length;
  const before = looks();
  const guest = bench.open(bench.guest('10.0.0.22'));
  bench.close(guest);
  assert.equal(looks(), before);
  assert.deepEqual(bench.standing(), { rules: [], neighbours: [], routes: [] });
  assert.equal(bench.shield().askers.length, 2, 'what they forge is kept from the VM all the same');
});

test('a place for filters is never without one: whoever is killed leaves none that is nobody’s', () => {
  for (const module of ['', ...lacks.map(([name]) => name), 'flower']) {
    const bench = new Bench();
    bench.restart();
    bench.kernel.filters.lacking.add(module);
    const first = bench.open(bench.guest('10.0.0.21'));
    const second = bench.open(bench.guest('10.0.0.22'));
    bench.kernel.changeLink('host', bench.ens3, { mac: 'fa:16:3e:00:00:02' });
    bench.kernel.filters.lacking.clear();
    bench.access.refresh();
    bench.close(first);
    bench.restart(false);
    bench.restart();
    bench.close(second);
    bench.assertNothing();
    assert.ok(!bench.kernel.filters.hadEmptyPlace, module);
  }
});

test('what a trial left whose daemon was killed is taken away', () => {
  const bench = new Bench();
  const [frames, does] = [framesTo('00:00:00:00:00:00'), { do: 'pass' } as const];
  const left = { hook: 'egress', pref: 61_997, ...frames, action: does } as const;
  bench.kernel.filters.addWithPlace(bench.ens3, left, { handle: 0, cookie: COOKIE });
  bench.restart();
  bench.assertNothing();
});

test('flower is asked for only where containers have MACs of their own', () => {
  const bench = new Bench();
  bench.kernel.filters.lacking.add('flower');
  const guest = bench.open(bench.guest('10.0.0.21'));
  assert.ok(bench.isWorking());
  bench.close(guest);
  bench.open(bench.guest('10.0.0.22', { kind: 'macvlan', mac: 'fa:16:3e:00:00:22' }));
  const { state } = bench.access;
  assert.ok(state.is === 'lacking' && /cls_flower/.test(state.error.text));
});

test('an ingress qdisc of another program is in the way, and stays', () => {
  const bench = new Bench();
  bench.kernel.filters.addPlace({ ifindex: bench.ens3, kind: 'ingress', shared: false });
  bench.open(bench.guest('10.0.0.21'));
  const { state } = bench.access;
  assert.ok(state.is === 'lacking' && state.error.code === 'HOST_ACCESS_BLOCKED');
  assert.equal(bench.kernel.filters.places()[0]?.kind, 'ingress');
});

test('switched off, it takes away what it made and makes nothing more', () => {
  const bench = new Bench();
  bench.open(bench.guest('10.0.0.21'));
  bench.restart(false);
  const none = { rules: [], neighbours: [], routes: [] };
  assert.deepEqual(bench.standing(), none);
  bench.open(bench.guest('10.0.0.22'));
  assert.deepEqual(bench.standing(), none);
  assert.equal(bench.access.state.is, 'off');
});

test('what fails for one address keeps nothing from others, and is tried again when an address settles', () => {
  const bench = new Bench();
  bench.restart();
  bench.guests.push(bench.guest('10.0.0.22'));
  bench.kernel.failNext('addRoute', fakeRefusal('KERNEL_REFUSED', 'add the route', 'EINVAL', {}));
  bench.open(bench.guest('fd00::21'));
  assert.deepEqual(bench.standing().routes, ['fd00::21/128 fd00::5']);
  bench.kernel.announceAddresses();
  assert.deepEqual(bench.standing().routes, ['fd00::21/128 fd00::5', '10.0.0.22/32 10.0.0.5']);
});

test('a kernel that refuses is a warning, and the next look puts it right', () => {
  const bench = new Bench();
  bench.open(bench.guest('10.0.0.21'));
  bench.kernel.failNext('addRoute', fakeRefusal('KERNEL_REFUSED', 'add the route', 'ENOMEM', {}));
  bench.open(bench.guest('10.0.0.22'));
  assert.ok(bench.said.some(({ code }) => code === 'KERNEL_REFUSED'));
  bench.access.refresh();
  assert.deepEqual(bench.standing().routes, ['10.0.0.21/32 10.0.0.5', '10.0.0.22/32 10.0.0.5']);
});
