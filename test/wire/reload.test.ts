import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { FakeKernel } from '../../src/linux/fake-kernel.ts';
import { refusalError } from '../../src/openstack/refusal.ts';
import { inhabited } from './inhabited.ts';
import { RawConnection, rawRequest } from './raw-http.ts';
import type { Rig } from './rig.ts';

/** How many filters stand on the VM's NICs, and neighbours of its own containers. */
function standing(kernel: FakeKernel): { filters: number; neighbours: number } {
  const filters = kernel.links('host').flatMap(({ ifindex }) => kernel.filters.of(ifindex));
  return { filters: filters.length, neighbours: kernel.neighbours('host').length };
}

/** As `kuryr gc --withdraw` does. */
async function withdraw(rig: Rig): Promise<void> {
  const connection = await RawConnection.open(rig.control);
  connection.send(rawRequest({ method: 'POST', path: '/v1/withdraw' }, { Host: 'kuryr' }, ''));
  assert.equal((await connection.answer()).status, 200);
  connection.close();
}

test('a reload closes and opens the VM’s way to its running containers', async t => {
  const { rig, vm } = await inhabited(t);
  const open = standing(vm.kernel);
  assert.ok(open.filters > 0 && open.neighbours > 0, JSON.stringify(open));
  rig.reload({ hostAccess: 'off' });
  const closed = standing(vm.kernel);
  assert.ok(closed.filters < open.filters && closed.neighbours === 0, JSON.stringify(closed));
  rig.reload({});
  assert.deepEqual(standing(vm.kernel), open);
});

test('a reload counts from the next call on', async t => {
  const { rig, engine, world } = await inhabited(t);
  const ids = { NetworkID: world.network, EndpointID: 'd'.repeat(64) };
  const options = { 'com.docker.network.portmap': [{ Proto: 6, Port: 80, HostPort: 8080 }] };
  const create = async () => {
    const cidr = await engine.address(world.pool4);
    return engine.ask('NetworkDriver.CreateEndpoint', { ...ids, Interface: { Address: cidr }, Options: options });
  };
  rig.reload({ publishedPorts: 'refuse' });
  assert.match((await create()).body, /DOCKER_PUBLISH_REFUSED/);
  rig.reload({ publishedPorts: 'allow' });
  assert.doesNotMatch((await create()).body, /"Err":"./);
});

test('a reload has what was refused looked at again: it goes when it is mended, and not before', {
  timeout: 20_000,
}, async t => {
  const { rig, engine, world, vm } = await inhabited(t);
  const connection = await RawConnection.open(rig.control);
  t.after(() => connection.close());
  const codes = async () => {
    connection.send(rawRequest({ method: 'GET', path: '/health' }, { Host: 'kuryr' }, ''));
    const { problems } = JSON.parse((await connection.answer()).body) as { problems: { code: string }[] };
    return problems.map(({ code }) => code);
  };
  const questions = () =>
    vm.neutron.calls.filter(({ method, args }) => method === 'updatePort' && args[2] === 0).length;
  const allow = vm.neutron.before('updatePort', () => {
    throw refusalError({ method: 'PUT', path: '/ports/p', status: 403, type: 'PolicyNotAuthorized', message: 'no' });
  });
  const ids = { NetworkID: world.network, EndpointID: 'd'.repeat(64) };
  const cidr = await engine.address(world.pool4);
  await engine.ok('NetworkDriver.CreateEndpoint', { ...ids, Interface: { Address: cidr }, Options: {} });
  const join = { ...ids, SandboxKey: '/var/run/docker/netns/dddddddddddd' };
  assert.match((await engine.ask('NetworkDriver.Join', join)).body, /PAIRS_FORBIDDEN/);
  assert.deepEqual(await codes(), ['PAIRS_FORBIDDEN']);
  rig.reload({});
  while (questions() < 1) await setImmediate();
  assert.deepEqual(await codes(), ['PAIRS_FORBIDDEN']);
  allow();
  const before = vm.neutron.peek(vm.port.id)?.allowed_address_pairs;
  rig.reload({});
  while ((await codes()).length > 0) await setImmediate();
  assert.equal(questions(), 2);
  assert.deepEqual(vm.neutron.peek(vm.port.id)?.allowed_address_pairs, before);
});

test('withdrawn, nothing stands in the VM for containers that are left, and they run on', async t => {
  const { rig, vm } = await inhabited(t);
  const before = rig.state();
  assert.ok(standing(vm.kernel).filters > 0);
  await withdraw(rig);
  assert.deepEqual(standing(vm.kernel), { filters: 0, neighbours: 0 });
  assert.deepEqual(rig.state(), before);
});

test('a reload opens again what was withdrawn', async t => {
  const { rig, vm } = await inhabited(t);
  const open = standing(vm.kernel);
  await withdraw(rig);
  rig.reload({});
  assert.deepEqual(standing(vm.kernel), open);
});
