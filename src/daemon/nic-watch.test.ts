import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeKernel } from '../linux/fake-kernel.ts';
import { NicWatch } from './nic-watch.ts';

test('takes a NIC for changed when it comes, goes, or has another MAC or MTU, not when a slave does', () => {
  const kernel = new FakeKernel();
  const nic = kernel.addLink('host', { name: 'eth0', mac: 'fa:16:3e:00:00:01', mtu: 1500 });
  const watch = new NicWatch(kernel);
  assert.equal(watch.concerns({ type: 'changed', link: { ...nic, promiscuity: 1 } }), false);
  assert.equal(watch.concerns({ type: 'changed', link: { ...nic, ifindex: 9, kind: 'ipvlan' } }), false);
  assert.equal(watch.concerns({ type: 'changed', link: { ...nic, mtu: 1400 } }), true);
  assert.equal(watch.concerns({ type: 'changed', link: { ...nic, mtu: 1400 } }), false);
  assert.equal(watch.concerns({ type: 'changed', link: { ...nic, ifindex: 12, name: 'eth1' } }), true);
  assert.equal(watch.concerns({ type: 'deleted', link: nic }), true);
  assert.equal(watch.concerns({ type: 'deleted', link: nic }), false);
});
