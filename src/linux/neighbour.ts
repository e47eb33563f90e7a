import { AF_INET6, addressOf } from './address.ts';
import type { Neighbour } from './kernel.ts';
import { formatMac } from './link.ts';
import { decodeAttributes, type Message, type Request, viewOf } from './message.ts';

const RTM_NEWNEIGH = 28;
const RTM_GETNEIGH = 30;
// linux/neighbour.h
const NDA_DST = 1;
const NDA_LLADDR = 2;
const states = new Map<number, Neighbour['state']>([
  [0x02, 'reachable'],
  [0x04, 'stale'],
  [0x08, 'delay'],
  [0x10, 'probe'],
  [0x80, 'permanent'],
]);

/**
 * struct ndmsg { u8 family; u8 pad1; u16 pad2; s32 ifindex; u16 state; u8 flags; u8 type; }
 */
export function dumpNeighbours(): Request {
  return { type: RTM_GETNEIGH, flags: 0, body: new Uint8Array(12) };
}

/** A neighbour whose MAC is known. */
export function readNeighbour({ type, body }: Message): Neighbour | undefined {
  if (type !== RTM_NEWNEIGH || body.length < 12) return undefined;
  const attributes = decodeAttributes(body.subarray(12));
  const address = addressOf(body[0], attributes.get(NDA_DST));
  const mac = formatMac(attributes.get(NDA_LLADDR));
  if (address === undefined || mac === '') return undefined;
  return {
    ifindex: viewOf(body).getInt32(4, true),
    family: body[0] === AF_INET6 ? 6 : 4,
    address,
    mac,
    state: states.get(viewOf(body).getUint16(8, true)) ?? 'other',
  };
}
