import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KuryrError } from '../../errors/kuryr-error.ts';
import { FakeEngine, fakeVm, interfaceOf } from './fake-engine.ts';

const pairsOf = async (engine: FakeEngine, port: string) =>
  (await engine.neutron.port(port, AbortSignal.timeout(1000))).allowed_address_pairs.map(pair => pair.ip_address);
const reservations = (engine: FakeEngine) =>
  engine.neutron.ports({ device_owner: 'kuryr:container' }, AbortSignal.timeout(1000));

function vmAndEngine(options: ConstructorParameters<typeof FakeEngine>[0] = {}) {
  const vm = fakeVm();
  return { vm, engine: new FakeEngine({ neutron: vm.neutron, kernel: vm.kernel, ...options }) };
}

test('gives a container an address of the subnet, a pair without MAC, and a link on the master', async () => {
  const { vm, engine } = vmAndEngine();
  const network = await engine.createNetwork(['10.30.0.0/24']);
  const { cidrs, joined } = await engine.run(network);
  const [address] = String(cidrs[0]).split('/');
  assert.deepEqual(await pairsOf(engine, vm.port.id), [address]);
  const [reservation] = await reservations(engine);
  assert.equal(reservation?.fixed_ips[0]?.ip_address, address);
  assert.equal(reservation?.device_id, `kuryr:${vm.port.id}`);
  const link = vm.kernel.links('host').find(({ kind }) => kind === 'ipvlan');
  assert.equal(link?.mode, 'l2');
  assert.equal(link?.mtu, 1450, "the lesser of the master's and the network's");
  assert.deepEqual(joined, {
    InterfaceName: { SrcName: link?.name, DstPrefix: 'eth' },
    Gateway: '10.30.0.1',
    StaticRoutes: [],
    DisableGatewayService: true,
  });
  assert.deepEqual(engine.reach.probed, [address]);
});

test('leaves nothing behind when a container goes, and keeps a foreign pair', async () => {
  const { vm, engine } = vmAndEngine();
  const foreign = { ip_address: '10.30.0.200', mac_address: 'fa:16:3e:aa:aa:aa' };
  await vm.neutron.updatePort(vm.port.id, { allowed_address_pairs: [foreign] }, undefined, AbortSignal.timeout(1000));
  const network = await engine.createNetwork(['10.30.0.0/24', 'fd30::/64']);
  const container = await engine.run(network);
  assert.equal((await pairsOf(engine, vm.port.id)).length, 3);
  await engine.remove(container);
  assert.deepEqual(await pairsOf(engine, vm.port.id), ['10.30.0.200']);
  assert.deepEqual(await reservations(engine), []);
  assert.deepEqual(
    vm.kernel.links('host').filter(({ kind }) => kind !== ''),
    [],
  );
  assert.deepEqual(engine.records.holdings(), []);
});

test('answers a gateway with gateway_ip and reserves nothing for it', async () => {
  const { engine } = vmAndEngine();
  const network = await engine.createNetwork(['10.30.0.0/24']);
  assert.deepEqual(await reservations(engine), []);
  await engine.ok('IpamDriver.ReleaseAddress', { PoolID: network.pools[0], Address: '10.30.0.1' });
  assert.equal(
    await engine.refused('IpamDriver.RequestAddress', { PoolID: network.pools[0], Address: '10.30.0.1' }),
    'DOCKER_ADDRESS_IS_GATEWAY',
  );
});

test('joins without a gateway where the subnet has none', async () => {
  const { vm, engine } = vmAndEngine();
  vm.neutron.addSubnet({ network_id: vm.network.id, cidr: '10.31.0.0/24', gateway_ip: null });
  const { joined } = await engine.run(await engine.createNetwork(['10.31.0.0/24']));
  assert.equal(joined['Gateway'], undefined);
});

