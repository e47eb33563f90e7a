import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KuryrError } from '../../errors/kuryr-error.ts';
import { HealthBoard } from '../../observe/health-board.ts';
import { silentObserve } from '../../observe/observe.ts';
import type { FakeCall } from '../../openstack/fake-neutron.ts';
import type { PortCreate } from '../../openstack/neutron.ts';
import { FakeEngine, fakeVm, interfaceOf } from './fake-engine.ts';

const addresses = (vm: ReturnType<typeof fakeVm>) =>
  vm.neutron.peek(vm.port.id)?.allowed_address_pairs.map(pair => pair.ip_address);
const reservations = (vm: ReturnType<typeof fakeVm>) =>
  vm.neutron.peekAll().filter(port => port.device_owner === 'kuryr:container');

test('lets a container go while the cloud is down, and gives its address back when it is up again', async () => {
  const vm = fakeVm();
  const engine = new FakeEngine({ neutron: vm.neutron, kernel: vm.kernel });
  const { endpoint, cidrs, network } = await engine.run(await engine.createNetwork(['10.30.0.0/24']));
  const down = () => {
    throw new KuryrError('CLOUD_UNREACHABLE', { method: 'any', url: 'http://neutron', reason: 'ECONNREFUSED' });
  };
  const repair = (['port', 'ports', 'updatePort', 'deletePort'] as const).map(name => vm.neutron.before(name, down));
  let gone = false;
  const going = (async () => {
    await engine.ok('NetworkDriver.Leave', endpoint);
    await engine.ok('NetworkDriver.DeleteEndpoint', endpoint);
    await engine.ok('IpamDriver.ReleaseAddress', { PoolID: network.pools[0], Address: cidrs[0]?.split('/')[0] });
    gone = true;
  })();
  await engine.clock.advance(1_000);
  assert.ok(gone, 'the engine was answered');
  assert.deepEqual(
    vm.kernel.links('host').filter(({ kind }) => kind === 'ipvlan'),
    [],
  );
  assert.equal(reservations(vm).length, 1);
  for (const mend of repair) mend();
  await engine.settled();
  await going;
  assert.deepEqual(addresses(vm), []);
  assert.deepEqual(reservations(vm), []);
});

test('writes the pair of a running container again that went missing while the daemon was down', async () => {
  const vm = fakeVm();
  const before = new FakeEngine({ neutron: vm.neutron, kernel: vm.kernel });
  const { cidrs } = await before.run(await before.createNetwork(['10.30.0.0/24']));
  before.stop();
  vm.neutron.meddle(vm.port.id, { allowed_address_pairs: [] });
  const after = new FakeEngine({ neutron: vm.neutron, kernel: vm.kernel, ledger: before.ledger, clock: before.clock });
  const running = after.upkeep.run();
  await after.clock.advance(5_000);
  assert.deepEqual(addresses(vm), [cidrs[0]?.split('/')[0]]);
  after.stop();
  await running;
});

test('takes the reservation of a dead daemon whose POST comes through between the look for it and the next POST', async () => {
  const vm = fakeVm();
  const before = new FakeEngine({ neutron: vm.neutron, kernel: vm.kernel });
  const network = await before.createNetwork(['10.30.0.0/24']);
  const underWay: FakeCall[] = [];
  const held = vm.neutron.before('createPort', call => {
    underWay.push(call);
    before.stop();
    throw new KuryrError('CLOUD_TIMEOUT', { method: 'POST', path: '/ports' });
  });
  await before.refused('IpamDriver.RequestAddress', { PoolID: network.pools[0], Address: '10.30.0.60' });
  held();
  const comesThrough = vm.neutron.before('createPort', () => {
    const [body] = (underWay.shift()?.args ?? []) as [PortCreate?];
    if (body === undefined) return;
    const [ip] = body.fixed_ips;
    vm.neutron.addPort({ ...body, fixed_ips: [{ ip_address: '10.30.0.60', subnet_id: ip?.subnet_id ?? '' }] });
  });
  const after = new FakeEngine({ neutron: vm.neutron, kernel: vm.kernel, ledger: before.ledger, clock: before.clock });
  const { cidrs } = await after.run(network, ['10.30.0.60']);
  assert.deepEqual(cidrs, ['10.30.0.60/24']);
  assert.deepEqual(underWay, []);
  assert.equal(reservations(vm).length, 1);
  comesThrough();
  after.stop();
});

