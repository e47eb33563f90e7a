import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeEngine, fakeVm } from './fake-engine.ts';

const reservations = ({ neutron }: FakeEngine) =>
  neutron.peekAll().filter(port => port.device_owner === 'kuryr:container');

test('sets an aux-address aside without a pair, and frees it with its pool alone', async () => {
  const vm = fakeVm();
  const engine = new FakeEngine({ neutron: vm.neutron, kernel: vm.kernel });
  const pool = await engine.ok('IpamDriver.RequestPool', { Pool: '10.30.0.0/24', Options: {} });
  const poolId = String(pool['PoolID']);
  await engine.requestAddress(poolId, '10.30.0.40');
  await engine.clock.advance(600_000);
  assert.deepEqual(vm.neutron.peek(vm.port.id)?.allowed_address_pairs, []);
  assert.equal(reservations(engine).length, 1);
  await engine.ok('IpamDriver.ReleasePool', { PoolID: poolId });
  await engine.settled();
  assert.deepEqual(reservations(engine), []);
});

test('frees what was set aside for a pool that Docker has forgotten', async () => {
  const engine = new FakeEngine();
  const pool = { Pool: '10.30.0.0/24', Options: {} };
  const { PoolID: forgotten } = await engine.ok('IpamDriver.RequestPool', pool);
  await engine.requestAddress(String(forgotten), '10.30.0.40');
  await engine.clock.advance(601_000);
  await engine.ok('IpamDriver.RequestPool', pool);
  await engine.settled();
  assert.deepEqual(reservations(engine), []);
});
