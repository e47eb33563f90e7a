import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeEngine, fakeVm } from './fake-engine.ts';

const pairs = (vm: ReturnType<typeof fakeVm>) => vm.neutron.peek(vm.port.id)?.allowed_address_pairs ?? [];
const links = (vm: ReturnType<typeof fakeVm>) => vm.kernel.links('host').filter(({ kind }) => kind === 'ipvlan');

test('takes the link away, then the pair, then the reservation', async () => {
  const vm = fakeVm();
  const engine = new FakeEngine({ neutron: vm.neutron, kernel: vm.kernel });
  const container = await engine.run(await engine.createNetwork(['10.30.0.0/24']));
  const seen: string[] = [];
  const stands = (before: string) => seen.push(`${before}: ${links(vm).length} links, ${pairs(vm).length} pairs`);
  vm.neutron.before('updatePort', () => void stands('pairs are written'));
  vm.neutron.before('deletePort', () => void stands('the reservation is deleted'));
  await engine.remove(container);
  assert.deepEqual(seen, ['pairs are written: 0 links, 1 pairs', 'the reservation is deleted: 0 links, 0 pairs']);
});

test("has the link's number in the ledger before the kernel makes the link", async () => {
  const vm = fakeVm();
  const engine = new FakeEngine({ neutron: vm.neutron, kernel: vm.kernel });
  const recorded: unknown[] = [];
  const createSlave = vm.kernel.createSlave.bind(vm.kernel);
  vm.kernel.createSlave = (netns, spec) => {
    if (netns === 'host') recorded.push(engine.records.attachments()[0]?.link?.ifindex === spec.ifindex);
    return createSlave(netns, spec);
  };
  await engine.run(await engine.createNetwork(['10.30.0.0/24']));
  assert.deepEqual(recorded, [true]);
});

test('has an address in the ledger before the cloud is asked for it', async () => {
  const vm = fakeVm();
  const engine = new FakeEngine({ neutron: vm.neutron, kernel: vm.kernel });
  const recorded: unknown[] = [];
  vm.neutron.before('createPort', ({ args }) => {
    const { name } = args[0] as { name: string };
    recorded.push(engine.records.holding(name)?.name === name);
  });
  await engine.run(await engine.createNetwork(['10.30.0.0/24']));
  assert.deepEqual(recorded, [true]);
});