test("reservations follow the VM port's security groups, and a lost pair of a running container comes back", async () => {
  const vm = fakeVm();
  const engine = new FakeEngine({ neutron: vm.neutron, kernel: vm.kernel });
  const network = await engine.createNetwork(['10.30.0.0/24']);
  const { cidrs } = await engine.run(network);
  const watching = engine.cloudWatch.run();
  vm.neutron.meddle(vm.port.id, { security_groups: ['web'], allowed_address_pairs: [] });
  await engine.clock.advance(301_000);
  assert.deepEqual(
    reservations(vm).map(port => port.security_groups),
    [['web']],
  );
  assert.deepEqual(addresses(vm), [cidrs[0]?.split('/')[0]]);
  await engine.run(network);
  assert.deepEqual(
    reservations(vm).map(port => port.security_groups),
    [['web'], ['web']],
  );
  engine.stop();
  await watching;
});

test('where access rules keep reservations from following the security groups, new ones have the new groups', async () => {
  const vm = fakeVm();
  const health = new HealthBoard(() => 0);
  const engine = new FakeEngine({ neutron: vm.neutron, kernel: vm.kernel, observe: { ...silentObserve, health } });
  const network = await engine.createNetwork(['10.30.0.0/24']);
  const first = await engine.run(network);
  const watching = engine.cloudWatch.run();
  const before = vm.neutron.peek(vm.port.id)?.security_groups;
  vm.neutron.meddle(vm.port.id, { security_groups: ['web'] });
  vm.neutron.before('updatePort', ({ args }) => {
    if (args[0] !== vm.port.id) throw new KuryrError('ACCESS_RULE_MISSING', { status: 401 });
  });
  await engine.clock.advance(301_000);
  const second = await engine.run(network);
  assert.deepEqual(
    reservations(vm).map(port => port.security_groups),
    [before, ['web']],
  );
  assert.equal(health.report().problems[0]?.code, 'GROUPS_NOT_FOLLOWED');
  // With the last container goes what there was to be said.
  for (const container of [first, second]) await engine.remove(container);
  await engine.clock.advance(301_000);
  assert.equal(health.report().status, 'ok');
  engine.stop();
  await watching;
});

test('lets a container go while its attach still waits for the cloud', { timeout: 10_000 }, async () => {
  const vm = fakeVm();
  const engine = new FakeEngine({ neutron: vm.neutron, kernel: vm.kernel });
  const { id, pools } = await engine.createNetwork(['10.30.0.0/24']);
  const repair = vm.neutron.before('updatePort', () => new Promise<void>(() => {}));
  const cidr = await engine.requestAddress(pools[0]);
  const endpoint = { NetworkID: id, EndpointID: engine.id() };
  await engine.ok('NetworkDriver.CreateEndpoint', { ...endpoint, Interface: interfaceOf([cidr]), Options: {} });
  const joining = engine.refused('NetworkDriver.Join', { ...endpoint, SandboxKey: '/var/run/docker/netns/1' });
  await engine.clock.advance(1_000);
  await engine.ok('NetworkDriver.DeleteEndpoint', endpoint);
  assert.equal(await joining, 'ATTACHMENT_UNKNOWN');
  assert.deepEqual(
    vm.kernel.links('host').filter(({ kind }) => kind === 'ipvlan'),
    [],
  );
  repair();
  engine.stop();
});

test('answers an engine that waited too long for the cloud, and says that it was too slow', {
  timeout: 10_000,
}, async () => {
  const vm = fakeVm();
  const engine = new FakeEngine({ neutron: vm.neutron, kernel: vm.kernel });
  const { id, pools } = await engine.createNetwork(['10.30.0.0/24']);
  vm.neutron.before('updatePort', () => new Promise<void>(() => {}));
  const cidr = await engine.requestAddress(pools[0]);
  const endpoint = { NetworkID: id, EndpointID: engine.id() };
  await engine.ok('NetworkDriver.CreateEndpoint', { ...endpoint, Interface: interfaceOf([cidr]), Options: {} });
  const joining = engine.refused('NetworkDriver.Join', { ...endpoint, SandboxKey: '/var/run/docker/netns/1' });
  // The writer's own patience ends later here, since the fake cloud keeps no deadline.
  await engine.clock.advance(75_000);
  assert.equal(await joining, 'DOCKER_VERB_TOO_SLOW');
  engine.stop();
});

