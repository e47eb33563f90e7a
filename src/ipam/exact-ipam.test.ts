import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Details } from '../errors/details.ts';
import { isKuryrError, KuryrError } from '../errors/kuryr-error.ts';
import type { ErrorCode } from '../errors/table.ts';
import type { Nic } from '../nic/nic.ts';
import { silentLogger } from '../observe/logger.ts';
import { FakeNeutron } from '../openstack/fake-neutron.ts';
import type { PortCreate, Subnet } from '../openstack/neutron.ts';
import { ExactIpam } from './exact-ipam.ts';
import { reservationName } from './ipam.ts';

const signal = new AbortController().signal;
const code =
  (wanted: ErrorCode, details: Details = {}) =>
  (error: unknown) => {
    assert.ok(isKuryrError(error, wanted), String(error));
    for (const [name, value] of Object.entries(details)) assert.equal(error.details[name], value, name);
    return true;
  };

function bench(port: Partial<Nic['port']> = {}, v6?: Subnet['ipv6_address_mode']) {
  const neutron = new FakeNeutron();
  const network = neutron.addNetwork();
  const v4 = neutron.addSubnet({ network_id: network.id, cidr: '10.0.0.0/24' });
  const vm = neutron.addPort({ network_id: network.id, device_owner: 'compute:nova', device_id: 'server' });
  const mode = v6 === undefined ? {} : { ipv6_address_mode: v6 };
  const second = neutron.addSubnet({ network_id: network.id, cidr: 'fd20::/64', ...mode });
  const nic: Nic = {
    master: { name: 'ens3', ifindex: 2, mac: vm.mac_address, mtu: 1450, addresses: [] },
    port: {
      ...{ id: vm.id, networkId: network.id, projectId: 'project', mac: vm.mac_address, fixedIps: [] },
      ...{ securityGroups: ['web', 'ssh'], portSecurity: true },
      ...port,
    },
    network,
    subnets: [v4, second],
  };
  const ipam = new ExactIpam({ neutron, logger: silentLogger });
  const reserve = (subnet: Subnet, address?: string) =>
    ipam.reserve({ nic, subnet, name: reservationName('1', nic.port.portSecurity), address }, signal);
  const posted = () => neutron.calls.find(call => call.method === 'createPort')?.args[0] as PortCreate;
  return { neutron, ipam, nic, v4, second, vm, reserve, posted };
}

test('reserves by one POST that carries whose it is, and never the server', async () => {
  const { neutron, vm, v4, reserve, posted } = bench();
  const reservation = await reserve(v4);
  assert.deepEqual(posted(), {
    name: 'kuryr-1',
    network_id: v4.network_id,
    fixed_ips: [{ subnet_id: v4.id }],
    device_owner: 'kuryr:container',
    device_id: `kuryr:${vm.id}`,
    admin_state_up: false,
    security_groups: ['web', 'ssh'],
  });
  const port = neutron.peekAll().find(({ name }) => name === 'kuryr-1');
  assert.deepEqual(reservation, {
    ...{ portId: port?.id, name: 'kuryr-1', address: '10.0.0.3', family: 4, prefix: 24 },
    ...{ mac: port?.mac_address, subnetId: v4.id },
  });
  assert.deepEqual(
    neutron.calls.map(call => call.method),
    ['extensions', 'createPort'],
  );
});

test('makes a reservation that OVN leaves alone where the VM port has no port security, and knows it as its own', async () => {
  const { neutron, ipam, v4, vm, reserve, posted } = bench({ portSecurity: false });
  const { portId } = await reserve(v4);
  assert.equal(posted().name, 'ovn-lb-vip-kuryr-1');
  assert.equal(posted().device_owner, '');
  assert.deepEqual(
    (await ipam.list(vm.id, signal)).map(({ id }) => id),
    [portId],
  );
  await ipam.release({ portId, vmPortId: vm.id }, signal);
  assert.equal(neutron.peek(portId), undefined);
});

test('tags the reservation where the server takes tags in a POST, and only there', async () => {
  const { neutron, v4, reserve, posted } = bench();
  neutron.aliases.add('tag-ports-during-bulk-creation');
  await reserve(v4);
  assert.deepEqual(posted().tags, ['kuryr']);
});

test('puts no group on the reservation of a VM port without groups or port security', async () => {
  for (const port of [{ securityGroups: [] }, { portSecurity: false, securityGroups: [] }]) {
    const { v4, reserve, posted } = bench(port);
    await reserve(v4);
    assert.deepEqual(posted().security_groups, []);
  }
});

test('takes the chosen address in any spelling and gives back the text of Neutron', async () => {
  const { v4, second, reserve } = bench();
  assert.equal((await reserve(v4, '10.0.0.77')).address, '10.0.0.77');
  assert.equal((await reserve(second, 'FD20:0::0050')).address, 'fd20::50');
});

test('asks an automatic IPv6 subnet for itself alone, and leaves an address it gives unasked aside', async () => {
  const { neutron, ipam, nic, v4, second, reserve } = bench({}, 'slaac');
  const four = await reserve(v4);
  assert.equal(neutron.peek(four.portId)?.fixed_ips.length, 2);
  assert.equal(four.address, '10.0.0.3');
  const six = await reserve(second);
  assert.equal(six.family, 6);
  assert.deepEqual(
    neutron.peek(six.portId)?.fixed_ips.map(ip => ip.ip_address),
    [six.address],
  );
  const ports = await ipam.list(nic.port.id, signal);
  assert.deepEqual(
    ports.map(port => ipam.read(port, nic.subnets.toReversed())),
    [four, six],
  );
  const [port] = ports;
  assert.deepEqual(port && ipam.read({ ...port, fixed_ips: port.fixed_ips.toReversed() }, nic.subnets), four);
});

