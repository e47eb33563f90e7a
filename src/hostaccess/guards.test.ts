import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isKuryrError } from '../errors/kuryr-error.ts';
import { fakeRefusal } from '../linux/fake-refusal.ts';
import { folder, GuardBench } from './guard-bench.ts';

const all = ['10.0.0.1', '10.0.0.5', 'fd00::1', 'fd00::5', 'fe80::5'];

test("keeps the VM's and the gateways' addresses from every container, by a slave that is down", async () => {
  const bench = new GuardBench();
  const { sandbox, ifindex } = await bench.attach('a', '10.0.0.21');
  assert.deepEqual(bench.held(), all);
  const slave = bench.kernel.links({ path: bench.path }).find(({ kind }) => kind === 'ipvlan');
  assert.deepEqual([slave?.up, slave?.mode, slave?.flag, slave?.master], [false, 'l2', 'bridge', bench.ens3.ifindex]);
  for (const address of all) {
    const take = () => bench.kernel.addAddress(sandbox, ifindex, address, 32);
    assert.throws(take, error => isKuryrError(error, 'ADDRESS_ON_LINK'), address);
  }
  assert.deepEqual(bench.warnings, []);
});

test('stands before the first link leaves the host, and costs the next attach no call to the kernel', async () => {
  const bench = new GuardBench();
  await bench.attach('a', '10.0.0.21');
  const made = bench.kernel.calls.findIndex(
    ({ method, args }) => method === 'addAddress' && args[2] === '10.0.0.5' && args[0] !== 'host',
  );
  const slave = bench.kernel.calls.findIndex(({ method }) => method === 'createSlave');
  assert.ok(made > slave, 'after the check that no other mode is flipped');
  const before = bench.kernel.calls.length;
  await bench.guards.stand(bench.nic, {
    spec: { kind: 'ipvlan', mode: 'l2', flag: 'bridge' },
    addresses: ['10.0.0.22'],
  });
  assert.equal(bench.kernel.calls.length, before);
});

test('has the mode of the attachments, and never changes it', async () => {
  const bench = new GuardBench();
  const { sandbox } = await bench.attach('a', '10.0.0.21', 'private');
  assert.deepEqual(
    bench.kernel.links(sandbox).map(({ flag }) => flag),
    ['private'],
  );
  assert.equal(bench.kernel.links({ path: bench.path })[0]?.flag, 'private');
});

test("follows the VM's addresses, told of them or by looking", async () => {
  const bench = new GuardBench();
  await bench.attach('a', '10.0.0.21');
  bench.guards.follow(bench.ens3.ifindex, ['10.0.0.6']);
  assert.deepEqual(bench.held(), ['10.0.0.1', '10.0.0.6', 'fd00::1']);
  bench.kernel.addAddress('host', bench.ens3.ifindex, '10.0.0.7', 24);
  bench.guards.refresh();
  assert.deepEqual(bench.held(), [...all, '10.0.0.7'].sort());
  bench.guards.follow(999, ['10.9.9.9']);
  assert.deepEqual(bench.held(), [...all, '10.0.0.7'].sort(), 'a master without a guard is none of its business');
});

test("hears of the VM's addresses as they change", async () => {
  const bench = new GuardBench();
  bench.restart();
  await bench.attach('a', '10.0.0.21');
  bench.kernel.addAddress('host', bench.ens3.ifindex, '10.0.0.7', 24);
  bench.kernel.announceAddresses();
  assert.ok(bench.held()?.includes('10.0.0.7'));
  bench.kernel.failNext('addresses', fakeRefusal('KERNEL_REFUSED', 'list', 'EIO', {}));
  bench.kernel.announceAddresses();
  assert.deepEqual(
    bench.warnings.map(({ code }) => code),
    ['KERNEL_REFUSED'],
  );
});

test('says which address a container has taken already, once, and takes it back when it is free', async () => {
  const bench = new GuardBench();
  const { sandbox, ifindex } = await bench.attach('a', '10.0.0.21');
  bench.kernel.addAddress(sandbox, ifindex, '10.0.0.8', 24);
  bench.kernel.addAddress('host', bench.ens3.ifindex, '10.0.0.8', 24);
  bench.guards.refresh();
  bench.guards.refresh();
  assert.deepEqual(
    bench.warnings.map(({ code }) => code),
    ['GUARD_INCOMPLETE'],
  );
  assert.match(bench.guards.posts[0]?.fault?.message ?? '', /10\.0\.0\.8/);
  bench.kernel.removeAddress(sandbox, ifindex, '10.0.0.8', 24);
  bench.guards.refresh();
  assert.ok(bench.held()?.includes('10.0.0.8'));
  assert.equal(bench.guards.posts[0]?.fault, undefined);
});

test('lets a container have a gateway address that Neutron gave it', async () => {
  const bench = new GuardBench();
  await bench.attach('a', '10.0.0.21');
  await bench.attach('router', '10.0.0.1');
  assert.ok(!bench.held()?.includes('10.0.0.1'));
  assert.deepEqual(bench.warnings, []);
});

test('an attach goes on without a guard, and says so', async () => {
  const bench = new GuardBench();
  bench.kernel.failNext('keepNetns', fakeRefusal('NOT_PRIVILEGED', 'keep it', 'EPERM', {}));
  await bench.attach('a', '10.0.0.21');
  assert.equal(bench.held(), undefined);
  assert.deepEqual(
    bench.warnings.map(({ code }) => code),
    ['GUARD_FAILED'],
  );
  await bench.attach('b', '10.0.0.22');
  assert.deepEqual(bench.held(), all, 'the next attach tries again');
});