test('makes host routes static routes, a default one among them the gateway', async () => {
  const { vm, engine } = vmAndEngine();
  vm.neutron.addSubnet({
    network_id: vm.network.id,
    cidr: '10.32.0.0/24',
    host_routes: [
      { destination: '192.168.0.0/16', nexthop: '10.32.0.9' },
      { destination: '0.0.0.0/0', nexthop: '10.32.0.8' },
    ],
  });
  const { joined } = await engine.run(await engine.createNetwork(['10.32.0.0/24']));
  assert.equal(joined['Gateway'], '10.32.0.8');
  assert.deepEqual(joined['StaticRoutes'], [{ Destination: '192.168.0.0/16', RouteType: 0, NextHop: '10.32.0.9' }]);
});

test('never makes a link before its pair stands', async () => {
  const { vm, engine } = vmAndEngine();
  const network = await engine.createNetwork(['10.30.0.0/24']);
  await engine.run(network);
  const created = vm.kernel.calls.findIndex(({ method }) => method === 'createSlave');
  assert.ok(created >= 0);
  vm.neutron.before('updatePort', () => {
    throw new KuryrError('NEUTRON_FORBIDDEN', { message: 'no' });
  });
  const cidr = await engine.requestAddress(network.pools[0]);
  const endpoint = { NetworkID: network.id, EndpointID: engine.id() };
  await engine.ok('NetworkDriver.CreateEndpoint', { ...endpoint, Interface: interfaceOf([cidr]) });
  const before = vm.kernel.calls.filter(({ method }) => method === 'createSlave').length;
  assert.equal(
    await engine.refused('NetworkDriver.Join', { ...endpoint, SandboxKey: '/var/run/docker/netns/x' }),
    'PAIRS_FORBIDDEN',
  );
  assert.equal(vm.kernel.calls.filter(({ method }) => method === 'createSlave').length, before);
});

test('answers every call a second time as the first', async () => {
  const { vm, engine } = vmAndEngine();
  const network = await engine.createNetwork(['10.30.0.0/24']);
  const container = await engine.run(network);
  const { endpoint, cidrs, joined, sandbox } = container;
  await engine.ok('NetworkDriver.CreateNetwork', { NetworkID: network.id, IPv4Data: [{ Pool: '10.30.0.0/24' }] });
  await engine.ok('NetworkDriver.CreateEndpoint', { ...endpoint, Interface: interfaceOf(cidrs) });
  assert.deepEqual(await engine.ok('NetworkDriver.Join', { ...endpoint, SandboxKey: sandbox }), joined);
  assert.equal(vm.kernel.links('host').filter(({ kind }) => kind === 'ipvlan').length, 1);
  await engine.remove(container);
  await engine.remove(container);
  await engine.ok('NetworkDriver.DeleteNetwork', { NetworkID: network.id });
  await engine.ok('NetworkDriver.DeleteNetwork', { NetworkID: network.id });
  await engine.ok('IpamDriver.ReleasePool', { PoolID: network.pools[0] });
  await engine.ok('IpamDriver.ReleasePool', { PoolID: network.pools[0] });
});

test('takes an address back that is on its way to Neutron when it is asked for again', async () => {
  const { vm, engine } = vmAndEngine();
  const network = await engine.createNetwork(['10.30.0.0/24']);
  const container = await engine.run(network, ['10.30.0.77']);
  const [before] = await reservations(engine);
  await engine.ok('NetworkDriver.DeleteEndpoint', container.endpoint);
  const again = await engine.run(network, ['10.30.0.77']);
  await engine.settled();
  const [after] = await reservations(engine);
  assert.deepEqual(after, before, 'the same reservation serves on');
  assert.deepEqual(await pairsOf(engine, vm.port.id), ['10.30.0.77']);
  assert.equal(again.cidrs[0], '10.30.0.77/24');
});

