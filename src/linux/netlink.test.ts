import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EBUSY, EINTR, EINVAL, ENOBUFS } from './errno.ts';
import { datagram, FakeSys } from './fake-sys.ts';
import type { LinkEvent } from './kernel.ts';
import { LinkEvents } from './link-events.ts';
import { body, cString, encodeAttributes, type Message, NLM_F_DUMP_INTR } from './message.ts';
import { Netlink } from './netlink.ts';

const request = { type: 18, flags: 0, body: new Uint8Array(16) };

function ack(seq: number, errno = 0, said = ''): Message {
  const header = Buffer.alloc(20);
  header.writeInt32LE(-errno, 0);
  const text = said === '' ? new Uint8Array() : encodeAttributes([[1, cString(said)]]);
  return { type: 2, flags: said === '' ? 0x100 : 0x300, seq, body: Buffer.concat([header, text]) };
}

const done = (seq: number): Message => ({ type: 3, flags: 2, seq, body: Buffer.alloc(4) });

function link(seq: number, ifindex: number, flags = 2): Message {
  const header = Buffer.alloc(16);
  header.writeInt32LE(ifindex, 4);
  return { type: 16, flags, seq, body: body(header, [[3, cString(`link${ifindex}`)]]) };
}

function open() {
  const sys = new FakeSys();
  return { sys, netlink: new Netlink(sys) };
}

test("a change is done when it is acknowledged, and a refusal carries the kernel's text", () => {
  const { sys, netlink } = open();
  sys.arrivals.push(datagram(ack(1)), datagram(ack(2, EBUSY, 'Device is in use')));
  assert.equal(netlink.change(request), undefined);
  assert.deepEqual(netlink.change(request), { errno: EBUSY, said: 'Device is in use' });
});

test('reads the text also where the kernel repeats the whole request', () => {
  const { sys, netlink } = open();
  const repeated = Buffer.alloc(4 + 32);
  repeated.writeInt32LE(-EINVAL, 0);
  repeated.writeUInt32LE(32, 4);
  const text = encodeAttributes([[1, cString('Invalid MTU')]]);
  sys.arrivals.push(datagram({ type: 2, flags: 0x200, seq: 1, body: Buffer.concat([repeated, text]) }));
  assert.deepEqual(netlink.change(request), { errno: EINVAL, said: 'Invalid MTU' });
});

test('an interrupted receive goes on, and answers to earlier requests are passed over', () => {
  const { sys, netlink } = open();
  sys.arrivals.push(datagram(ack(1)), -EINTR, datagram(ack(1, EBUSY)), datagram(link(1, 5)), datagram(ack(2)));
  netlink.change(request);
  assert.equal(netlink.change(request), undefined);
});

test('an answer that is lost is a failure, not a wait without end', () => {
  const { netlink } = open();
  assert.deepEqual(netlink.change(request), { errno: 11, said: 'the kernel did not answer' });
});

test('a table that changed while it was dumped is asked for again, and so is one of which a part was dropped', () => {
  const { sys, netlink } = open();
  sys.arrivals.push(
    datagram(link(1, 1, 2 | NLM_F_DUMP_INTR), done(1)),
    datagram(link(2, 1)),
    -ENOBUFS,
    datagram(link(3, 1), link(3, 2)),
    datagram(done(3)),
  );
  const table = netlink.dump(request);
  assert.ok(!('errno' in table));
  assert.equal(table.length, 2);
  assert.equal(sys.sent.length, 3);
});

test('a table that never rests is taken as it came, and a dump that fails says why', () => {
  const { sys, netlink } = open();
  for (let seq = 1; seq <= 5; seq++) sys.arrivals.push(datagram(link(seq, 1, 2 | NLM_F_DUMP_INTR), done(seq)));
  assert.equal((netlink.dump(request) as readonly Message[]).length, 1);
  const failed = { ...done(6), body: Buffer.from(Int32Array.of(-EINVAL).buffer) };
  sys.arrivals.push(datagram(failed));
  assert.deepEqual(netlink.dump(request), { errno: EINVAL, said: '' });
});

test('after the kernel dropped announcements, what stands and what is gone is told from a fresh list', () => {
  const sys = new FakeSys();
  const events: LinkEvent[] = [];
  let standing = [1, 2];
  const list = () => standing.map(ifindex => ({ ifindex, name: `link${ifindex}` }) as LinkEvent['link']);
  const listening = new LinkEvents(sys, list, event => events.push(event));
  sys.arrivals.push(datagram(link(0, 3)));
  sys.take();
  standing = [2, 4];
  sys.arrivals.push(-ENOBUFS);
  sys.take();
  assert.deepEqual(
    events.map(({ type, link: { ifindex } }) => `${type} ${ifindex}`),
    ['changed 3', 'deleted 1', 'deleted 3', 'changed 2', 'changed 4'],
  );
  listening.stop();
  assert.equal(sys.opened.size, 0);
});