test('outlives the daemon, and the next one goes on with it without the cloud', async () => {
  const bench = new GuardBench();
  await bench.attach('a', '10.0.0.21', 'private');
  bench.kernel.removeAddress('host', bench.ens3.ifindex, 'fd00::5', 64);
  bench.kernel.addAddress('host', bench.ens3.ifindex, '10.0.0.9', 24);
  bench.restart();
  assert.deepEqual(
    bench.guards.posts.map(({ vmPort, flag }) => [vmPort, flag]),
    [['vm-port', 'private']],
  );
  const held = bench.held() ?? [];
  assert.ok(
    ['10.0.0.1', '10.0.0.5', '10.0.0.9'].every(address => held.includes(address)),
    held.join(),
  );
  assert.deepEqual(bench.guards.strays(), []);
});

test('goes with the last attachment of its master, not before', async () => {
  const bench = new GuardBench();
  await bench.attach('a', '10.0.0.21');
  await bench.attach('b', '10.0.0.22');
  bench.detach('a');
  await bench.clock.advance(2000);
  assert.deepEqual(bench.held(), all);
  bench.detach('b');
  await bench.clock.advance(2000);
  assert.equal(bench.held(), undefined);
  assert.deepEqual(bench.kernel.keptNetns(folder), []);
  assert.deepEqual(bench.guards.posts, []);
});

test('goes at once where the daemon stops after the last one', async () => {
  const bench = new GuardBench();
  await bench.attach('a', '10.0.0.21');
  await bench.guards.tidy();
  assert.deepEqual(bench.held(), all, 'not while it is needed');
  bench.detach('a');
  await bench.guards.tidy();
  assert.equal(bench.held(), undefined);
});

test('a guard that somebody took away is made anew', async () => {
  const bench = new GuardBench();
  bench.restart();
  const { sandbox, ifindex } = await bench.attach('a', '10.0.0.21');
  bench.kernel.dropNetns(bench.path);
  bench.kernel.setMode(sandbox, ifindex, 'l2', 'vepa');
  bench.guards.refresh();
  assert.deepEqual(bench.held(), all);
  assert.deepEqual(bench.warnings, []);
});

test('stays while a container lives, whatever the ledger has lost', async () => {
  const bench = new GuardBench();
  await bench.attach('a', '10.0.0.21');
  bench.attachments = [];
  bench.restart();
  assert.deepEqual(bench.guards.strays(), []);
  bench.kernel.removeNetns('/run/docker/netns/a');
  assert.deepEqual(bench.guards.strays(), [{ path: bench.path, master: 'ens3' }]);
});

test('a making that was interrupted, and a guard whose master is gone, are strays', async () => {
  const bench = new GuardBench();
  bench.kernel.keepNetns(`${folder}/77`);
  assert.deepEqual(bench.guards.strays(), [{ path: `${folder}/77`, master: '77' }]);
  await bench.guards.retire(`${folder}/77`);
  assert.deepEqual(bench.kernel.keptNetns(folder), []);
});

test('a stray that is needed again by then stays', async () => {
  const bench = new GuardBench();
  await bench.attach('a', '10.0.0.21');
  bench.detach('a');
  await bench.attach('b', '10.0.0.22');
  await bench.guards.retire(bench.path);
  await bench.clock.advance(2000);
  assert.deepEqual(bench.held(), all);
});

test('makes way for macvlan, which the kernel would refuse beside it', async () => {
  const bench = new GuardBench();
  await bench.attach('a', '10.0.0.21');
  bench.attachments = [];
  bench.kernel.removeNetns('/run/docker/netns/a');
  await bench.guards.makeWay(bench.nic);
  const common = { name: 'mv', ifindex: 500, master: bench.ens3.ifindex, mtu: 1500, alias: '' };
  bench.kernel.createSlave('host', { ...common, kind: 'macvlan', mode: 'bridge', mac: '02:00:00:00:00:01' });
  await bench.guards.stand(bench.nic, { spec: { kind: 'macvlan', mode: 'bridge' }, addresses: [] });
  assert.equal(bench.held(), undefined);
});

test('a guard that stands in another run folder is taken over, at the start or with the first attachment', async () => {
  const elsewhere = '/srv/kuryr/guard';
  for (const kept of [true, false]) {
    const bench = new GuardBench();
    await bench.attach('a', '10.0.0.21');
    if (!kept) bench.attachments = [];
    bench.restart(elsewhere);
    if (!kept) await bench.attach('b', '10.0.0.22');
    assert.equal(bench.held(), undefined, 'nothing stays where it was');
    assert.deepEqual(bench.held(`${elsewhere}/${bench.ens3.ifindex}`), all);
    assert.deepEqual(bench.warnings, []);
  }
});

test("another daemon's guard stays, and so does what is behind two paths for a moment", async () => {
  const bench = new GuardBench();
  await bench.attach('a', '10.0.0.21');
  bench.attachments = bench.attachments.map(each => ({ ...each, vmPort: 'another-port' }));
  bench.restart('/srv/kuryr/guard');
  assert.deepEqual(bench.held(), all);
  bench.attachments = bench.attachments.map(each => ({ ...each, vmPort: 'vm-port' }));
  const own = `/srv/kuryr/guard/${bench.ens3.ifindex}`;
  bench.kernel.moveNetns(bench.path, own);
  bench.kernel.keepNetns(bench.path);
  bench.kernel.addLink(
    { path: bench.path },
    { name: 'guard', ifindex: 1000, kind: 'ipvlan', alias: 'vm-port', master: bench.ens3.ifindex },
  );
  bench.restart('/srv/kuryr/guard');
  assert.equal(bench.held(), undefined);
  assert.deepEqual(bench.held(own), all);
});
