import { AF_INET, AF_INET6, addressOf, parseAddress } from './address.ts';
import type { Neighbour, OwnNeighbour } from './kernel.ts';
import { formatMac, parseMac } from './link.ts';
import {
  body,
  decodeAttributes,
  type Message,
  NLM_F_CREATE,
  NLM_F_CREATE_EXCL,
  NLM_F_REPLACE,
  type Request,
  viewOf,
} from './message.ts';

const RTM_NEWNEIGH = 28;
const RTM_DELNEIGH = 29;
const RTM_GETNEIGH = 30;
// linux/neighbour.h
const NDA_DST = 1;
const NDA_LLADDR = 2;
const NDA_PROTOCOL = 12;
const NUD_PERMANENT = 0x80;
const states = new Map<number, Neighbour['state']>([
  [0x02, 'reachable'],
  [0x04, 'stale'],
  [0x08, 'delay'],
  [0x10, 'probe'],
  [NUD_PERMANENT, 'permanent'],
]);

/**
 * struct ndmsg { u8 family; u8 pad1; u16 pad2; s32 ifindex; u16 state; u8 flags; u8 type; }
 */
function ndmsg(ifindex: number, address: Uint8Array, state: number): Uint8Array {
  const bytes = Buffer.alloc(12);
  bytes[0] = address.length === 16 ? AF_INET6 : AF_INET;
  bytes.writeInt32LE(ifindex, 4);
  bytes.writeUInt16LE(state, 8);
  return bytes;
}

/**
 * Makes a neighbour that the kernel neither asks for nor forgets, where it has none with that address.
 * Its protocol, who made it, the kernel keeps from 5.0 on.
 */
export function addNeighbour(neighbour: OwnNeighbour): Request {
  return { type: RTM_NEWNEIGH, flags: NLM_F_CREATE_EXCL, body: permanent(neighbour) };
}

/** The same in place of what the kernel has. */
export function putNeighbour(neighbour: OwnNeighbour): Request {
  return { type: RTM_NEWNEIGH, flags: NLM_F_CREATE | NLM_F_REPLACE, body: permanent(neighbour) };
}

function permanent({ ifindex, address, mac, protocol }: OwnNeighbour): Uint8Array {
  const bytes = parseAddress(address);
  return body(ndmsg(ifindex, bytes, NUD_PERMANENT), [
    [NDA_DST, bytes],
    [NDA_LLADDR, parseMac(mac)],
    [NDA_PROTOCOL, Uint8Array.of(protocol)],
  ]);
}

export function removeNeighbour(ifindex: number, address: string): Request {
  const bytes = parseAddress(address);
  return { type: RTM_DELNEIGH, flags: 0, body: body(ndmsg(ifindex, bytes, 0), [[NDA_DST, bytes]]) };
}

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
    protocol: attributes.get(NDA_PROTOCOL)?.[0] ?? 0,
  };
}
