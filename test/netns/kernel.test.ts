import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { isKuryrError, type KuryrError } from '../../src/errors/kuryr-error.ts';
import type { Link, LinkEvent, SlaveSpec } from '../../src/linux/kernel.ts';
import { KoffiSys } from '../../src/linux/koffi-sys.ts';
import { LinuxKernel } from '../../src/linux/linux-kernel.ts';
import { enterOwnNetns, ip, makeNetns, plugNic } from './netns.ts';

const sys = new KoffiSys();
enterOwnNetns(sys);
const { peer } = plugNic();
const kernel = new LinuxKernel(sys);
const signal = AbortSignal.timeout(600_000);
const master = byName('eth0');
let lastIfindex = 5000;

function byName(name: string): Link {
  const link = kernel.links('host').find(each => each.name === name);
  assert.ok(link, `no link ${name}`);
  return link;
}

function macvlan(change: Partial<SlaveSpec> = {}): SlaveSpec {
  const ifindex = ++lastIfindex;
  const mac = `02:00:00:00:01:${(ifindex % 256).toString(16).padStart(2, '0')}`;
  const spec = { name: `ky${ifindex}`, ifindex, master: master.ifindex, mtu: 1450, alias: 'attachment-1', mac };
  return { ...spec, kind: 'macvlan', mode: 'bridge', ...change } as SlaveSpec;
}

function refusedWith(code: KuryrError['code'], text: RegExp) {
  return (error: unknown) => {
    assert.ok(isKuryrError(error, code), String(error));
    assert.match(error.message, text);
    return true;
  };
}

test('lists a link with its MAC, MTU, state, alias and addresses as iproute2 shows them', () => {
  const shown = JSON.parse(ip('-j', '-d', 'link', 'show', 'eth0'))[0];
  assert.equal(master.ifindex, shown.ifindex);
  assert.equal(master.mac, '02:00:00:00:00:0b');
  assert.equal(master.mtu, shown.mtu);
  assert.equal(master.kind, 'veth');
  assert.equal(master.up, true);
  assert.equal(master.state, 'up');
  assert.equal(master.masterElsewhere, true);
  const held = kernel.addresses('host').filter(address => address.ifindex === master.ifindex);
  assert.deepEqual(
    held.filter(address => !address.linkLocal).map(({ address, prefix, family }) => ({ address, prefix, family })),
    [
      { address: '10.0.0.11', prefix: 24, family: 4 },
      { address: 'fd00::11', prefix: 64, family: 6 },
    ],
  );
  assert.equal(held.filter(address => address.linkLocal).length, 1);
});

test('makes a slave with mode, MAC, MTU and alias, which iproute2 confirms', async () => {
  const spec = macvlan();
  const link = kernel.createSlave('host', spec);
  assert.deepEqual(
    { kind: link.kind, mode: link.mode, mtu: link.mtu, alias: link.alias, up: link.up, master: link.master },
    { kind: 'macvlan', mode: 'bridge', mtu: 1450, alias: 'attachment-1', up: false, master: master.ifindex },
  );
  const shown = JSON.parse(ip('-j', '-d', 'link', 'show', spec.name))[0];
  assert.equal(shown.ifalias, 'attachment-1');
  assert.equal(shown.linkinfo.info_data.mode, 'bridge');
  assert.equal(shown.address, link.mac);
  await kernel.deleteLink('host', spec.ifindex, signal);
});

test('finds a slave by the same ifindex after a move, where it says that its master is elsewhere', async () => {
  const sandbox = makeNetns('sandbox');
  const spec = macvlan();
  kernel.createSlave('host', spec);
  ip('link', 'set', spec.name, 'netns', sandbox.name, 'name', 'eth0');
  const moved = kernel.links({ path: sandbox.path }).find(link => link.ifindex === spec.ifindex);
  assert.deepEqual(
    { name: moved?.name, alias: moved?.alias, master: moved?.master, masterElsewhere: moved?.masterElsewhere },
    { name: 'eth0', alias: 'attachment-1', master: master.ifindex, masterElsewhere: true },
  );
  await kernel.deleteLink({ path: sandbox.path }, spec.ifindex, signal);
  assert.equal(kernel.links({ path: sandbox.path }).length, 1);
});