test('refuses an address that somebody else has', async () => {
  const { vm, engine } = vmAndEngine();
  const network = await engine.createNetwork(['10.30.0.0/24']);
  vm.neutron.addPort({ network_id: vm.network.id, fixed_ips: [{ subnet_id: vm.v4.id, ip_address: '10.30.0.50' }] });
  const request = { PoolID: network.pools[0], Address: '10.30.0.50' };
  assert.equal(await engine.refused('IpamDriver.RequestAddress', request), 'ADDRESS_IN_USE');
  assert.deepEqual(engine.records.holdings(), []);
});

test('gives a link no larger MTU than its master has by then', async () => {
  const { vm, engine } = vmAndEngine();
  const network = await engine.createNetwork(['10.30.0.0/24']);
  vm.kernel.changeLink('host', vm.master.ifindex, { mtu: 1400 });
  // A daemon asks anew when it hears of that.
  await engine.ok('IpamDriver.RequestPool', { Pool: '10.30.0.0/24', Options: {} });
  await engine.run(network);
  assert.equal(vm.kernel.links('host').find(({ kind }) => kind === 'ipvlan')?.mtu, 1400);
});

test('frees an address that no endpoint named within its minute', async () => {
  const { vm, engine } = vmAndEngine();
  const running = engine.upkeep.run();
  const network = await engine.createNetwork(['10.30.0.0/24']);
  await engine.requestAddress(network.pools[0]);
  await engine.clock.advance(50_000);
  assert.equal((await reservations(engine)).length, 1);
  await engine.clock.advance(60_000);
  await engine.settled();
  assert.deepEqual(await reservations(engine), []);
  assert.deepEqual(await pairsOf(engine, vm.port.id), []);
  engine.stop();
  await running;
});

test('names limit, use and way out on a full port, and leaves nothing of the container that did not fit', async () => {
  const { vm, engine } = vmAndEngine();
  vm.neutron.pairLimit = 2;
  const network = await engine.createNetwork(['10.30.0.0/24']);
  await engine.run(network);
  await engine.run(network);
  const cidr = await engine.requestAddress(network.pools[0]);
  const endpoint = { NetworkID: network.id, EndpointID: engine.id() };
  await engine.ok('NetworkDriver.CreateEndpoint', { ...endpoint, Interface: interfaceOf([cidr]) });
  const join = { ...endpoint, SandboxKey: '/var/run/docker/netns/x' };
  assert.equal(await engine.refused('NetworkDriver.Join', join), 'PAIRS_EXHAUSTED');
  await engine.ok('NetworkDriver.DeleteEndpoint', endpoint);
  await engine.ok('IpamDriver.ReleaseAddress', { PoolID: network.pools[0], Address: cidr.split('/')[0] });
  await engine.settled();
  assert.equal((await reservations(engine)).length, 2);
  assert.equal((await pairsOf(engine, vm.port.id)).length, 2);
});

test('gives a macvlan link the MAC of its IPv4 reservation, and both pairs that MAC', async () => {
  const { vm, engine } = vmAndEngine();
  const network = await engine.createNetwork(['10.30.0.0/24', 'fd30::/64'], { macvlan_mode: 'bridge' });
  const { endpoint, cidrs } = await engine.run(network);
  const v4 = (await reservations(engine)).find(port => !port.fixed_ips[0]?.ip_address.includes(':'));
  const link = vm.kernel.links('host').find(({ kind }) => kind === 'macvlan');
  assert.equal(link?.mac, v4?.mac_address);
  const port = await vm.neutron.port(vm.port.id, AbortSignal.timeout(1000));
  assert.deepEqual(
    port.allowed_address_pairs.map(pair => pair.mac_address),
    [v4?.mac_address, v4?.mac_address],
  );
  const answer = await engine.ok('NetworkDriver.CreateEndpoint', { ...endpoint, Interface: interfaceOf(cidrs) });
  assert.deepEqual(answer, { Interface: { MacAddress: v4?.mac_address } });
});

