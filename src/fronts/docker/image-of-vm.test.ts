import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeKernel } from '../../linux/fake-kernel.ts';
import { FakeEngine, fakeVm } from './fake-engine.ts';

const WRITES = ['createPort', 'updatePort', 'deletePort'];

/** A VM with a container on it, and an engine of another VM that was made from its image: the ledger is on its disk. */
async function imaged(device: string) {
  const vm = fakeVm();
  vm.neutron.meddle(vm.port.id, { device_id: device });
  const first = new FakeEngine({ neutron: vm.neutron, kernel: vm.kernel });
  await first.run(await first.createNetwork(['10.30.0.0/24']));
  first.stop();
  const [fixed] = vm.port.fixed_ips;
  const mac = 'fa:16:3e:00:00:77';
  const port = vm.neutron.addPort({
    ...{ network_id: vm.port.network_id, mac_address: mac, device_id: 'second server' },
    fixed_ips: [{ subnet_id: fixed?.subnet_id ?? '', ip_address: '10.30.0.200' }],
  });
  const kernel = new FakeKernel();
  const { ifindex } = kernel.addLink('host', { name: 'ens3', mac, mtu: 1450 });
  kernel.addAddress('host', ifindex, '10.30.0.200', 24);
  kernel.addRoute('host', { destination: 'default', gateway: '10.30.0.1', ifindex });
  const second = new FakeEngine({ neutron: vm.neutron, kernel, ledger: first.ledger, clock: first.clock });
  return { neutron: vm.neutron, firstPort: vm.port.id, port, second };
}

async function afterTwoMinutes(engine: FakeEngine): Promise<void> {
  const running = engine.upkeep.run();
  await engine.clock.advance(120_000);
  engine.stop();
  await running;
}

test("a VM made from another VM's image leaves that one's containers their pairs and addresses, and forgets them", async () => {
  const { neutron, firstPort, second } = await imaged('first server');
  const before = neutron.peekAll();
  const calls = neutron.calls.length;
  await afterTwoMinutes(second);
  assert.deepEqual(neutron.peekAll(), before);
  assert.deepEqual(
    neutron.calls.slice(calls).filter(({ method }) => WRITES.includes(method)),
    [],
  );
  assert.equal(neutron.peek(firstPort)?.allowed_address_pairs.length, 1);
  assert.deepEqual(second.ledger.entries('address/'), []);
  assert.deepEqual(second.ledger.entries('attachment/'), []);
});

test('what a NIC had that was taken out and is no machine’s now goes back', async () => {
  const { neutron, firstPort, second } = await imaged('');
  await afterTwoMinutes(second);
  assert.deepEqual(neutron.peek(firstPort)?.allowed_address_pairs, []);
  assert.ok(neutron.peekAll().every(({ device_owner }) => device_owner !== 'kuryr:container'));
});