test('goes on looking after the kernel failed to answer once', async () => {
  const vm = fakeVm();
  const engine = new FakeEngine({ neutron: vm.neutron, kernel: vm.kernel });
  const { pools } = await engine.createNetwork(['10.30.0.0/24']);
  const { links } = vm.kernel;
  vm.kernel.links = () => {
    vm.kernel.links = links;
    throw new KuryrError('KERNEL_REFUSED', { request: 'list the links', reason: 'EMFILE' });
  };
  const running = engine.upkeep.run();
  await engine.requestAddress(pools[0]);
  await engine.clock.advance(120_000);
  await engine.settled();
  assert.deepEqual(reservations(vm), [], 'what no container named was given back');
  engine.stop();
  await running;
});

test('gc leaves an address alone that a container named while it was at work', async () => {
  const vm = fakeVm();
  const engine = new FakeEngine({ neutron: vm.neutron, kernel: vm.kernel });
  const network = await engine.createNetwork(['10.30.0.0/24']);
  await engine.run(network);
  await engine.clock.advance(600_000);
  const cidr = await engine.requestAddress(network.pools[0]);
  await engine.clock.advance(61_000);
  const gate = Promise.withResolvers<void>();
  const { kernel } = vm;
  const deleteLink = kernel.deleteLink.bind(kernel);
  kernel.deleteLink = async (...args) => {
    await gate.promise;
    return deleteLink(...args);
  };
  const cleaning = engine.upkeep.gc(false, AbortSignal.timeout(10_000));
  await engine.clock.advance(1_000);
  const endpoint = { NetworkID: network.id, EndpointID: engine.id(), Interface: interfaceOf([cidr]), Options: {} };
  await engine.ok('NetworkDriver.CreateEndpoint', endpoint);
  gate.resolve();
  await engine.settled();
  await cleaning;
  assert.deepEqual(
    reservations(vm).map(port => `${port.fixed_ips[0]?.ip_address}/24`),
    [cidr],
  );
  assert.deepEqual(addresses(vm), [cidr.split('/')[0]]);
});

test('gc tells of what has no owner and changes nothing when it runs dry', async () => {
  const vm = fakeVm();
  const before = new FakeEngine({ neutron: vm.neutron, kernel: vm.kernel });
  await before.run(await before.createNetwork(['10.30.0.0/24']));
  before.stop();
  const guards = () => vm.kernel.keptNetns('/run/kuryr/guard');
  const state = () => [reservations(vm), addresses(vm), vm.kernel.links('host'), guards()];
  const was = state();
  const after = new FakeEngine({ neutron: vm.neutron, kernel: vm.kernel, clock: before.clock });
  const told = await after.upkeep.gc(true, AbortSignal.timeout(5_000));
  const expected = ['adopt false', 'close false', 'unguard false', 'unlink false'];
  assert.deepEqual(told.map(({ step, done }) => `${step.do} ${done}`).sort(), expected);
  assert.equal(guards().length, 1);
  await after.settled();
  assert.deepEqual(state(), was);
});

test('gc reads each reservation once before it adopts it, and leaves one alone that has another use by then', async () => {
  const vm = fakeVm();
  const before = new FakeEngine({ neutron: vm.neutron, kernel: vm.kernel });
  const network = await before.createNetwork(['10.30.0.0/24']);
  for (let count = 0; count < 3; count++) await before.run(network);
  before.stop();
  const taken = reservations(vm)[0]?.id ?? '';
  const end = vm.neutron.before('port', ({ args }) => {
    if (args[0] !== taken) return;
    end();
    vm.neutron.meddle(taken, { device_owner: 'compute:nova', device_id: 'a-server' });
  });
  const after = new FakeEngine({ neutron: vm.neutron, kernel: vm.kernel, clock: before.clock });
  vm.neutron.calls.splice(0);
  const cleaning = after.upkeep.gc(false, AbortSignal.timeout(5_000));
  await after.settled();
  await cleaning;
  await after.settled();
  const { calls } = vm.neutron;
  const lists = calls.filter(({ method, args: [filter] }) => method === 'ports' && 'device_id' in Object(filter));
  assert.equal(lists.length, 1);
  assert.equal(calls.filter(({ method, args: [id] }) => method === 'port' && id === taken).length, 1);
  assert.deepEqual(reservations(vm), []);
  assert.equal(vm.neutron.peek(taken)?.device_id, 'a-server');
});

