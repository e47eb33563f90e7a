import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isKuryrError } from '../errors/kuryr-error.ts';
import type { ErrorCode } from '../errors/table.ts';
import { FakeKernel } from '../linux/fake-kernel.ts';
import { fakeRefusal } from '../linux/fake-refusal.ts';
import type { Nic } from '../nic/nic.ts';
import type { LinkRequest, LinkSpec, LinkTrace } from './link-kind.ts';
import { linkName, SlaveLinks } from './slave-links.ts';

const signal = new AbortController().signal;
const bridge: LinkSpec = { kind: 'ipvlan', mode: 'l2', flag: 'bridge' };
const secluded: LinkSpec = { kind: 'ipvlan', mode: 'l2', flag: 'private' };
const FIRST = 0x4b000000;

function bed() {
  const kernel = new FakeKernel();
  const { ifindex, name, mac, mtu } = kernel.addLink('host', { name: 'ens3', mac: 'fa:16:3e:00:00:01', mtu: 1450 });
  const nic = { master: { ifindex, name, mac, mtu, addresses: ['10.0.0.11'] } } as unknown as Nic;
  const request = (number: number, spec: LinkSpec = bridge): LinkRequest => {
    const chosen = FIRST + number;
    return {
      nic,
      spec,
      name: linkName(chosen),
      ifindex: chosen,
      mtu,
      id: `id-${number}`,
      mac: `02:00:00:00:00:0${number}`,
    };
  };
  const trace = (number: number, sandbox?: string): LinkTrace => ({
    name: linkName(FIRST + number),
    ifindex: FIRST + number,
    id: `id-${number}`,
    mac: `02:00:00:00:00:0${number}`,
    addresses: [`10.0.0.2${number}`],
    sandbox,
  });
  const sandbox = kernel.addNetns('/run/docker/netns/a');
  return { kernel, links: new SlaveLinks(kernel), nic, request, trace, sandbox, path: '/run/docker/netns/a' };
}

function refused(code: ErrorCode, text = /./) {
  return (error: unknown) => isKuryrError(error, code) && text.test(error.message);
}

test('makes the link down, with mode, flag, MTU and the attachment as alias', () => {
  const { links, request, nic } = bed();
  const { kind, mode, flag, mtu, alias, up, master, name } = links.create(request(1));
  assert.deepEqual(
    { kind, mode, flag, mtu, alias, up, master, name },
    { ...bridge, mtu: 1450, alias: 'id-1', up: false, master: nic.master.ifindex, name: 'kykt5jpd' },
  );
});

test('takes the link that an interrupted call made, and names its owner if that was still to come', () => {
  const { kernel, links, request } = bed();
  const made = links.create(request(1));
  assert.deepEqual(links.create(request(1)), made);
  kernel.changeLink('host', made.ifindex, { alias: '' });
  assert.equal(links.create(request(1)).alias, 'id-1');
  assert.equal(kernel.links('host').length, 2);
});

test('refuses an ifindex that stands for something else: another kind, master or owner', () => {
  const { kernel, links, request } = bed();
  kernel.addLink('host', { name: 'tun0', ifindex: FIRST + 1, kind: 'tun' });
  assert.throws(() => links.create(request(1)), refused('LINK_TAKEN', /tun link tun0/));
  kernel.addLink('host', { name: 'other', ifindex: FIRST + 2, kind: 'ipvlan', mode: 'l2', flag: 'bridge', master: 77 });
  assert.throws(() => links.create(request(2)), refused('LINK_TAKEN'));
  links.create(request(3));
  kernel.changeLink('host', FIRST + 3, { alias: 'id-9' });
  assert.throws(() => links.create(request(3)), refused('LINK_TAKEN'));
});

test('refuses a flag that would silently change the links that stand, before it asks the kernel', () => {
  const { kernel, links, request } = bed();
  links.create(request(1, secluded));
  assert.throws(
    () => links.create(request(2)),
    refused('MODE_CLASH', /ens3 .*ipvlan_flag=private.*ipvlan_flag=bridge/),
  );
  assert.equal(kernel.links('host').filter(link => link.flag === 'private').length, 1);
});

test('sees such a link in a container too, also after a restart of the daemon', () => {
  const { kernel, links, request, sandbox } = bed();
  links.create(request(1, secluded));
  kernel.moveLink('host', FIRST + 1, sandbox, 'eth0');
  const restarted = new SlaveLinks(kernel);
  assert.throws(() => restarted.create(request(2)), refused('MODE_CLASH'));
  restarted.create(request(2, secluded));
  assert.equal(kernel.calls.filter(call => call.method === 'namespaces').length, 3);
  restarted.create(request(3, secluded));
  assert.equal(kernel.calls.filter(call => call.method === 'namespaces').length, 3, 'searched once for a mode');
});

test('lets macvlan links of different modes stand side by side', () => {
  const { links, request } = bed();
  links.create(request(1, { kind: 'macvlan', mode: 'bridge' }));
  assert.equal(links.create(request(2, { kind: 'macvlan', mode: 'private' })).mode, 'private');
  assert.throws(() => links.create(request(3)), refused('MASTER_BUSY'));
});

