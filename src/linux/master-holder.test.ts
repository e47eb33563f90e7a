import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeKernel } from './fake-kernel.ts';
import { holderOf } from './master-holder.ts';

function masterAnd(...others: readonly Parameters<FakeKernel['addLink']>[1][]) {
  const kernel = new FakeKernel();
  for (const other of others) kernel.addLink('host', other);
  return kernel.links('host');
}

test('names the bridge or bond that the master is a port of, as the master to use instead', () => {
  const links = masterAnd({ name: 'ens3', ifindex: 2, controller: 5 }, { name: 'bond0', ifindex: 5, kind: 'bond' });
  const details = holderOf(links, { kind: 'ipvlan', master: 2 });
  assert.equal(details['holder'], 'it is a port of the bond bond0');
  assert.match(String(details['advice']), /^Name bond0 as the master/);
});

test('names the links of the other kind that stand on the master', () => {
  const links = masterAnd(
    { name: 'ens3', ifindex: 2 },
    { name: 'mac0', ifindex: 6, kind: 'macvlan', master: 2 },
    { name: 'ipv0', ifindex: 7, kind: 'ipvlan', master: 9 },
    { name: 'eth0', ifindex: 8, kind: 'macvlan', master: 2, masterElsewhere: true },
  );
  assert.equal(holderOf(links, { kind: 'ipvlan', master: 2 })['holder'], 'it carries macvlan mac0');
  assert.match(String(holderOf(links, { kind: 'ipvlan', master: 2 })['advice']), /^Use macvlan for this network too/);
});

test('says where else to look when nothing is seen', () => {
  const links = masterAnd({ name: 'ens3', ifindex: 2 });
  assert.match(String(holderOf(links, { kind: 'macvlan', master: 2 })['holder']), /ipvlan link in a container/);
});
