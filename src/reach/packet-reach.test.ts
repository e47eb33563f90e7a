import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress } from '../linux/address.ts';
import { FakeKernel } from '../linux/fake-kernel.ts';
import type { FakePacketSocket } from '../linux/fake-packet-socket.ts';
import { fakeRefusal } from '../linux/fake-refusal.ts';
import { parseMac } from '../linux/link.ts';
import type { Nic } from '../nic/nic.ts';
import { silentLogger } from '../observe/logger.ts';
import { FakeClock } from '../time/fake-clock.ts';
import { readAdvertisement, unsolicitedAdvertisement } from './neighbour-discovery.ts';
import { PacketReach } from './packet-reach.ts';
import type { ReachTarget } from './reach.ts';

const vmMac = 'fa:16:3e:00:00:01';
const otherMac = '02:00:00:00:00:99';
const signal = new AbortController().signal;

interface Asked {
  readonly source: string;
  readonly target: string;
  readonly at: number;
}

/** A VM at 10.0.0.11 and fd00::11, and a network on which `holders` answer those sources that the filter lets pass. */
function bed({ holders, permitted }: { holders: string[]; permitted: string[] }) {
  const kernel = new FakeKernel();
  const clock = new FakeClock();
  const { ifindex } = kernel.addLink('host', { name: 'ens3', mac: vmMac });
  const asked: Asked[] = [];
  kernel.wire = frame => {
    const { source, target } = askedBy(frame);
    asked.push({ source, target, at: clock.monotonic() - 1_000_000 });
    return holders.includes(target) && permitted.includes(source) ? [answerTo(frame, target, source)] : [];
  };
  const nic = {
    master: { ifindex, name: 'ens3', mac: vmMac, mtu: 1500, addresses: ['10.0.0.11', 'fd00::11'] },
    port: { id: 'vm-port', fixedIps: ['10.0.0.11', 'fd00::11'] },
    subnets: [{ cidr: '10.0.0.0/24' }, { cidr: 'fd00::/64' }],
  } as unknown as Nic;
  const reach = new PacketReach({ kernel, clock, logger: silentLogger });
  const target = (address: string, change: Partial<ReachTarget> = {}): ReachTarget => ({
    nic,
    address,
    mac: vmMac,
    gateway: address.includes(':') ? 'fd00::1' : '10.0.0.1',
    ...change,
  });
  const sources = () => asked.map(each => each.source);
  const open = () => kernel.sockets.filter(socket => !socket.closed);
  return { kernel, clock, nic, reach, target, asked, sources, open, holders, permitted };
}

function askedBy(frame: Uint8Array): { source: string; target: string } {
  if (frame[12] === 0x08) return { source: frame.slice(28, 32).join('.'), target: frame.slice(38, 42).join('.') };
  // The test's IPv6 addresses differ in their last byte alone.
  const source = `fd00::${(frame[37] ?? 0).toString(16)}`;
  return { source, target: `fd00::${(frame[77] ?? 0).toString(16)}` };
}

function answerTo(frame: Uint8Array, target: string, source: string): Uint8Array {
  if (target.includes(':')) return advertisement(target, source);
  return Buffer.concat([
    frame.subarray(6, 12),
    parseMac(otherMac),
    Buffer.from('0806000108000604', 'hex'),
    Buffer.of(0, 2),
    parseMac(otherMac),
    parseAddress(target),
    frame.subarray(6, 12),
    parseAddress(source),
  ]);
}

/** A solicited advertisement: one to all nodes with the destination exchanged and the checksum mended by as much. */
function advertisement(target: string, destination: string): Uint8Array {
  const frame = Buffer.from(unsolicitedAdvertisement(otherMac, target));
  const words = (bytes: Uint8Array) => {
    let sum = 0;
    for (let at = 0; at < 16; at += 2) sum += Buffer.from(bytes).readUInt16BE(at);
    return sum;
  };
  const before = words(frame.subarray(38, 54));
  frame.set(parseAddress(destination), 38);
  let sum = (~frame.readUInt16BE(56) & 0xffff) - before + words(frame.subarray(38, 54));
  while (sum < 0) sum += 0xffff;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  frame.writeUInt16BE(~sum & 0xffff, 56);
  assert.deepEqual(readAdvertisement(frame), { target, destination });
  return frame;
}

