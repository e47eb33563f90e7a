import { maskOf, parseAddress } from '../linux/address.ts';
import type { ByteMatch, LinkFilter } from '../linux/filters.ts';
import { parseMac } from '../linux/link.ts';

/** Which frames a rule takes. */
export type Frames = Pick<LinkFilter, 'protocol' | 'match'>;

const ones = 0xffffffff;
/** struct ethhdr, which ends where the network header begins. */
const TARGET_MAC = -14;
const SOURCE_MAC = -8;
/** struct arphdr: hardware and protocol lengths (6, 4), then the operation (1, a request); sender and target addresses. */
const ARP_REQUEST: ByteMatch = { at: 4, value: 0x06040001, mask: ones };
const ARP_SENDER = 14;
const ARP_TARGET = 24;
/** struct iphdr: source and destination address. */
const IPV4_SOURCE = 12;
const IPV4_TARGET = 16;
/** struct ipv6hdr: next header (58, ICMPv6); struct nd_msg behind it: type (135, neighbour solicitation), target. */
const ICMPV6: ByteMatch = { at: 4, value: 0x00003a00, mask: 0x0000ff00 };
const SOLICITATION: ByteMatch = { at: 40, value: 0x87000000, mask: 0xff000000 };
const ADVERTISEMENT: ByteMatch = { at: 40, value: 0x88000000, mask: 0xff000000 };
const IPV6_SOURCE = 8;
const IPV6_TARGET = 24;
const ND_TARGET = 48;

/** Frames to that MAC; from a certain one alone, where it is named. */
export function framesTo(mac: string, from?: string): Frames {
  return of('all', [...macAt(TARGET_MAC, mac), ...sentBy(from)]);
}

/** Frames of a protocol from that MAC. */
export function framesFrom(protocol: Frames['protocol'], mac: string): Frames {
  return of(protocol, sentBy(mac));
}

/** Frames whose source is the MAC of a group, which no station has. */
export const groupFrames: Frames = of('all', [{ at: SOURCE_MAC, value: 0x01000000, mask: 0x01000000 }]);

/**
 * ARP requests or neighbour solicitations for that address; by its target, since a group stands for many addresses.
 * From a certain MAC alone, where it is named.
 */
export function questionsFor(address: string, from?: string): Frames {
  return address.includes(':')
    ? of('ipv6', [ICMPV6, SOLICITATION, ...words(ND_TARGET, address), ...sentBy(from)])
    : of('arp', [ARP_REQUEST, ...words(ARP_TARGET, address), ...sentBy(from)]);
}

/** Neighbour advertisements for that address. */
export function answersFor(address: string, from: string): Frames {
  return of('ipv6', [ICMPV6, ADVERTISEMENT, ...words(ND_TARGET, address), ...sentBy(from)]);
}

/** All of neighbour discovery (ICMPv6 133 to 137), with the few types beside it that share a mask: none is for a VM. */
export function questionsAndAdverts(from: string): readonly Frames[] {
  return [132, 136].map(type =>
    of('ipv6', [ICMPV6, { at: 40, value: type * 0x1000000, mask: 0xfc000000 }, ...sentBy(from)]),
  );
}

/** IPv6 with that next header. */
export function hasNext(header: number, from?: string): Frames {
  return of('ipv6', [{ ...ICMPV6, value: header << 8 }, ...sentBy(from)]);
}

/** ARP or neighbour solicitations of that MAC that speak for that address. */
export function askedBy(address: string, mac: string): Frames {
  return { protocol: address.includes(':') ? 'ipv6' : 'arp', match: { by: 'asker', mac, address } };
}

/** ARP requests or neighbour solicitations by that address. */
export function questionsBy(address: string): Frames {
  return address.includes(':')
    ? of('ipv6', [ICMPV6, SOLICITATION, ...words(IPV6_SOURCE, address)])
    : of('arp', [ARP_REQUEST, ...words(ARP_SENDER, address)]);
}

/** Packets to a range of addresses, and where it is named, from a MAC, from an address, or forwarded from a link. */
export function packetsTo(
  range: string,
  { from, source, cameIn }: { readonly from?: string; readonly source?: string; readonly cameIn?: string },
): Frames {
  const isIpv6 = range.includes(':');
  const bytes = [
    ...words(isIpv6 ? IPV6_TARGET : IPV4_TARGET, range),
    ...(source === undefined ? [] : words(isIpv6 ? IPV6_SOURCE : IPV4_SOURCE, source)),
    ...sentBy(from),
  ];
  const match = { by: 'bytes', bytes, ...(cameIn === undefined ? {} : { cameIn }) } as const;
  return { protocol: isIpv6 ? 'ipv6' : 'ip', match };
}

/** Packets from a range of addresses to one address. */
export function answersFrom(range: string, address: string): Frames {
  return { protocol: address.includes(':') ? 'ipv6' : 'ip', match: { by: 'ends', source: range, address } };
}

/** Two overlapping words, so that nothing before the frame is looked at. */
function macAt(at: number, mac: string): ByteMatch[] {
  const bytes = Buffer.from(parseMac(mac));
  return [
    { at, value: bytes.readUInt32BE(0), mask: ones },
    { at: at + 2, value: bytes.readUInt32BE(2), mask: ones },
  ];
}

const sentBy = (mac: string | undefined) => (mac === undefined ? [] : macAt(SOURCE_MAC, mac));

function of(protocol: Frames['protocol'], bytes: readonly ByteMatch[]): Frames {
  return { protocol, match: { by: 'bytes', bytes } };
}

/** An address, or a CIDR without host bits: words that its prefix does not reach are not looked at. */
function words(at: number, range: string): ByteMatch[] {
  const [address = '', prefix] = range.split('/');
  const bytes = Buffer.from(parseAddress(address));
  const masks = Buffer.from(maskOf(prefix === undefined ? 8 * bytes.length : Number(prefix), bytes.length));
  return Array.from({ length: bytes.length / 4 }, (_, n) => ({
    at: at + 4 * n,
    value: bytes.readUInt32BE(4 * n),
    mask: masks.readUInt32BE(4 * n),
  })).filter(({ mask }) => mask !== 0);
}