test('gives a network that is internal no gateway and no routes', async () => {
  const vm = fakeVm();
  const routed = { destination: '192.168.0.0/16', nexthop: '10.33.0.9' };
  vm.neutron.addSubnet({ network_id: vm.network.id, cidr: '10.33.0.0/24', host_routes: [routed] });
  const engine = new FakeEngine({ neutron: vm.neutron, kernel: vm.kernel });
  const pool = await engine.ok('IpamDriver.RequestPool', { Pool: '10.33.0.0/24', Options: {} });
  const id = engine.id();
  await engine.ok('NetworkDriver.CreateNetwork', {
    NetworkID: id,
    Options: { 'com.docker.network.internal': true, 'com.docker.network.generic': {} },
    IPv4Data: [{ Pool: '10.33.0.0/24' }],
  });
  const { joined } = await engine.run({ id, pools: [String(pool['PoolID'])] });
  assert.equal(joined['Gateway'], undefined);
  assert.deepEqual(joined['StaticRoutes'], []);
});

test('an address that Neutron gave out again keeps its pair while the release of its last use goes on', async () => {
  const vm = fakeVm();
  const engine = new FakeEngine({ neutron: vm.neutron, kernel: vm.kernel });
  const network = await engine.createNetwork(['10.30.0.0/24']);
  const first = await engine.run(network);
  // Deleted, but the answer says otherwise: the release is tried again a second later.
  const mend = vm.neutron.after('deletePort', () => {
    throw new KuryrError('CLOUD_BAD_ANSWER', { method: 'DELETE', url: 'http://neutron', reason: 'status 302' });
  });
  await engine.ok('NetworkDriver.DeleteEndpoint', first.endpoint);
  while (reservations(vm).length > 0) await engine.clock.advance(1);
  mend();
  const second = await engine.run(network);
  assert.deepEqual(second.cidrs, first.cidrs);
  await engine.settled();
  assert.deepEqual(addresses(vm), [second.cidrs[0]?.split('/')[0]]);
  assert.equal(reservations(vm).length, 1);
  await engine.remove(second);
  assert.deepEqual(addresses(vm), []);
});

test('the pair of an address that Neutron gave out again goes, when its last two uses are both on their way back', async () => {
  const vm = fakeVm();
  const engine = new FakeEngine({ neutron: vm.neutron, kernel: vm.kernel });
  const network = await engine.createNetwork(['10.30.0.0/24']);
  const first = await engine.run(network);
  const [reservation] = reservations(vm);
  const fail = (): never => {
    throw new KuryrError('CLOUD_BAD_ANSWER', { method: 'DELETE', url: 'http://neutron', reason: 'status 302' });
  };
  // Deleted, but the answer says otherwise; and then nobody can say whether it is there, for as long as the test wants.
  const mend = vm.neutron.after('deletePort', fail);
  await engine.ok('NetworkDriver.DeleteEndpoint', first.endpoint);
  while (reservations(vm).length > 0) await engine.clock.advance(1);
  mend();
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<void>();
  vm.neutron.before('port', ({ args: [id] }) => {
    if (id !== reservation?.id) return undefined;
    asked.resolve();
    return answer.promise;
  });
  const second = await engine.run(network);
  assert.deepEqual(second.cidrs, first.cidrs);
  await Promise.all([asked.promise, engine.clock.advance(2000)]);
  await engine.ok('NetworkDriver.DeleteEndpoint', second.endpoint);
  while (reservations(vm).length > 0) await engine.clock.advance(1);
  answer.resolve();
  await engine.settled();
  assert.deepEqual(addresses(vm), []);
});

test('gc clears away each of several reservations of one name', async () => {
  const vm = fakeVm();
  const engine = new FakeEngine({ neutron: vm.neutron, kernel: vm.kernel });
  const own = { name: 'kuryr-1', device_owner: 'kuryr:container', device_id: `kuryr:${vm.port.id}` };
  const texts = [21, 22, 23].map(n => `10.30.0.${n}`);
  for (const ip_address of texts)
    vm.neutron.addPort({
      ...{ network_id: vm.network.id, ...own },
      fixed_ips: [{ subnet_id: vm.v4.id, ip_address }],
    });
  const pairs = texts.map(ip_address => ({ ip_address, mac_address: vm.port.mac_address }));
  vm.neutron.meddle(vm.port.id, { allowed_address_pairs: pairs });
  const cleaning = engine.upkeep.gc(false, new AbortController().signal);
  await engine.clock.advance(10_000);
  assert.equal((await cleaning).length, 3);
  assert.deepEqual(reservations(vm), []);
  assert.deepEqual(addresses(vm), []);
  engine.stop();
});
