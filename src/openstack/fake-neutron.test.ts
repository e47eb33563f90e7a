import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isKuryrError } from '../errors/kuryr-error.ts';
import type { ErrorCode } from '../errors/table.ts';
import { FakeNeutron } from './fake-neutron.ts';

const signal = new AbortController().signal;
const code = (wanted: ErrorCode) => (error: unknown) => isKuryrError(error, wanted);

function cloud() {
  const neutron = new FakeNeutron();
  const network = neutron.addNetwork();
  const subnet = neutron.addSubnet({ network_id: network.id, cidr: '10.0.0.0/29' });
  const vm = neutron.addPort({ network_id: network.id });
  const body = {
    ...{ name: 'r', network_id: network.id, device_owner: 'kuryr:container', device_id: `kuryr:${vm.id}` },
    ...{ admin_state_up: false, fixed_ips: [{ subnet_id: subnet.id }] },
  };
  return { neutron, network, subnet, vm, body };
}

test('hands out free addresses, not the gateway, until the subnet is exhausted', async () => {
  const { neutron, body } = cloud();
  const addresses = [];
  for (let i = 0; i < 4; i++) addresses.push((await neutron.createPort(body, signal)).fixed_ips[0]?.ip_address);
  assert.deepEqual(addresses, ['10.0.0.3', '10.0.0.4', '10.0.0.5', '10.0.0.6']);
  await assert.rejects(neutron.createPort(body, signal), code('SUBNET_EXHAUSTED'));
});

test('refuses a taken and an outside address', async () => {
  const { neutron, body, subnet } = cloud();
  const wish = (ip_address: string) => ({ ...body, fixed_ips: [{ subnet_id: subnet.id, ip_address }] });
  await assert.rejects(neutron.createPort(wish('10.0.0.2'), signal), code('ADDRESS_IN_USE'));
  await assert.rejects(neutron.createPort(wish('10.1.0.2'), signal), code('ADDRESS_OUTSIDE'));
});

test('gives a port on a network with a SLAAC subnet an address of its MAC, asked or not, and refuses a chosen one', async () => {
  const { neutron, body, network } = cloud();
  const slaac = neutron.addSubnet({ network_id: network.id, cidr: 'fd00:1::/64', ipv6_address_mode: 'slaac' });
  const dual = await neutron.createPort(body, signal);
  assert.equal(dual.fixed_ips.length, 2);
  const alone = await neutron.createPort({ ...body, fixed_ips: [{ subnet_id: slaac.id }] }, signal);
  assert.equal(alone.fixed_ips.length, 1);
  assert.match(alone.fixed_ips[0]?.ip_address ?? '', /^fd00:1::f816:3eff:fe00:/);
  const wish = { ...body, fixed_ips: [{ subnet_id: slaac.id, ip_address: 'fd00:1::5' }] };
  await assert.rejects(neutron.createPort(wish, signal), code('ADDRESS_NOT_CHOOSABLE'));
});

test('stores pairs as written with the MAC filled in, and refuses a stale revision, too many and a port without security', async () => {
  const { neutron, vm, network } = cloud();
  const pairs = [{ ip_address: '10.0.0.9/24', note: 'kept' }];
  await neutron.updatePort(vm.id, { allowed_address_pairs: pairs }, 1, signal);
  assert.deepEqual(neutron.peek(vm.id)?.allowed_address_pairs, [
    { mac_address: vm.mac_address, ip_address: '10.0.0.9/24', note: 'kept' },
  ]);
  await assert.rejects(neutron.updatePort(vm.id, { allowed_address_pairs: [] }, 1, signal), code('NEUTRON_STALE'));
  const probe = neutron.updatePort(vm.id, { allowed_address_pairs: Array(2000).fill({}) }, undefined, signal);
  await assert.rejects(probe, error => isKuryrError(error, 'PAIRS_EXHAUSTED') && error.details['limit'] === 10);
  const open = neutron.addPort({ network_id: network.id, port_security_enabled: false });
  const write = neutron.updatePort(open.id, { allowed_address_pairs: pairs }, undefined, signal);
  await assert.rejects(write, code('PORT_SECURITY_OFF'));
});

test('lets writes of the same moment all succeed and end as their union where races merge', async () => {
  const { neutron, vm } = cloud();
  const write = (ip_address: string) =>
    neutron.updatePort(vm.id, { allowed_address_pairs: [{ ip_address }] }, 1, signal).then(() => ip_address);
  neutron.mergeRaces = true;
  assert.equal((await Promise.all([write('10.0.0.3'), write('10.0.0.4')])).length, 2);
  const stored = neutron.peek(vm.id)?.allowed_address_pairs.map(pair => pair.ip_address);
  assert.deepEqual(stored?.toSorted(), ['10.0.0.3', '10.0.0.4']);
});

test('lets a hook lose an answer after the effect', async () => {
  const { neutron, body } = cloud();
  const undo = neutron.after('createPort', () => {
    throw new Error('lost');
  });
  await assert.rejects(neutron.createPort(body, signal), /lost/);
  undo();
  assert.equal((await neutron.ports({ name: 'r', fixed_ips: 'ip_address=10.0.0.3' }, signal)).length, 1);
  await assert.rejects(neutron.ports({ allowed_address_pairs: 'x' }, signal), code('NEUTRON_REFUSED'));
});