test('an address whose frames pass is reached at once, by IPv4 and by IPv6, and nothing stays open', async () => {
  for (const [address, gateway, own] of [
    ['10.0.0.21', '10.0.0.1', '10.0.0.11'],
    ['fd00::21', 'fd00::1', 'fd00::11'],
  ] as const) {
    const { reach, target, sources, open } = bed({ holders: [gateway], permitted: [own, address] });
    const reached = await reach.probe(target(address), 5000, signal);
    assert.deepEqual(reached, { reachable: true, afterMs: 0, probes: 1, target: gateway });
    assert.deepEqual(sources(), [own, address]);
    assert.deepEqual(open(), []);
  }
});

test('asks at 0, 50, 100, 200, 400 ms and then every 500, and returns when the filter opens', async () => {
  const { reach, clock, target, asked, permitted } = bed({ holders: ['10.0.0.1'], permitted: ['10.0.0.11'] });
  const probe = reach.probe(target('10.0.0.21'), 5000, signal);
  await clock.advance(1000);
  permitted.push('10.0.0.21');
  await clock.advance(1000);
  assert.deepEqual(await probe, { reachable: true, afterMs: 1400, probes: 7, target: '10.0.0.1' });
  const times = asked.filter(each => each.source === '10.0.0.21').map(each => each.at);
  assert.deepEqual(times, [0, 50, 100, 200, 400, 900, 1400]);
});

test('gives up when the time is over, and says that the gateway answers the VM but not the container', async () => {
  const { reach, clock, target, open } = bed({ holders: ['10.0.0.1'], permitted: ['10.0.0.11'] });
  const probe = reach.probe(target('10.0.0.21'), 1000, signal);
  await clock.advance(1000);
  assert.deepEqual(await probe, { reachable: false, reason: 'unanswered', probes: 6 });
  assert.deepEqual(open(), []);
  assert.equal(clock.sleeping, 0);
});

test('an answer from somebody else, or to somebody else, is none', async () => {
  const { reach, clock, kernel, target } = bed({ holders: ['10.0.0.1'], permitted: ['10.0.0.11'] });
  const wire = kernel.wire;
  kernel.wire = (frame, socket) => {
    if (askedBy(frame).source === '10.0.0.11') return wire(frame, socket);
    return [
      answerTo(frame, '10.0.0.2', '10.0.0.21'),
      answerTo(frame, '10.0.0.1', '10.0.0.22'),
      answerTo(frame, '10.0.0.1', '10.0.0.11'),
      frame,
      Buffer.from('0806', 'hex'),
      advertisement('fd00::1', 'fd00::21'),
    ];
  };
  const probe = reach.probe(target('10.0.0.21'), 100, signal);
  await clock.advance(100);
  assert.equal((await probe).reachable, false);
});

test('where nobody holds the gateway a neighbour that answers the VM is asked instead', async () => {
  const { reach, clock, kernel, nic, target } = bed({ holders: ['10.0.0.7'], permitted: ['10.0.0.11', '10.0.0.21'] });
  const met = { ifindex: nic.master.ifindex, family: 4, mac: otherMac, state: 'stale' } as const;
  kernel.addNeighbour('host', { ...met, address: '10.0.0.6' });
  kernel.addNeighbour('host', { ...met, address: '10.0.0.7' });
  kernel.addNeighbour('host', { ...met, address: '192.0.2.7' });
  kernel.addNeighbour('host', { ...met, address: '10.0.0.8', ifindex: 99 });
  const probe = reach.probe(target('10.0.0.21'), 5000, signal);
  await clock.advance(1000);
  assert.deepEqual(await probe, { reachable: true, afterMs: 1000, probes: 1, target: '10.0.0.7' });
});

test('where nobody answers the VM there is no wait, and the silent ones are asked again after a minute', async () => {
  const { reach, clock, target, asked, holders, permitted } = bed({ holders: [], permitted: ['10.0.0.11'] });
  const first = reach.probe(target('10.0.0.21'), 5000, signal);
  await clock.advance(1000);
  assert.deepEqual(await first, { reachable: false, reason: 'no-target', probes: 0 });
  const before = asked.length;
  assert.equal((await reach.probe(target('10.0.0.22'), 5000, signal)).reachable, false);
  assert.equal(asked.length, before);
  holders.push('10.0.0.1');
  permitted.push('10.0.0.22');
  await clock.advance(60_000);
  assert.equal((await reach.probe(target('10.0.0.22'), 5000, signal)).reachable, true);
});

