import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fakeRefusal } from '../../linux/fake-refusal.ts';
import { FakeEngine, fakeVm } from './fake-engine.ts';

const addressOf = (cidr: string | undefined) => String(cidr).split('/')[0] ?? '';

function bed() {
  const vm = fakeVm();
  const engine = new FakeEngine({ neutron: vm.neutron, kernel: vm.kernel });
  const [nic] = vm.kernel.links('host');
  assert.ok(nic);
  const neighbours = () => vm.kernel.neighbours('host').map(({ address }) => address);
  const filters = () => vm.kernel.filters.of(nic.ifindex).length;
  return { vm, engine, nic, neighbours, filters };
}

test('the VM reaches a container from the answer to Join on, and nothing of that is left when the last has gone', async () => {
  const { vm, engine, neighbours, filters } = bed();
  const network = await engine.createNetwork(['10.30.0.0/24']);
  const one = await engine.run(network);
  const two = await engine.run(network);
  assert.deepEqual(neighbours(), [addressOf(one.cidrs[0]), addressOf(two.cidrs[0])]);
  assert.ok(filters() > 0);
  await engine.remove(one);
  assert.deepEqual(neighbours(), [addressOf(two.cidrs[0])]);
  await engine.remove(two);
  assert.deepEqual([neighbours(), filters(), vm.kernel.filters.places()], [[], 0, []]);
  assert.ok(vm.kernel.routes('host').every(({ destination }) => !destination.endsWith('/32')));
});

test('it goes before the link does, so that nothing of the VM comes back to itself', async () => {
  const { vm, engine } = bed();
  const container = await engine.run(await engine.createNetwork(['10.30.0.0/24']));
  vm.kernel.calls.length = 0;
  await engine.remove(container);
  const methods = vm.kernel.calls.map(({ method }) => method);
  assert.ok(methods.includes('removeNeighbour'));
  assert.ok(methods.indexOf('removeNeighbour') < methods.indexOf('deleteLink'), methods.join());
});

test('a container starts whether or not the kernel lets the VM reach it', async () => {
  const { vm, engine, neighbours, filters } = bed();
  const network = await engine.createNetwork(['10.30.0.0/24']);
  vm.kernel.filters.lacking.add('sch_ingress');
  await engine.run(network);
  assert.deepEqual([neighbours(), filters()], [[], 0]);
  vm.kernel.filters.lacking.clear();
  vm.kernel.failNext('addRoute', fakeRefusal('KERNEL_REFUSED', 'add the route', 'ENOMEM', {}));
  await engine.run(network);
});

test('nothing is opened for links of an earlier boot, which are gone and whose masters may have other numbers', async () => {
  const { vm, engine, neighbours } = bed();
  await engine.run(await engine.createNetwork(['10.30.0.0/24']));
  const { neutron, kernel } = vm;
  engine.stop();
  const rebooted = new FakeEngine({ neutron, kernel, ledger: engine.ledger, boot: 'another' });
  const [step] = (await rebooted.upkeep.gc(true, AbortSignal.timeout(5000))).filter(
    ({ step: { do: what } }) => what === 'close',
  );
  assert.ok(step, 'what such links had is a stray');
  assert.equal(neighbours().length, 1, 'a dry run changes nothing');
});

test('a container that an older version started is reached when the daemon has looked at it', async () => {
  const { vm, engine, neighbours } = bed();
  await engine.run(await engine.createNetwork(['10.30.0.0/24']));
  const [record] = engine.records.attachments();
  assert.ok(record?.link);
  const { name, ifindex } = record.link;
  await engine.records.save({ attachments: [{ ...record, link: { name, ifindex } }] });
  engine.stop();
  const [address = ''] = neighbours();
  vm.kernel.removeNeighbour(vm.kernel.links('host')[0]?.ifindex ?? 0, address);
  const upgraded = new FakeEngine({ neutron: vm.neutron, kernel: vm.kernel, ledger: engine.ledger });
  void upgraded.upkeep.run();
  await upgraded.settled();
  assert.deepEqual(neighbours(), [address]);
  upgraded.stop();
});