test('a slave sleeps when it is moved and brought up: frames pass, IPv6 makes no address until it is woken', async () => {
  const sandbox = makeNetns('sandbox');
  const netns = { path: sandbox.path };
  const spec = macvlan();
  kernel.createSlave('host', spec);
  ip('link', 'set', spec.name, 'netns', sandbox.name, 'name', 'eth0');
  ip('-n', sandbox.name, 'address', 'add', 'fd00::22/64', 'dev', 'eth0', 'nodad');
  ip('-n', sandbox.name, 'link', 'set', 'eth0', 'up');
  const state = () => kernel.links(netns).find(link => link.ifindex === spec.ifindex)?.state;
  const held = () => kernel.addresses(netns).filter(({ ifindex }) => ifindex === spec.ifindex);
  assert.equal(state(), 'dormant');
  assert.deepEqual(
    held().map(({ address }) => address),
    ['fd00::22'],
  );
  assertAnswers(sandbox, 'fd00::1');
  kernel.setLink(netns, spec.ifindex, { dormant: false });
  assert.equal(state(), 'up');
  assert.equal(
    held().filter(({ linkLocal }) => linkLocal).length,
    1,
    'which one that was not told otherwise does then',
  );
  await kernel.deleteLink(netns, spec.ifindex, signal);
});

test('makes a slave straight in another namespace, with addresses, routes and state', async () => {
  const sandbox = makeNetns('sandbox');
  const netns = { path: sandbox.path };
  const spec = macvlan({ name: 'eth0' });
  const link = kernel.createSlave(netns, spec);
  assert.equal(link.masterElsewhere, true);
  kernel.addAddress(netns, spec.ifindex, '10.0.0.21', 24);
  kernel.addAddress(netns, spec.ifindex, 'fd00::21', 64);
  kernel.setLink(netns, spec.ifindex, { up: true });
  kernel.addRoute(netns, { destination: 'default', gateway: '10.0.0.1', ifindex: spec.ifindex });
  kernel.addRoute(netns, { destination: 'default', gateway: 'fd00::1', ifindex: spec.ifindex });
  kernel.addRoute(netns, { destination: '192.0.2.0/24', gateway: '10.0.0.1', ifindex: spec.ifindex });
  kernel.addRoute(netns, { destination: '198.51.100.7/32', ifindex: spec.ifindex });
  // Each may come twice.
  kernel.addAddress(netns, spec.ifindex, '10.0.0.21', 24);
  kernel.addRoute(netns, { destination: 'default', gateway: '10.0.0.1', ifindex: spec.ifindex });
  const routes = kernel.routes(netns).filter(route => route.table === 254);
  const text = routes.map(route => `${route.destination} ${route.gateway}`);
  for (const expected of [
    'default 10.0.0.1',
    'default fd00::1',
    '192.0.2.0/24 10.0.0.1',
    '198.51.100.7/32 undefined',
  ]) {
    assert.ok(text.includes(expected), `${expected} in ${text.join('; ')}`);
  }
  for (const gateway of ['10.0.0.1', 'fd00::1']) assertAnswers(sandbox, gateway);
  const known = kernel.neighbours(netns).find(neighbour => neighbour.address === '10.0.0.1');
  assert.equal(known?.ifindex, spec.ifindex);
  assert.match(known?.mac ?? '', /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/);
  kernel.removeAddress(netns, spec.ifindex, '10.0.0.21', 24);
  kernel.removeAddress(netns, spec.ifindex, '10.0.0.21', 24);
  assert.ok(!kernel.addresses(netns).some(address => address.address === '10.0.0.21'));
  await kernel.deleteLink(netns, spec.ifindex, signal);
});

test('a link that is gone counts as deleted, and so does one whose namespace ended', async () => {
  await kernel.deleteLink('host', 999_999, signal);
  await kernel.deleteLink({ path: '/run/netns/kuryr-t-none' }, 5, signal);
});

