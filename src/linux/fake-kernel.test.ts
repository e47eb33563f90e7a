import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isKuryrError } from '../errors/kuryr-error.ts';
import { FakeKernel } from './fake-kernel.ts';
import { fakeRefusal } from './fake-refusal.ts';
import type { LinkEvent, SlaveSpec } from './kernel.ts';

const signal = new AbortController().signal;

function withMaster() {
  const kernel = new FakeKernel();
  const master = kernel.addLink('host', { name: 'ens3', mac: 'fa:16:3e:00:00:01' });
  const slave = (ifindex: number, flag: 'bridge' | 'private' = 'bridge'): SlaveSpec => ({
    name: `ky${ifindex}`,
    ifindex,
    master: master.ifindex,
    mtu: 1500,
    alias: 'id',
    kind: 'ipvlan',
    mode: 'l2',
    flag,
  });
  return { kernel, master, slave };
}

test('a slave made with another flag flips the whole master, as the kernel does', () => {
  const { kernel, slave } = withMaster();
  kernel.createSlave('host', slave(100));
  kernel.createSlave('host', slave(101, 'private'));
  assert.deepEqual(
    kernel.links('host').map(link => link.flag),
    ['', 'private', 'private'],
  );
});

test('macvlan beside ipvlan on one master is refused as busy', () => {
  const { kernel, master, slave } = withMaster();
  kernel.createSlave('host', slave(100));
  const { flag: _, ...common } = slave(101) as Extract<SlaveSpec, { kind: 'ipvlan' }>;
  const spec = {
    ...common,
    master: master.ifindex,
    kind: 'macvlan',
    mode: 'bridge',
    mac: '02:00:00:00:00:01',
  } as const;
  assert.throws(
    () => kernel.createSlave('host', spec),
    error => isKuryrError(error, 'MASTER_BUSY'),
  );
});

test('an address stands once among the slaves of a master, in all namespaces, and a move drops it', () => {
  const { kernel, slave } = withMaster();
  const sandbox = kernel.addNetns('/run/netns/a');
  kernel.createSlave('host', slave(100));
  kernel.createSlave('host', slave(101));
  kernel.moveLink('host', 100, sandbox, 'eth0');
  kernel.addAddress(sandbox, 100, '10.0.0.5', 24);
  assert.throws(
    () => kernel.addAddress('host', 101, '10.0.0.5', 24),
    error => isKuryrError(error, 'ADDRESS_ON_LINK'),
  );
  kernel.moveLink(sandbox, 100, 'host');
  kernel.addAddress('host', 101, '10.0.0.5', 24);
});

test('an injected failure strikes the next matching call once, before it changes anything', async () => {
  const { kernel, slave } = withMaster();
  kernel.createSlave('host', slave(100));
  kernel.failNext('deleteLink', fakeRefusal('NOT_PRIVILEGED', 'delete', 'EPERM', {}), args => args[1] === 100);
  await assert.rejects(kernel.deleteLink('host', 100, signal), error => isKuryrError(error, 'NOT_PRIVILEGED'));
  assert.equal(kernel.links('host').length, 2);
  await kernel.deleteLink('host', 100, signal);
  await kernel.deleteLink('host', 100, signal);
  assert.equal(kernel.links('host').length, 1);
});

test('tells listeners of changes and deletions until they stop listening', async () => {
  const { kernel, slave } = withMaster();
  const events: LinkEvent['type'][] = [];
  const stop = new AbortController();
  kernel.onLinkEvent(event => events.push(event.type), stop.signal);
  kernel.createSlave('host', slave(100));
  await kernel.deleteLink('host', 100, signal);
  stop.abort();
  kernel.createSlave('host', slave(101));
  assert.deepEqual(events, ['changed', 'deleted']);
});

test('a packet socket shows what was sent and hands over what the wire answers', async () => {
  const { kernel, master } = withMaster();
  kernel.wire = frame => [Uint8Array.of(...frame, 9)];
  const socket = kernel.packetSocket(master.ifindex, 0x0806);
  const got: Uint8Array[] = [];
  socket.onFrame(frame => got.push(frame));
  socket.send(Uint8Array.of(1));
  await Promise.resolve();
  assert.deepEqual(got, [Uint8Array.of(1, 9)]);
  assert.deepEqual(kernel.sockets[0]?.sent, [Uint8Array.of(1)]);
});

test('a kept namespace is found in its folder and nowhere else, and tells of its links once it has an id', () => {
  const kernel = new FakeKernel();
  const nic = kernel.addLink('host', { name: 'ens3' });
  const netns = { path: '/run/kuryr/guard/1' };
  let woken = 0;
  const watch = kernel.watchLinks(() => woken++, new AbortController().signal);
  kernel.keepNetns(netns.path);
  assert.deepEqual(kernel.keptNetns('/run/kuryr/guard'), [netns]);
  assert.deepEqual(kernel.namespaces(), []);
  const common = { name: 'guard', ifindex: 9, master: nic.ifindex, mtu: 1500, alias: '' };
  kernel.createSlave(netns, { ...common, kind: 'ipvlan', mode: 'l2', flag: 'bridge' });
  assert.equal(woken, 0);
  const id = kernel.netnsId(netns);
  kernel.setMode(netns, 9, 'l2', 'private');
  assert.deepEqual(
    watch.read().events.map(event => [event.netns, event.link.flag]),
    [[id, 'private']],
  );
  kernel.wide.lose();
  assert.deepEqual(watch.read(), { events: [], lost: true });
  kernel.dropNetns(netns.path);
  assert.equal(kernel.exists(netns), false);
});
