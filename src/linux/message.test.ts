import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { addAddress, formatAddress, parseAddress, readAddress } from './address.ts';
import type { SlaveSpec } from './kernel.ts';
import { changeLink, createSlave, deleteLink, formatMac, parseMac, readLink } from './link.ts';
import { decodeAttributes, decodeMessages, encodeAttributes, encodeMessage } from './message.ts';
import { readNeighbour } from './neighbour.ts';
import { outcomeOf } from './netlink.ts';
import { addRoute, readRoute } from './route.ts';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const bytes = (text: string) => text.replace(/[^0-9a-f]/g, '');

// The messages of iproute2 6.1.0, read with strace -xx, but for attributes' order.
test('creates an ipvlan slave by the bytes of `ip link add … type ipvlan mode l2 private`', () => {
  const spec: SlaveSpec = {
    name: 'ky1',
    ifindex: 4242,
    master: 3,
    mtu: 1400,
    alias: '',
    kind: 'ipvlan',
    mode: 'l2',
    flag: 'private',
  };
  const { type, flags, body } = createSlave(spec);
  assert.deepEqual([type, flags], [0x10, 0x600]);
  assert.equal(
    hex(body),
    bytes(`00000000 92100000 00000000 00000000
      08000400 78050000  08000500 03000000  08000300 6b793100
      24001200  0a000100 6970766c616e0000  14000200 06000100 00000000 06000200 01000000`),
  );
});

test('creates a macvlan slave by the bytes of `ip link add … address … type macvlan mode bridge`', () => {
  const mac = '02:00:00:00:00:05';
  const common = { name: 'ky1', ifindex: 4242, master: 3, mtu: 1400, alias: '' };
  const { body } = createSlave({ ...common, kind: 'macvlan', mode: 'bridge', mac });
  const sent = decodeAttributes(body.subarray(16));
  const shown = bytes(`08000400 78050000  0a000100 02000000 00050000  08000500 03000000  08000300 6b793100
      1c001200  0b000100 6d616376 6c616e00  0c000200 08000100 04000000`);
  assert.deepEqual(sent, decodeAttributes(Buffer.from(shown, 'hex')));
  assert.equal(body.length, 16 + shown.length / 2);
});

test('sets alias and state, adds addresses and routes, deletes links by the bytes that iproute2 sends', () => {
  const alias = changeLink(2, { alias: 'hello' });
  assert.equal(hex(alias.body), bytes('00000000 02000000 00000000 00000000 09001400 68656c6c 6f000000'));
  // `ip link set … mode dormant state dormant`, and back.
  const asleep = (dormant: boolean) => hex(changeLink(2, { dormant }).body);
  assert.equal(asleep(true), bytes('00000000 02000000 00000000 00000000 05001100 01000000 05001000 05000000'));
  assert.equal(asleep(false), bytes('00000000 02000000 00000000 00000000 05001100 00000000 05001000 06000000'));
  assert.equal(hex(changeLink(2, { up: true }).body), bytes('00000000 02000000 01000000 01000000'));
  assert.equal(
    hex(addAddress(2, 'fd00::5', 64).body),
    bytes(`0a400200 02000000  14000200 fd000000 00000000 00000000 00000005
      14000100 fd000000 00000000 00000000 00000005`),
  );
  assert.equal(hex(addAddress(3, '10.0.0.5', 24).body), bytes('02180000 03000000 08000200 0a000005 08000100 0a000005'));
  assert.equal(
    hex(addRoute({ destination: 'default', gateway: '10.0.0.1', ifindex: 3 }).body),
    bytes('02000000 fe030001 00000000 08000500 0a000001 08000400 03000000'),
  );
  const { type, body } = deleteLink(2);
  assert.deepEqual([type, hex(body)], [0x11, bytes('00000000 02000000 00000000 00000000')]);
});

test('attributes of any types and payloads come back as they were', () => {
  const attribute = fc.tuple(fc.integer({ min: 0, max: 0x3fff }), fc.uint8Array({ maxLength: 300 }));
  fc.assert(
    fc.property(fc.uniqueArray(attribute, { selector: ([type]) => type }), attributes => {
      const decoded = decodeAttributes(encodeAttributes(attributes));
      assert.deepEqual(
        [...decoded].map(([type, payload]) => [type, hex(payload)]),
        attributes.map(([type, payload]) => [type, hex(payload)]),
      );
    }),
  );
});