test('names the bridge that holds the master', () => {
  ip('link', 'add', 'br0', 'type', 'bridge');
  ip('link', 'add', 'nic1', 'type', 'veth', 'peer', 'name', 'nic1p');
  ip('link', 'set', 'nic1', 'master', 'br0');
  const onPort = macvlan({ master: byName('nic1').ifindex });
  assert.throws(
    () => kernel.createSlave('host', onPort),
    refusedWith('MASTER_BUSY', /nic1 .*port of the bridge br0.*EBUSY/),
  );
  ip('link', 'delete', 'br0');
});

test("says what the kernel said about a refusal, and that a kind's module is missing", () => {
  const request = () => kernel.setLink('host', master.ifindex, { mtu: 1_000_000 });
  assert.throws(request, refusedWith('KERNEL_REFUSED', /refused to set mtu 1000000 of the link .*EINVAL: \w+/));
  assert.throws(() => kernel.setLink('host', 999_999, { up: true }), refusedWith('LINK_GONE', /ENODEV/));
  const unknown = macvlan({ kind: 'nokind' as 'macvlan' });
  assert.throws(() => kernel.createSlave('host', unknown), refusedWith('KERNEL_UNSUPPORTED', /modprobe nokind/));
});

test('a path that is no namespace is gone, a leftover file and a FIFO too', () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'kuryr-t-'));
  const leftover = path.join(folder, 'leftover');
  fs.writeFileSync(leftover, '');
  assert.equal(kernel.exists({ path: leftover }), false);
  assert.equal(kernel.exists({ path: path.join(folder, 'none') }), false);
  assert.equal(kernel.exists({ path: '/dev/null' }), false);
  assert.throws(() => kernel.links({ path: leftover }), refusedWith('NETNS_GONE', /leftover/));
  assert.equal(kernel.exists('host'), true);
  assert.equal(kernel.exists({ path: '/proc/self/ns/net' }), true);
  fs.rmSync(folder, { recursive: true });
});

test('reads and sets sysctls of one namespace and leaves the own one as it was', () => {
  const sandbox = makeNetns('sysctl');
  const before = kernel.sysctl('host', 'net.ipv6.conf.all.accept_ra');
  kernel.setSysctl({ path: sandbox.path }, 'net.ipv6.conf.all.accept_ra', '0');
  kernel.setSysctl({ path: sandbox.path }, 'net/ipv4/conf/lo/arp_notify', '1');
  assert.equal(kernel.sysctl({ path: sandbox.path }, 'net.ipv6.conf.all.accept_ra'), '0');
  assert.equal(kernel.sysctl({ path: sandbox.path }, 'net.ipv4.conf.lo.arp_notify'), '1');
  assert.equal(kernel.sysctl('host', 'net.ipv6.conf.all.accept_ra'), before);
  assert.equal(kernel.sysctl('host', 'net.ipv4.conf.lo.arp_notify'), '0');
  assert.equal(kernel.sysctl('host', 'net.ipv4.conf.nolink.arp_notify'), undefined);
  assert.throws(
    () => kernel.setSysctl('host', 'net.ipv4.conf.lo.arp_notify', 'x'),
    refusedWith('KERNEL_REFUSED', /EINVAL/),
  );
});

test('comes back to the own namespace after an error within, and leaks no descriptor', () => {
  const sandbox = makeNetns('leak');
  const own = fs.readlinkSync('/proc/thread-self/ns/net');
  const descriptors = () => fs.readdirSync('/proc/self/fd').length;
  kernel.links({ path: sandbox.path });
  const before = descriptors();
  for (let round = 0; round < 200; round++) {
    kernel.links({ path: sandbox.path });
    assert.throws(() => kernel.addAddress({ path: sandbox.path }, 77, '10.1.1.1', 24));
    assert.throws(() => kernel.setSysctl({ path: sandbox.path }, 'net.ipv4.none', '1'));
    assert.throws(() => kernel.packetSocket(999_999, 0x0806));
  }
  assert.equal(descriptors(), before);
  assert.equal(fs.readlinkSync('/proc/thread-self/ns/net'), own);
});