test('probes at the same time share the question whether the gateway answers the VM, and the socket', async () => {
  const addresses = Array.from({ length: 20 }, (_, index) => `10.0.0.${30 + index}`);
  const { reach, target, sources, kernel } = bed({ holders: ['10.0.0.1'], permitted: ['10.0.0.11', ...addresses] });
  const probes = await Promise.all(addresses.map(address => reach.probe(target(address), 5000, signal)));
  assert.ok(probes.every(each => each.reachable));
  assert.equal(sources().filter(source => source === '10.0.0.11').length, 1);
  assert.ok(kernel.sockets.length <= 2, `${kernel.sockets.length} sockets`);
});

test('a gateway that answered is asked again after five minutes', async () => {
  const { reach, clock, target, sources } = bed({ holders: ['10.0.0.1'], permitted: ['10.0.0.11', '10.0.0.21'] });
  await reach.probe(target('10.0.0.21'), 5000, signal);
  await clock.advance(299_999);
  await reach.probe(target('10.0.0.21'), 5000, signal);
  assert.equal(sources().filter(source => source === '10.0.0.11').length, 1);
  await clock.advance(1);
  await reach.probe(target('10.0.0.21'), 5000, signal);
  assert.equal(sources().filter(source => source === '10.0.0.11').length, 2);
});

test("a macvlan container is asked for with its own MAC, whose answers the VM's NIC must let in", async () => {
  const { reach, target, kernel } = bed({ holders: ['10.0.0.1'], permitted: ['10.0.0.11', '10.0.0.21'] });
  const mac = 'fa:16:3e:aa:bb:cc';
  assert.equal((await reach.probe(target('10.0.0.21', { mac }), 5000, signal)).reachable, true);
  const socket = kernel.sockets.find(each => each.accepted.length > 0) as FakePacketSocket;
  assert.deepEqual(socket.accepted, [mac]);
  const question = Buffer.from(socket.sent[0] ?? []);
  assert.equal(question.subarray(6, 12).toString('hex'), 'fa163eaabbcc');
  assert.equal(question.subarray(22, 28).toString('hex'), 'fa163eaabbcc');
});

test('says that frames cannot be sent, rather than that they do not pass', async () => {
  const { reach, target, kernel } = bed({ holders: ['10.0.0.1'], permitted: ['10.0.0.11', '10.0.0.21'] });
  kernel.failNext('packetSocket', fakeRefusal('NOT_PRIVILEGED', 'open a packet socket', 'EPERM', {}));
  const probe = await reach.probe(target('10.0.0.21'), 5000, signal);
  assert.deepEqual(probe, { reachable: false, reason: 'unavailable', probes: 0 });
  assert.equal((await reach.probe(target('10.0.0.21'), 5000, signal)).reachable, true);
});

test('an abort ends the wait with its reason', async () => {
  const { reach, clock, target, open } = bed({ holders: ['10.0.0.1'], permitted: ['10.0.0.11'] });
  const stop = new AbortController();
  const probe = reach.probe(target('10.0.0.21'), 5000, stop.signal);
  await clock.advance(300);
  stop.abort(new Error('the container went away'));
  await assert.rejects(probe, /the container went away/);
  await assert.rejects(reach.probe(target('10.0.0.21'), 5000, stop.signal), /the container went away/);
  assert.deepEqual(open(), []);
});

test('announces at once and after 1, 2, 4 and 8 seconds, until it is stopped', async () => {
  const { reach, clock, target, asked } = bed({ holders: [], permitted: [] });
  const stop = new AbortController();
  reach.announce(target('10.0.0.21'), stop.signal);
  reach.announce(target('10.0.0.22'), signal);
  await clock.advance(3000);
  stop.abort();
  await clock.advance(10_000);
  const times = (address: string) => asked.filter(each => each.target === address).map(each => each.at);
  assert.deepEqual(times('10.0.0.21'), [0, 1000, 2000]);
  assert.deepEqual(times('10.0.0.22'), [0, 1000, 2000, 4000, 8000]);
  assert.ok(asked.every(each => each.source === each.target));
});

test('an announcement that cannot be sent does not keep the next from leaving', async () => {
  const { reach, clock, target, asked, kernel } = bed({ holders: [], permitted: [] });
  kernel.failNext('packetSocket', fakeRefusal('KERNEL_REFUSED', 'bind', 'ENETDOWN', {}));
  reach.announce(target('fd00::21'), signal);
  await clock.advance(8000);
  assert.equal(asked.length, 4);
});