test('gives an address that is taken back the MAC of its new macvlan link, and takes the pair with the old one away', async () => {
  const { vm, engine } = vmAndEngine();
  const network = await engine.createNetwork(['10.30.0.0/24', 'fd30::/64'], { macvlan_mode: 'bridge' });
  const first = await engine.run(network, ['', 'fd30::77']);
  const gate = Promise.withResolvers<void>();
  vm.neutron.before('updatePort', () => gate.promise);
  await engine.ok('NetworkDriver.DeleteEndpoint', first.endpoint);
  await engine.requestAddress(network.pools[1], 'fd30::77');
  gate.resolve();
  const running = engine.run(network, ['', 'fd30::77']);
  await engine.clock.advance(5_000);
  const second = await running;
  const mac = vm.kernel.links('host').find(({ kind }) => kind === 'macvlan')?.mac;
  const { allowed_address_pairs: pairs } = await vm.neutron.port(vm.port.id, AbortSignal.timeout(1000));
  const own = second.cidrs.map(cidr => cidr.split('/')[0]);
  assert.deepEqual(
    own.map(address => pairs.filter(({ ip_address }) => ip_address === address).map(pair => pair.mac_address)),
    [[mac], [mac]],
  );
});

test('gives one address to one of two containers that ask for it at once, and the other leaves it alone', async () => {
  const { vm, engine } = vmAndEngine();
  const { id, pools } = await engine.createNetwork(['10.30.0.0/24']);
  const ask = () => engine.requestAddress(pools[0], '10.30.0.77');
  const [one, other] = await Promise.all([ask(), ask()]);
  assert.deepEqual([one, other], ['10.30.0.77/24', '10.30.0.77/24'], 'a repeat cannot be told from another container');
  const endpoint = () => ({ NetworkID: id, EndpointID: engine.id(), Interface: interfaceOf(['10.30.0.77/24']) });
  const first = endpoint();
  await engine.ok('NetworkDriver.CreateEndpoint', first);
  assert.equal(await engine.refused('NetworkDriver.CreateEndpoint', endpoint()), 'DOCKER_ADDRESS_UNKNOWN');
  await engine.ok('NetworkDriver.Join', { ...first, SandboxKey: '/var/run/docker/netns/1', Options: {} });
  assert.deepEqual(await pairsOf(engine, vm.port.id), ['10.30.0.77']);
  await engine.ok('NetworkDriver.DeleteEndpoint', first);
  await engine.settled();
  assert.deepEqual(await reservations(engine), []);
  assert.deepEqual(await pairsOf(engine, vm.port.id), []);
});

test('needs no pair where the port has no port security', async () => {
  const { vm, engine } = vmAndEngine();
  const open = { port_security_enabled: false, security_groups: [] };
  await vm.neutron.updatePort(vm.port.id, open, undefined, AbortSignal.timeout(1000));
  const network = await engine.createNetwork(['10.30.0.0/24']);
  const container = await engine.run(network);
  assert.deepEqual(await pairsOf(engine, vm.port.id), []);
  await engine.remove(container);
  assert.deepEqual(await reservations(engine), []);
});

test('ends the endless loop of engines up to 26 by the command to type', async () => {
  const { engine } = vmAndEngine();
  const bare = { AddressSpace: 'kuryr', Pool: '', SubPool: '', Options: {}, V6: false };
  for (let asked = 0; asked < 16; asked++) await engine.ok('IpamDriver.RequestPool', bare);
  assert.equal(await engine.refused('IpamDriver.RequestPool', bare), 'DOCKER_BARE_CREATE');
  assert.equal((await engine.ok('IpamDriver.GetDefaultAddressSpaces', {}))['LocalDefaultAddressSpace'], 'kuryr');
});