test('messages of any kind come back as they were, several in one datagram', () => {
  const message = fc.record({
    type: fc.integer({ min: 0, max: 0xffff }),
    flags: fc.integer({ min: 0, max: 0xffff }),
    body: fc.uint8Array({ maxLength: 100 }).filter(body => body.length % 4 === 0),
  });
  fc.assert(
    fc.property(fc.array(message), messages => {
      const datagram = Buffer.concat(messages.map((each, seq) => encodeMessage(each, seq)));
      assert.deepEqual(
        decodeMessages(datagram).map(({ type, flags, seq, body }) => [type, flags, seq, hex(body)]),
        messages.map(({ type, flags, body }, seq) => [type, flags | 1, seq, hex(body)]),
      );
    }),
  );
});

test('a message keeps its bytes when the buffer that it came in is used again', () => {
  const buffer = Buffer.from(encodeMessage({ type: 16, flags: 0, body: Uint8Array.of(1, 2, 3, 4) }, 1));
  const [message] = decodeMessages(buffer);
  buffer.fill(0);
  assert.deepEqual(message?.body, Uint8Array.of(1, 2, 3, 4));
});

test('random bytes are read without an error, whatever they say', () => {
  const type = fc.constantFrom(2, 3, 16, 17, 20, 24, 28);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), type, (body, kind) => {
      decodeMessages(body);
      for (const read of [readLink, readAddress, readRoute, readNeighbour, outcomeOf]) {
        read({ type: kind, flags: 0x200, seq: 1, body });
      }
    }),
  );
});

test('what other families keep in the place of an address is none', () => {
  const label = encodeAttributes([[1, Uint8Array.of(0, 1, 0, 0)]]);
  const read = (type: number, header: Uint8Array) => ({ type, flags: 0, seq: 1, body: Buffer.concat([header, label]) });
  const route = (family: number) => readRoute(read(24, Uint8Array.of(family, 20, 0, 0, 254, 3, 0, 1, 0, 0, 0, 0)));
  assert.equal(route(28), undefined, 'a label of MPLS');
  assert.equal(route(10), undefined, 'four bytes of IPv6');
  assert.equal(route(2)?.destination, '0.1.0.0/20');
  assert.equal(readAddress(read(20, Uint8Array.of(10, 64, 0, 0, 2, 0, 0, 0))), undefined);
  const neighbour = encodeAttributes([
    [1, Uint8Array.of(10, 0, 0, 1)],
    [2, Uint8Array.of(2, 0, 0, 0, 0, 1)],
  ]);
  const of = (family: number) =>
    readNeighbour({
      type: 28,
      flags: 0,
      seq: 1,
      body: Buffer.concat([Buffer.of(family, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 1), neighbour]),
    });
  assert.equal(of(2)?.address, '10.0.0.1');
  assert.equal(of(7), undefined);
});

test('addresses and MACs come back as they were, in canonical text', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.uint8Array({ minLength: 4, maxLength: 4 }), fc.uint8Array({ minLength: 16, maxLength: 16 })),
      address => {
        const text = formatAddress(address) ?? '';
        assert.equal(hex(parseAddress(text)), hex(address));
        assert.equal(text, text.toLowerCase());
      },
    ),
  );
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 6, maxLength: 6 }), mac => {
      assert.equal(hex(parseMac(formatMac(mac))), hex(mac));
    }),
  );
  assert.equal(formatAddress(parseAddress('FD00:0:0:0:0:0:0:21')), 'fd00::21');
  assert.equal(formatMac(new Uint8Array(4)), '');
  assert.throws(() => parseMac('02:00:00:00:00'), TypeError);
});

test('a port that leaves a bridge is not taken for a link that is deleted', () => {
  const header = Buffer.alloc(16);
  header[0] = 7; // AF_BRIDGE
  assert.equal(readLink({ type: 17, flags: 0, seq: 0, body: header }), undefined);
  header[0] = 0;
  assert.equal(readLink({ type: 17, flags: 0, seq: 0, body: header })?.gone, true);
});
