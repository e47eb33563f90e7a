import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KuryrError } from '../errors/kuryr-error.ts';
import { FakeNeutron } from '../openstack/fake-neutron.ts';
import { refusalError } from '../openstack/refusal.ts';
import { mayWritePairs } from './right.ts';

const never = new AbortController().signal;
const FOREIGN = { mac_address: '00:00:5e:00:01:07', ip_address: '10.0.0.200', note: 'of keepalived' };

function bench(pairs: readonly (typeof FOREIGN)[] = []) {
  const neutron = new FakeNeutron();
  const network = neutron.addNetwork();
  neutron.addSubnet({ network_id: network.id, cidr: '10.0.0.0/24' });
  const vm = neutron.addPort({ network_id: network.id, allowed_address_pairs: pairs });
  return { neutron, vm, ask: () => mayWritePairs(neutron, vm.id, never) };
}

const refused = (status: number, type: string) => () => {
  throw refusalError({ method: 'PUT', path: '/ports/p', status, type, message: type });
};

test('asks for the right to write pairs without changing any, with pairs of others and without any', async () => {
  for (const { neutron, vm, ask } of [bench([FOREIGN]), bench()]) {
    const before = neutron.peek(vm.id);
    assert.equal(await ask(), true);
    assert.deepEqual(neutron.peek(vm.id), before);
    const [, fields, revision] = neutron.calls.find(({ method }) => method === 'updatePort')?.args ?? [];
    assert.equal(revision, 0);
    const own = { ip_address: vm.fixed_ips[0]?.ip_address };
    assert.deepEqual(fields, { allowed_address_pairs: [...vm.allowed_address_pairs, own] });
  }
});

test('asks with the list alone where the own address stands on it already', async () => {
  const { neutron, vm, ask } = bench();
  const pairs = [{ ip_address: vm.fixed_ips[0]?.ip_address ?? '', mac_address: vm.mac_address }];
  neutron.meddle(vm.id, { allowed_address_pairs: pairs });
  assert.equal(await ask(), true);
  assert.deepEqual(neutron.peek(vm.id)?.allowed_address_pairs, pairs);
});

test('brings back nothing that another has removed between the reading and the question', async () => {
  const { neutron, vm, ask } = bench([FOREIGN]);
  neutron.before('updatePort', () => neutron.meddle(vm.id, { allowed_address_pairs: [] }));
  assert.equal(await ask(), true);
  assert.deepEqual(neutron.peek(vm.id)?.allowed_address_pairs, []);
});

test('takes only an answer that comes after rules and policy for a permission', async () => {
  for (const [refusal, may] of [
    [refused(403, 'PolicyNotAuthorized'), false],
    [refused(401, ''), false],
    [refused(400, 'AllowedAddressPairExhausted'), false],
    [refused(503, ''), false],
    [refused(400, 'InvalidVirtualMACAddress'), true],
    [refused(409, 'AddressPairAndPortSecurityRequired'), true],
  ] as const) {
    const { neutron, ask } = bench([FOREIGN]);
    neutron.before('updatePort', refusal);
    assert.equal(await ask(), may, String(refusal));
  }
  const { neutron, ask } = bench();
  neutron.before('updatePort', () => {
    throw new KuryrError('CLOUD_UNREACHABLE', { method: 'PUT', url: 'http://neutron', reason: 'ECONNREFUSED' });
  });
  assert.equal(await ask(), false);
});