test('refuses a chosen address on an automatic subnet and one outside without asking the cloud', async () => {
  const { neutron, v4, second, reserve } = bench({}, 'dhcpv6-stateless');
  await assert.rejects(reserve(second, 'fd20::5'), code('ADDRESS_NOT_CHOOSABLE', { address: 'fd20::5' }));
  await assert.rejects(reserve(v4, '10.0.1.5'), code('ADDRESS_OUTSIDE', { address: '10.0.1.5' }));
  await assert.rejects(reserve(v4, '10.0.0.5/24'), code('ADDRESS_OUTSIDE'));
  assert.deepEqual(neutron.calls, []);
});

test('names the holder of an address in use, and whether it is a reservation of this VM port', async () => {
  const { vm, v4, reserve } = bench();
  const own = await reserve(v4);
  const ours = { holder: own.portId, holderOwner: 'kuryr:container', own: true };
  await assert.rejects(reserve(v4, own.address), code('ADDRESS_IN_USE', ours));
  const theirs = { holder: vm.id, holderOwner: 'compute:nova', holderDevice: 'server', own: false };
  await assert.rejects(reserve(v4, '10.0.0.2'), code('ADDRESS_IN_USE', { ...theirs, address: '10.0.0.2' }));
});

test('tells that an address is in use also when the holder cannot be looked up', async () => {
  const { neutron, v4, reserve } = bench();
  neutron.before('ports', () => {
    throw new KuryrError('NEUTRON_FORBIDDEN', { status: 403 });
  });
  await assert.rejects(reserve(v4, '10.0.0.2'), code('ADDRESS_IN_USE', { holder: undefined, own: false }));
});

test('explains a refused address by the network of another project', async () => {
  for (const [projectId, wanted] of [
    ['other', 'ADDRESS_FORBIDDEN'],
    ['project', 'NEUTRON_FORBIDDEN'],
  ] as const) {
    const { neutron, v4, reserve } = bench({ projectId });
    neutron.before('createPort', () => {
      throw new KuryrError('NEUTRON_FORBIDDEN', { status: 403, requestId: 'req-1' });
    });
    await assert.rejects(reserve(v4, '10.0.0.9'), code(wanted));
  }
});

test('builds nothing on an answer that is not what was asked, and leaves nothing behind', async () => {
  const { neutron, nic, v4 } = bench();
  const createPort: FakeNeutron['createPort'] = async (body, life) => {
    const port = await neutron.createPort(body, life);
    return { ...port, fixed_ips: [{ subnet_id: v4.id, ip_address: '192.168.0.1' }] };
  };
  const lying = Object.assign(Object.create(neutron) as FakeNeutron, {
    createPort,
    extensions: async () => new Set<string>(),
    port: (id: string, life: AbortSignal) => neutron.port(id, life),
    deletePort: (id: string, life: AbortSignal) => neutron.deletePort(id, life),
  });
  const ipam = new ExactIpam({ neutron: lying, logger: silentLogger });
  await assert.rejects(ipam.reserve({ nic, subnet: v4, name: 'kuryr-1' }, signal), code('CLOUD_BAD_ANSWER'));
  assert.equal(neutron.peekAll().length, 1);
});

test('deletes no port of others that an answer to a POST names', async () => {
  const { neutron, vm, v4, reserve } = bench();
  const create = neutron.createPort.bind(neutron);
  neutron.createPort = async (body, bound) => ({ ...(await create(body, bound)), id: vm.id, fixed_ips: vm.fixed_ips });
  await assert.rejects(reserve(v4, '10.0.0.50'), code('CLOUD_BAD_ANSWER'));
  assert.ok(neutron.peek(vm.id) !== undefined, "the VM's own port stands");
});

test('releases a reservation, twice too, and never a port that is not one of this VM port any more', async () => {
  const { neutron, ipam, nic, v4, reserve } = bench();
  const { portId } = await reserve(v4);
  await ipam.release({ portId, vmPortId: 'another' }, signal);
  assert.ok(neutron.peek(portId));
  neutron.meddle(portId, { device_owner: 'compute:nova' });
  await ipam.release({ portId, vmPortId: nic.port.id }, signal);
  assert.ok(neutron.peek(portId));
  neutron.meddle(portId, { device_owner: 'kuryr:container' });
  await ipam.release({ portId, vmPortId: nic.port.id }, signal);
  await ipam.release({ portId, vmPortId: nic.port.id }, signal);
  assert.equal(neutron.peek(portId), undefined);
});

test('lists the reservations of one VM port by one call', async () => {
  const { neutron, ipam, nic, v4, reserve } = bench();
  const { portId } = await reserve(v4);
  neutron.addPort({ network_id: v4.network_id, device_owner: 'kuryr:container', device_id: 'kuryr:another' });
  neutron.calls.splice(0);
  assert.deepEqual(
    (await ipam.list(nic.port.id, signal)).map(({ id }) => id),
    [portId],
  );
  assert.equal(neutron.calls.length, 1);
});