test('deletes a link without holding the main thread, which turns meanwhile', async () => {
  const spec = macvlan();
  kernel.createSlave('host', spec);
  let turns = 0;
  const turning = setInterval(() => turns++, 1);
  await kernel.deleteLink('host', spec.ifindex, signal);
  clearInterval(turning);
  // A deletion on the main thread would be over before the first turn.
  assert.ok(turns > 0);
});

test('deletes many links at once', async () => {
  const specs = Array.from({ length: 6 }, () => macvlan());
  for (const spec of specs) kernel.createSlave('host', spec);
  await Promise.all(specs.map(spec => kernel.deleteLink('host', spec.ifindex, signal)));
  const left = new Set(kernel.links('host').map(link => link.ifindex));
  assert.ok(specs.every(spec => !left.has(spec.ifindex)));
});

test('tells of a link that appears, changes and goes, and not of a port that leaves a bridge', async () => {
  const events: LinkEvent[] = [];
  const stop = new AbortController();
  const gone = Promise.withResolvers<void>();
  const take = (event: LinkEvent) => {
    events.push(event);
    if (event.type === 'deleted' && event.link.name === 'eve0') gone.resolve();
  };
  kernel.onLinkEvent(take, stop.signal);
  ip('link', 'add', 'br1', 'type', 'bridge');
  ip('link', 'add', 'eve0', 'type', 'veth', 'peer', 'name', 'eve1');
  ip('link', 'set', 'eve0', 'master', 'br1');
  ip('link', 'set', 'eve0', 'nomaster');
  ip('link', 'set', 'eve0', 'alias', 'seen');
  ip('link', 'delete', 'eve0');
  await gone.promise;
  const mine = events.filter(event => event.link.name === 'eve0');
  assert.equal(mine.filter(event => event.type === 'deleted').length, 1);
  assert.ok(mine.some(event => event.link.alias === 'seen'));
  stop.abort();
  ip('link', 'delete', 'br1');
});

test('a lock is held against another process until it is given back or the process ends', async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'kuryr-t-'));
  const file = path.join(folder, 'lock');
  const held = kernel.lock(file);
  assert.ok(held);
  assert.equal(kernel.lock(file), undefined);
  held[Symbol.dispose]();
  const other = spawn('flock', ['--no-fork', file, 'sh', '-c', 'echo held; exec sleep 60'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(other.stdout, 'data');
  assert.equal(kernel.lock(file), undefined);
  other.kill('SIGKILL');
  await once(other, 'exit');
  using again = kernel.lock(file);
  assert.ok(again);
  fs.rmSync(folder, { recursive: true });
});

test('a packet socket gets the answer to an ARP question, asked with an address that no link here holds', async () => {
  using socket = kernel.packetSocket(master.ifindex, 0x0806);
  const answered = Promise.withResolvers<Uint8Array>();
  socket.onFrame(frame => {
    if (frame[21] === 2) answered.resolve(frame);
  });
  const mac = Buffer.from(master.mac.replaceAll(':', ''), 'hex');
  const ask = Buffer.concat([
    Buffer.from('ffffffffffff', 'hex'),
    mac,
    Buffer.from('08060001080006040001', 'hex'),
    mac,
    Buffer.of(10, 0, 0, 77),
    Buffer.alloc(6),
    Buffer.of(10, 0, 0, 1),
  ]);
  socket.send(ask);
  const frame = Buffer.from(await answered.promise);
  assert.deepEqual([...frame.subarray(28, 32)], [10, 0, 0, 1]);
  assert.deepEqual([...frame.subarray(38, 42)], [10, 0, 0, 77]);
  assert.equal(ip('-n', peer, 'neighbour', 'show', '10.0.0.77').includes(master.mac), true);
});

/** A refused connection is an answer of the other side's. */
function assertAnswers(from: { readonly name: string }, address: string): void {
  const attempt = ['netns', 'exec', from.name, 'bash', '-c', `exec 3<>/dev/tcp/${address}/9; true`];
  assert.match(spawnSync('ip', attempt, { encoding: 'utf8' }).stderr, /Connection refused/);
}