test('refuses what Docker users get wrong, by a code', async () => {
  const { vm, engine } = vmAndEngine();
  const other = vm.neutron.addNetwork({ name: 'elsewhere' });
  vm.neutron.addSubnet({ network_id: other.id, cidr: '10.99.0.0/24' });
  const data = [{ AddressSpace: 'LocalDefault', Pool: '172.17.0.0/16', Gateway: '172.17.0.1/16' }];
  const create = { NetworkID: engine.id(), Options: {}, IPv4Data: data, IPv6Data: [] };
  assert.equal(await engine.refused('NetworkDriver.CreateNetwork', create), 'DOCKER_IPAM_MISSING');
  const pool = { AddressSpace: 'kuryr', Pool: '10.99.0.0/24', SubPool: '', Options: {}, V6: false };
  assert.equal(await engine.refused('IpamDriver.RequestPool', pool), 'SUBNET_UNKNOWN');
  const elsewhere = { ...pool, Pool: '', Options: { 'neutron.net.uuid': other.id } };
  assert.equal(await engine.refused('IpamDriver.RequestPool', elsewhere), 'NETWORK_NOT_ON_VM');
  const range = { ...pool, Pool: '10.30.0.0/24', SubPool: '10.30.0.128/25' };
  assert.equal(await engine.refused('IpamDriver.RequestPool', range), 'DOCKER_RANGE_UNSUPPORTED');
  await engine.ok('IpamDriver.RequestPool', { ...pool, Pool: '10.30.0.0/24' });
  const twin = (generic: object) => ({
    NetworkID: engine.id(),
    Options: { 'com.docker.network.generic': generic },
    IPv4Data: [{ AddressSpace: 'kuryr', Pool: '10.30.0.0/24' }],
    IPv6Data: null,
  });
  const refused = (generic: object) => engine.refused('NetworkDriver.CreateNetwork', twin(generic));
  assert.equal(await refused({ 'neutron.net.uuid': other.id }), 'DOCKER_OPTION_TWIN');
  assert.equal(await refused({ parent: 'eth1' }), 'DOCKER_OPTION_TWIN');
  assert.equal(await refused({ ipvlan_mode: 'l3' }), 'LINK_MODE_UNSUPPORTED');
  assert.equal(await refused({ ipvlan_mode: 'l3s' }), 'LINK_MODE_UNSUPPORTED');
  assert.equal(await refused({ ipvlan_mod: 'l2' }), 'DOCKER_OPTION_UNKNOWN');
});

test('refuses a network whose links cannot stand beside those of another on the same master', async () => {
  const { engine } = vmAndEngine();
  await engine.createNetwork(['10.30.0.0/24']);
  const pool = await engine.ok('IpamDriver.RequestPool', { Pool: '10.30.0.0/24', Options: {} });
  const network = (generic: object) => ({
    NetworkID: engine.id(),
    Options: { 'com.docker.network.generic': generic },
    IPv4Data: [{ Pool: pool['Pool'] }],
    IPv6Data: [],
  });
  assert.equal(await engine.refused('NetworkDriver.CreateNetwork', network({ macvlan_mode: 'bridge' })), 'MODE_CLASH');
  assert.equal(await engine.refused('NetworkDriver.CreateNetwork', network({ ipvlan_flag: 'private' })), 'MODE_CLASH');
});

test('starts a container that publishes ports and says where they are, or refuses it when told to', async () => {
  const mapped = { Proto: 6, IP: '', HostIP: '' };
  // -p 8080:80 and -P, where Docker would choose.
  const ports = [
    { ...mapped, Port: 80, HostPort: 8080 },
    { ...mapped, Port: 443, HostPort: 0 },
  ];
  const published = { 'com.docker.network.portmap': ports };
  const { engine } = vmAndEngine();
  const network = await engine.createNetwork(['10.30.0.0/24']);
  const cidr = await engine.requestAddress(network.pools[0]);
  const endpoint = { NetworkID: network.id, EndpointID: engine.id(), Interface: interfaceOf([cidr]) };
  await engine.ok('NetworkDriver.CreateEndpoint', { ...endpoint, Options: published });
  const [attachment] = engine.records.attachments();
  const address = cidr.split('/')[0];
  assert.deepEqual(attachment?.notes, [`8080/tcp is at port 80 of ${address}`, `443/tcp is at port 443 of ${address}`]);
  const strict = vmAndEngine({ publishedPorts: 'refuse' }).engine;
  const other = await strict.createNetwork(['10.30.0.0/24']);
  const another = await strict.requestAddress(other.pools[0]);
  const refused = {
    NetworkID: other.id,
    EndpointID: strict.id(),
    Interface: interfaceOf([another]),
    Options: published,
  };
  assert.equal(await strict.refused('NetworkDriver.CreateEndpoint', refused), 'DOCKER_PUBLISH_REFUSED');
});

