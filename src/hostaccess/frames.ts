import { parseAddress } from '../linux/address.ts';
import type { ByteMatch, EgressFilter } from '../linux/filters.ts';
import { parseMac } from '../linux/link.ts';

/** Which frames a rule takes. */
export type Frames = Pick<EgressFilter, 'protocol' | 'match'>;

const ones = 0xffffffff;
/** struct arphdr: hardware and protocol lengths (6, 4), then the operation (1, a request); sender and target addresses. */
const ARP_REQUEST: ByteMatch = { at: 4, value: 0x06040001, mask: ones };
const ARP_SENDER = 14;
const ARP_TARGET = 24;
/** struct ipv6hdr: next header (58, ICMPv6); struct nd_msg behind it: type (135, neighbour solicitation), target. */
const ICMPV6: ByteMatch = { at: 4, value: 0x00003a00, mask: 0x0000ff00 };
const SOLICITATION: ByteMatch = { at: 40, value: 0x87000000, mask: 0xff000000 };
const IPV6_SOURCE = 8;
const ND_TARGET = 48;

/** Frames to that MAC. */
export function framesTo(mac: string): Frames {
  const bytes = Buffer.from(parseMac(mac));
  // Two overlapping words, so that nothing before the frame is looked at.
  const words = [
    { at: -14, value: bytes.readUInt32BE(0), mask: ones },
    { at: -12, value: bytes.readUInt32BE(2), mask: ones },
  ];
  return { protocol: 'all', match: { by: 'bytes', bytes: words } };
}

/** ARP requests or neighbour solicitations for that address; by its target, since a group stands for many addresses. */
export function questionsFor(address: string): Frames {
  return address.includes(':')
    ? of('ipv6', [ICMPV6, SOLICITATION, ...words(ND_TARGET, address)])
    : of('arp', [ARP_REQUEST, ...words(ARP_TARGET, address)]);
}

/** ARP requests or neighbour solicitations by that address. */
export function questionsBy(address: string): Frames {
  return address.includes(':')
    ? of('ipv6', [ICMPV6, SOLICITATION, ...words(IPV6_SOURCE, address)])
    : of('arp', [ARP_REQUEST, ...words(ARP_SENDER, address)]);
}

function of(protocol: 'arp' | 'ipv6', bytes: readonly ByteMatch[]): Frames {
  return { protocol, match: { by: 'bytes', bytes } };
}

function words(at: number, address: string): ByteMatch[] {
  const bytes = Buffer.from(parseAddress(address));
  return Array.from({ length: bytes.length / 4 }, (_, n) => ({
    at: at + 4 * n,
    value: bytes.readUInt32BE(4 * n),
    mask: ones,
  }));
}