test('reports a mode that the kernel did not take', () => {
  const { kernel, request } = bed();
  const deaf = new Proxy(kernel, {
    get: (target, key) => {
      if (key === 'createSlave')
        return (...args: Parameters<FakeKernel['createSlave']>) => ({ ...target.createSlave(...args), flag: 'vepa' });
      const value = Reflect.get(target, key, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  assert.throws(() => new SlaveLinks(deaf).create(request(1)), refused('MODE_CLASH', /ipvlan_flag=vepa/));
});

test('finds and removes the link in the host and in its sandbox, and counts a missing one as removed', async () => {
  const { kernel, links, request, trace, sandbox, path } = bed();
  links.create(request(1));
  assert.equal(links.find(trace(1)), 'host');
  kernel.moveLink('host', FIRST + 1, sandbox, 'eth0');
  assert.equal(links.find(trace(1)), undefined);
  assert.equal(links.find(trace(1, path)), 'sandbox');
  await links.remove(trace(1, path), signal);
  assert.equal(kernel.links(sandbox).length, 0);
  await links.remove(trace(1, path), signal);
  await links.remove(trace(1, '/run/docker/netns/none'), signal);
});

test('finds a link in its sandbox whatever the container wrote: alias, name and addresses', () => {
  const { kernel, links, request, trace, sandbox, path } = bed();
  links.create(request(1));
  links.create(request(2));
  kernel.moveLink('host', FIRST + 1, sandbox, 'eth0');
  kernel.moveLink('host', FIRST + 2, sandbox, 'eth1');
  kernel.changeLink(sandbox, FIRST + 1, { alias: 'id-2', name: linkName(FIRST + 2) });
  kernel.addAddress(sandbox, FIRST + 1, '10.0.0.22', 24);
  assert.equal(links.find(trace(2, path)), 'sandbox');
  const removed = links.remove(trace(2, path), signal);
  return removed.then(() =>
    assert.deepEqual(
      kernel.links(sandbox).map(link => link.ifindex),
      [FIRST + 1],
    ),
  );
});

test('removes a link whose alias and addresses the container took away', async () => {
  const { kernel, links, request, trace, sandbox, path } = bed();
  links.create(request(1));
  kernel.moveLink('host', FIRST + 1, sandbox, 'eth0');
  kernel.changeLink(sandbox, FIRST + 1, { alias: 'mine' });
  await links.remove(trace(1, path), signal);
  assert.deepEqual(kernel.links(sandbox), []);
});

test('finds a link that got another ifindex in its sandbox by alias, else by an address it holds', async () => {
  const { kernel, links, request, trace, sandbox, path } = bed();
  const other = { kind: 'ipvlan', master: 1, masterElsewhere: true, mode: 'l2', flag: 'bridge' };
  kernel.addLink(sandbox, { ...other, name: 'eth0', ifindex: 7, alias: 'id-1' });
  kernel.addLink(sandbox, { ...other, name: 'eth1', ifindex: 8, alias: '' });
  kernel.addAddress(sandbox, 8, '10.0.0.22', 24);
  await links.remove(trace(1, path), signal);
  await links.remove(trace(2, path), signal);
  await links.remove(trace(3, path), signal);
  assert.equal(kernel.links(sandbox).length, 0);
  assert.equal(links.create(request(1)).ifindex, FIRST + 1);
});

test("never deletes another program's link that happens to have the ifindex", async () => {
  const { kernel, links, trace, nic, sandbox, path } = bed();
  const foreign = { kind: 'ipvlan', mode: 'l2', flag: 'bridge', master: nic.master.ifindex };
  kernel.addLink('host', { ...foreign, name: 'mine0', ifindex: FIRST + 1, alias: 'database' });
  kernel.addLink('host', { name: linkName(FIRST + 2), ifindex: FIRST + 2, kind: 'veth' });
  kernel.addLink(sandbox, { name: 'tap0', ifindex: FIRST + 3, kind: 'tun', alias: 'id-3' });
  for (const number of [1, 2, 3]) await links.remove(trace(number, path), signal);
  assert.equal(kernel.links('host').length, 3);
  assert.equal(kernel.links(sandbox).length, 1);
});

test('passes on why the kernel would not delete', async () => {
  const { kernel, links, request, trace } = bed();
  links.create(request(1));
  kernel.failNext('deleteLink', fakeRefusal('NOT_PRIVILEGED', 'delete the link', 'EPERM', {}));
  await assert.rejects(links.remove(trace(1), signal), refused('NOT_PRIVILEGED'));
});

test('knows the addresses that containers hold, wherever their links are, and no others', () => {
  const { kernel, links, request, sandbox, nic } = bed();
  links.create(request(1));
  links.create(request(2));
  kernel.moveLink('host', FIRST + 1, sandbox, 'eth0');
  kernel.addAddress(sandbox, FIRST + 1, '10.0.0.21', 24);
  kernel.addAddress('host', FIRST + 2, '10.0.0.22', 24);
  kernel.addAddress('host', nic.master.ifindex, '10.0.0.11', 24);
  const bridged = kernel.addLink(sandbox, { name: 'veth0', kind: 'veth', masterElsewhere: true });
  kernel.addAddress(sandbox, bridged.ifindex, '172.17.0.2', 16);
  kernel.failNext('links', fakeRefusal('NETNS_GONE', 'list', 'ENOENT', {}), args => args[0] !== 'host');
  assert.deepEqual([...links.addressesInUse()], ['10.0.0.22']);
  assert.deepEqual([...links.addressesInUse()].sort(), ['10.0.0.21', '10.0.0.22']);
});

test('calls its own what has kind, prefix and an owner or the name of its ifindex', () => {
  const { kernel, links, request, nic } = bed();
  links.create(request(1));
  kernel.changeLink('host', links.create(request(2)).ifindex, { alias: '' });
  const foreign = { kind: 'ipvlan', mode: 'l2', flag: 'bridge', master: nic.master.ifindex };
  kernel.addLink('host', { ...foreign, name: 'kyoto', alias: 'uplink' });
  kernel.addLink('host', { name: 'ky0', kind: 'veth', alias: 'id-5' });
  assert.deepEqual(
    links.ours().map(link => link.ifindex),
    [FIRST + 1, FIRST + 2],
  );
});