test('finds a reservation whose answer was lost with the daemon, when the address is asked for again', async () => {
  const vm = fakeVm();
  const before = new FakeEngine({ neutron: vm.neutron, kernel: vm.kernel });
  const network = await before.createNetwork(['10.30.0.0/24']);
  vm.neutron.after('createPort', () => {
    before.stop();
    throw new KuryrError('CLOUD_TIMEOUT', { method: 'POST', path: '/ports' });
  });
  await before.refused('IpamDriver.RequestAddress', { PoolID: network.pools[0], Address: '10.30.0.60' });
  const after = new FakeEngine({ neutron: vm.neutron, kernel: vm.kernel, ledger: before.ledger, clock: before.clock });
  const { cidrs } = await after.run(network, ['10.30.0.60']);
  assert.deepEqual(cidrs, ['10.30.0.60/24']);
  assert.equal((await reservations(after)).length, 1);
});

test('detaches a container that ended while nobody listened, so that its fixed address can be had again', async () => {
  const { vm, engine } = vmAndEngine();
  const network = await engine.createNetwork(['10.30.0.0/24']);
  const container = await engine.run(network, ['10.30.0.77']);
  const link = vm.kernel.links('host').find(({ kind }) => kind === 'ipvlan');
  await vm.kernel.deleteLink('host', link?.ifindex ?? 0, AbortSignal.timeout(1000));
  await engine.clock.advance(11_000);
  const again = await engine.run(network, ['10.30.0.77']);
  assert.equal(again.cidrs[0], container.cidrs[0]);
  assert.equal(engine.records.attachments().length, 1);
});

test('gc clears away what a lost state folder left, but not what a living container has', async () => {
  const vm = fakeVm();
  const before = new FakeEngine({ neutron: vm.neutron, kernel: vm.kernel });
  const network = await before.createNetwork(['10.30.0.0/24']);
  const kept = await before.run(network);
  await before.run(network);
  before.stop();
  const [first] = vm.kernel.links('host').filter(({ kind }) => kind === 'ipvlan');
  const sandbox = vm.kernel.addNetns(kept.sandbox);
  vm.kernel.moveLink('host', first?.ifindex ?? 0, sandbox);
  const address = kept.cidrs[0]?.split('/')[0] ?? '';
  vm.kernel.addAddress(sandbox, first?.ifindex ?? 0, address, 24);
  const after = new FakeEngine({ neutron: vm.neutron, kernel: vm.kernel, clock: before.clock });
  const cleaned = after.upkeep.gc(false, AbortSignal.timeout(5000));
  await after.settled();
  assert.deepEqual((await cleaned).map(({ step }) => step.do).sort(), ['adopt', 'close', 'unlink']);
  await after.settled();
  assert.deepEqual(await pairsOf(after, vm.port.id), [address]);
  assert.equal((await reservations(after)).length, 1);
});

test('gives a container the gateway and routes of its own subnet where a network has several', async () => {
  const { vm, engine } = vmAndEngine();
  vm.neutron.addSubnet({ network_id: vm.network.id, cidr: '10.33.0.0/24' });
  const network = await engine.createNetwork(['10.30.0.0/24', '10.33.0.0/24']);
  const second = { id: network.id, pools: network.pools.slice(1) };
  assert.equal((await engine.run(second)).joined['Gateway'], '10.33.0.1');
});
