import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KuryrError } from '../errors/kuryr-error.ts';
import { FakeNeutron } from '../openstack/fake-neutron.ts';
import type { Port } from '../openstack/neutron.ts';
import { refusalError } from '../openstack/refusal.ts';
import { askPairRight } from './right.ts';

const never = new AbortController().signal;
const FOREIGN = { mac_address: '00:00:5e:00:01:07', ip_address: '10.0.0.200', note: 'of keepalived' };

function bench(pairs: readonly (typeof FOREIGN)[] = []) {
  const neutron = new FakeNeutron();
  const network = neutron.addNetwork();
  neutron.addSubnet({ network_id: network.id, cidr: '10.0.0.0/24' });
  const vm = neutron.addPort({ network_id: network.id, allowed_address_pairs: pairs });
  const ask = async (as: Partial<Port> = {}) =>
    (await askPairRight(neutron, { ...vm, ...as }, neutron.aliases, never)).right;
  return { neutron, vm, ask };
}

const refused = (status: number, type: string) => () => {
  throw refusalError({ method: 'PUT', path: '/ports/p', status, type, message: type });
};

test('asks for the right to write pairs without changing any, with pairs of others and without any', async () => {
  for (const { neutron, vm, ask } of [bench([FOREIGN]), bench()]) {
    const before = neutron.peek(vm.id);
    assert.equal(await ask(), 'permitted');
    assert.deepEqual(neutron.peek(vm.id), before);
    const [, fields, revision] = neutron.calls.find(({ method }) => method === 'updatePort')?.args ?? [];
    assert.equal(revision, 0);
    const own = { ip_address: vm.fixed_ips[0]?.ip_address };
    assert.deepEqual(fields, { allowed_address_pairs: [...vm.allowed_address_pairs, own] });
  }
});

test('sends nothing where the condition does not count, or nothing harmless can be added', async () => {
  for (const [alias, right] of [
    ['allowed-address-pairs', 'not-asked-extension'],
    ['revision-if-match', 'not-asked-revisions'],
    ['standard-attr-revisions', 'not-asked-revisions'],
  ] as const) {
    const { neutron, ask } = bench([FOREIGN]);
    neutron.aliases.delete(alias);
    assert.equal(await ask(), right);
    assert.deepEqual(neutron.calls, []);
  }
  const { neutron, vm, ask } = bench();
  const own = { ip_address: vm.fixed_ips[0]?.ip_address ?? '', mac_address: vm.mac_address };
  assert.equal(await ask({ allowed_address_pairs: [own] }), 'not-asked-own-pair');
  assert.equal(await ask({ fixed_ips: [] }), 'not-asked-no-address');
  assert.equal(await ask({ port_security_enabled: false }), 'not-asked-port-security');
  assert.deepEqual(neutron.calls, []);
});

test('brings back nothing that another has removed between the reading and the question', async () => {
  const { neutron, vm, ask } = bench([FOREIGN]);
  neutron.before('updatePort', () => neutron.meddle(vm.id, { allowed_address_pairs: [] }));
  assert.equal(await ask(), 'permitted');
  assert.deepEqual(neutron.peek(vm.id)?.allowed_address_pairs, []);
});

test('takes only an answer that comes after rules and policy for a permission', async () => {
  for (const [refusal, right] of [
    [refused(403, 'PolicyNotAuthorized'), 'forbidden'],
    [refused(400, 'AllowedAddressPairExhausted'), 'not-asked-full'],
    [refused(400, 'InvalidVirtualMACAddress'), 'mac-blocked'],
    [refused(409, 'AddressPairAndPortSecurityRequired'), 'not-asked-port-security'],
  ] as const) {
    const { neutron, ask } = bench([FOREIGN]);
    neutron.before('updatePort', refusal);
    assert.equal(await ask(), right, String(refusal));
  }
  const away = () => {
    throw new KuryrError('CLOUD_UNREACHABLE', { method: 'PUT', url: 'http://neutron', reason: 'ECONNREFUSED' });
  };
  for (const failure of [refused(401, ''), refused(503, ''), away]) {
    const { neutron, ask } = bench();
    neutron.before('updatePort', failure);
    await assert.rejects(ask());
  }
});
