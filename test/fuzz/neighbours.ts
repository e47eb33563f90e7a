import assert from 'node:assert/strict';
import fc from 'fast-check';
import { parseAddress } from '../../src/linux/address.ts';
import { arpRequest } from '../../src/reach/arp.ts';
import { unsolicitedAdvertisement } from '../../src/reach/neighbour-discovery.ts';
import { question } from '../../src/reach/question.ts';
import { noBed, target } from './target.ts';

const MAC = '02:00:00:00:00:01';
const own = { 4: '10.30.0.5', 6: 'fd30::5' };
const asked = { 4: '10.30.0.1', 6: 'fd30::1' };

/** An answer as the neighbour would give it. */
function answer(family: 4 | 6): Buffer {
  if (family === 4) {
    // A reply is a request's bytes with another operation.
    const frame = Buffer.from(arpRequest(MAC, asked[4], own[4]));
    frame[21] = 2;
    return frame;
  }
  const frame = Buffer.from(unsolicitedAdvertisement(MAC, asked[6]));
  return frame;
}

interface Frame {
  readonly family: 4 | 6;
  readonly edits: readonly { readonly at: number; readonly byte: number }[];
  readonly length: number;
  readonly tail: Uint8Array;
}

const frames: fc.Arbitrary<Frame> = fc.record({
  family: fc.constantFrom(4, 6),
  edits: fc.array(fc.record({ at: fc.nat(90), byte: fc.nat(255) }), { maxLength: 4 }),
  length: fc.oneof(fc.constant(1_000), fc.nat(90)),
  tail: fc.oneof(fc.constant(new Uint8Array()), fc.uint8Array({ maxLength: 1_600 })),
});

export const neighbours = target<AsyncDisposable, Frame>({
  name: 'odd frames from the network are passed over, and none but the neighbour that was asked counts as its answer',
  runs: 500,
  open: noBed,
  inputs: () => frames,
  async check(_, { family, edits, length, tail }) {
    const whole = answer(family);
    const frame = Buffer.from(whole.subarray(0, length));
    for (const { at, byte } of edits) if (at < frame.length) frame[at] = byte;
    const arrived = Buffer.concat([frame, tail]);
    for (const each of [4, 6] as const) {
      const { answeredBy } = question(MAC, own[each], asked[each]);
      if (!answeredBy(arrived)) continue;
      assert.equal(each, family);
      // Whoever answers, the address that was asked for stands in the frame.
      assert.ok(arrived.includes(Buffer.from(parseAddress(asked[each]))));
    }
  },
});
