import assert from 'node:assert/strict';
import fc from 'fast-check';
import { readAddress } from '../../src/linux/address.ts';
import { FakeSys } from '../../src/linux/fake-sys.ts';
import { readLink } from '../../src/linux/link.ts';
import { type Attribute, decodeMessages, encodeAttributes, encodeMessage } from '../../src/linux/message.ts';
import { readNeighbour } from '../../src/linux/neighbour.ts';
import { Netlink } from '../../src/linux/netlink.ts';
import { readRoute } from '../../src/linux/route.ts';
import { noBed, target } from './target.ts';

/** Attributes that may be nested, of any length and type: most of those that a dump has are below 64. */
const payload = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc.constantFrom(...[0, 1, 2, 3, 4, 6, 8, 16, 17, 200].map(length => new Uint8Array(length).fill(0xff))),
);
const flat = fc.array(fc.tuple(fc.oneof({ weight: 4, arbitrary: fc.nat(10) }, fc.nat(63), fc.nat(0xffff)), payload), {
  maxLength: 8,
});
const attributes = fc.oneof(
  flat,
  fc
    .tuple(flat, fc.constantFrom(18, 0x8012, 9, 26), flat)
    .map(([outer, type, inner]): Attribute[] => [...outer, [type, encodeAttributes(inner)]]),
);
/** Messages' types, and how long the fixed header of each is. */
const kinds = fc.constantFrom(
  [2, 4],
  [3, 4],
  [16, 16],
  [17, 16],
  [20, 8],
  [21, 8],
  [24, 12],
  [28, 12],
  [29, 12],
  [99, 4],
);
const families = fc.constantFrom(0, 2, 7, 10, 28, 128);
const message = fc.record({
  kind: kinds,
  family: families,
  flags: fc.constantFrom(0, 2, 0x10, 0x100, 0x200, 0x300),
  seq: fc.constantFrom(1, 1, 1, 2, 0),
  /** What follows the family in the fixed header, and how much of it is missing. */
  header: fc.uint8Array({ minLength: 20, maxLength: 20 }),
  unicast: fc.boolean(),
  missing: fc.constantFrom(0, 0, 0, 0, 1, 4),
  attributes,
});
/** Datagrams as they arrive; of some the end is missing, or a length lies. */
const dump = fc.array(
  fc.record({ messages: fc.array(message, { maxLength: 4 }), cut: fc.nat(40), lie: fc.option(fc.nat(0xffff)) }),
  { maxLength: 4 },
);

type Dump = typeof dump extends fc.Arbitrary<infer T> ? T : never;

function datagrams(parts: Dump): Uint8Array[] {
  return parts.map(({ messages, cut, lie }) => {
    const all = messages.map(
      ({ kind: [type = 0, length = 0], family, flags, seq, header, unicast, missing, ...rest }) => {
        const fixed = Buffer.from(header.subarray(0, length));
        fixed[0] = family;
        if (unicast && length === 12) fixed.fill(1, 7, 8).fill(0, 8);
        const body = Buffer.concat([fixed.subarray(missing), encodeAttributes(rest.attributes)]);
        return encodeMessage({ type, flags, body }, seq);
      },
    );
    const bytes = Buffer.concat(all);
    if (lie !== null && bytes.length >= 4) bytes.writeUInt32LE(lie, 0);
    return bytes.subarray(0, Math.max(0, bytes.length - (cut < 20 ? 0 : cut)));
  });
}

export const kernelMessages = target<AsyncDisposable, Dump>({
  name: 'cut and odd netlink messages are passed over, and what is read of them is whole',
  runs: 400,
  open: noBed,
  inputs: () => dump,
  async check(_, parts) {
    const arrivals = datagrams(parts);
    const sys = new FakeSys();
    sys.arrivals.push(...arrivals);
    using netlink = new Netlink(sys);
    // It ends by an answer or by the time-out that the fake gives when nothing is left.
    netlink.dump({ type: 18, flags: 0, body: new Uint8Array(16) });
    for (const each of arrivals.flatMap(decodeMessages)) {
      const link = readLink(each)?.link;
      if (link !== undefined) assert.ok(Number.isInteger(link.ifindex) && Number.isInteger(link.mtu));
      const address = readAddress(each);
      if (address !== undefined) assert.equal(address.address.includes(':'), address.family === 6);
      const neighbour = readNeighbour(each);
      if (neighbour !== undefined) assert.equal(neighbour.address.includes(':'), neighbour.family === 6);
      const route = readRoute(each);
      if (route === undefined) continue;
      for (const text of [route.destination, route.gateway])
        if (text !== undefined && text !== 'default') assert.equal(text.includes(':'), route.family === 6, text);
    }
  },
});
