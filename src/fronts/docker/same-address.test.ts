import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refusalError } from '../../openstack/refusal.ts';
import { FakeEngine, fakeVm, interfaceOf } from './fake-engine.ts';

function vmAndEngine() {
  const vm = fakeVm();
  return { vm, engine: new FakeEngine({ neutron: vm.neutron, kernel: vm.kernel }) };
}

test('a request that is refused late takes nothing from another one for the same address', async () => {
  const { vm, engine } = vmAndEngine();
  const { id, pools } = await engine.createNetwork(['10.30.0.0/24']);
  const refusal = { method: 'POST', path: '/ports', status: 403, type: 'PolicyNotAuthorized', message: 'no' };
  let posts = 0;
  vm.neutron.before('createPort', async () => {
    if (++posts > 1) return;
    await engine.clock.sleep(500, AbortSignal.timeout(10_000));
    throw refusalError(refusal);
  });
  const ask = { PoolID: pools[0], Address: '10.30.0.77', Options: null };
  const refused = engine.refused('IpamDriver.RequestAddress', ask);
  const held = engine.requestAddress(pools[0], '10.30.0.77');
  await engine.clock.advance(1000);
  assert.equal(await refused, 'NEUTRON_FORBIDDEN');
  assert.equal(await held, '10.30.0.77/24');
  const endpoint = { NetworkID: id, EndpointID: engine.id(), Interface: interfaceOf(['10.30.0.77/24']) };
  await engine.ok('NetworkDriver.CreateEndpoint', endpoint);
});

test('an address that is asked for again is kept, in whichever moment of its way back', async () => {
  for (let turns = 0; turns < 80; turns++) {
    const { vm, engine } = vmAndEngine();
    const network = await engine.createNetwork(['10.30.0.0/24']);
    const { endpoint } = await engine.run(network, ['10.30.0.77']);
    await engine.ok('NetworkDriver.DeleteEndpoint', endpoint);
    for (let turn = 0; turn < turns; turn++) await Promise.resolve();
    await engine.run(network, ['10.30.0.77']);
    await engine.settled();
    const [own, ...others] = vm.neutron.peekAll().filter(port => port.device_owner === 'kuryr:container');
    assert.ok(own !== undefined && others.length === 0, `after ${turns} turns`);
    const pairs = vm.neutron.peek(vm.port.id)?.allowed_address_pairs.map(pair => pair.ip_address);
    assert.deepEqual(pairs, ['10.30.0.77'], `after ${turns} turns`);
  }
});
