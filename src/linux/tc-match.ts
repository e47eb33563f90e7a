import { formatAddress, maskOf, parseAddress } from './address.ts';
import type { ByteMatch, FrameMatch } from './filters.ts';
import { formatMac, parseMac } from './link.ts';
import { type Attribute, cString, readString, u32, viewOf } from './message.ts';

// linux/pkt_cls.h
const TCA_U32_SEL = 5;
const TCA_U32_ACT = 7;
const TCA_U32_INDEV = 8;
const TCA_U32_FLAGS = 11;
const TC_U32_TERMINAL = 1;
const TCA_FLOWER_ACT = 3;
const TCA_FLOWER_KEY_ETH_DST = 4;
const TCA_FLOWER_KEY_ETH_DST_MASK = 5;
const TCA_FLOWER_KEY_ETH_SRC = 6;
const TCA_FLOWER_KEY_ETH_SRC_MASK = 7;
const TCA_FLOWER_KEY_ETH_TYPE = 8;
const TCA_FLOWER_KEY_IP_PROTO = 9;
const TCA_FLOWER_KEY_IPV4_SRC = 10;
const TCA_FLOWER_KEY_IPV4_SRC_MASK = 11;
const TCA_FLOWER_KEY_IPV4_DST = 12;
const TCA_FLOWER_KEY_IPV4_DST_MASK = 13;
const TCA_FLOWER_KEY_IPV6_SRC = 14;
const TCA_FLOWER_KEY_IPV6_SRC_MASK = 15;
const TCA_FLOWER_KEY_IPV6_DST = 16;
const TCA_FLOWER_KEY_IPV6_DST_MASK = 17;
const TCA_FLOWER_FLAGS = 22;
const TCA_FLOWER_KEY_ICMPV6_TYPE = 55;
const TCA_FLOWER_KEY_ICMPV6_TYPE_MASK = 56;
const TCA_FLOWER_KEY_ARP_SIP = 57;
const TCA_FLOWER_KEY_ARP_SIP_MASK = 58;
const IPPROTO_ICMPV6 = 58;
const NEIGHBOUR_SOLICITATION = 135;
/** Kept off the NIC: what a NIC would do to the frames of its own ingress is not what is meant. */
const TCA_CLS_FLAGS_SKIP_HW = 1;

const SELECTOR = 16;
const KEY = 16;

/** The classifiers by what they compare. */
export const classifiers = { bytes: 'u32', mac: 'flower', asker: 'flower', ends: 'flower' } as const;

/** A classifier's options: what it matches, and the action's list. */
export function encodeMatch(match: FrameMatch, action: Uint8Array): Attribute[] {
  if (match.by === 'bytes') {
    return [
      [TCA_U32_ACT, action],
      [TCA_U32_SEL, encodeSelector(match.bytes)],
      ...(match.cameIn === undefined ? [] : ([[TCA_U32_INDEV, cString(match.cameIn)]] as const)),
      [TCA_U32_FLAGS, u32(TCA_CLS_FLAGS_SKIP_HW)],
    ];
  }
  return [...encodeLookUp(match), [TCA_FLOWER_ACT, action], [TCA_FLOWER_FLAGS, u32(TCA_CLS_FLAGS_SKIP_HW)]];
}

function encodeLookUp(match: Exclude<FrameMatch, { by: 'bytes' }>): Attribute[] {
  switch (match.by) {
    case 'mac':
      return encodeTarget(match.mac);
    case 'asker':
      return encodeAsker(match.mac, match.address);
    case 'ends':
      return encodeEnds(match.source, match.address);
  }
}

const ones = (length: number) => new Uint8Array(length).fill(0xff);

function encodeTarget(mac: string): Attribute[] {
  return [
    [TCA_FLOWER_KEY_ETH_DST, parseMac(mac)],
    [TCA_FLOWER_KEY_ETH_DST_MASK, ones(6)],
  ];
}

function encodeAsker(mac: string, address: string): Attribute[] {
  const from: Attribute[] = [
    [TCA_FLOWER_KEY_ETH_SRC, parseMac(mac)],
    [TCA_FLOWER_KEY_ETH_SRC_MASK, ones(6)],
  ];
  if (!address.includes(':'))
    return [
      ...from,
      [TCA_FLOWER_KEY_ETH_TYPE, Uint8Array.of(0x08, 0x06)],
      [TCA_FLOWER_KEY_ARP_SIP, parseAddress(address)],
      [TCA_FLOWER_KEY_ARP_SIP_MASK, ones(4)],
    ];
  return [
    ...from,
    [TCA_FLOWER_KEY_ETH_TYPE, Uint8Array.of(0x86, 0xdd)],
    [TCA_FLOWER_KEY_IP_PROTO, Uint8Array.of(IPPROTO_ICMPV6)],
    [TCA_FLOWER_KEY_IPV6_SRC, parseAddress(address)],
    [TCA_FLOWER_KEY_IPV6_SRC_MASK, ones(16)],
    [TCA_FLOWER_KEY_ICMPV6_TYPE, Uint8Array.of(NEIGHBOUR_SOLICITATION)],
    [TCA_FLOWER_KEY_ICMPV6_TYPE_MASK, ones(1)],
  ];
}

function encodeEnds(source: string, address: string): Attribute[] {
  const [from = '', prefix = ''] = source.split('/');
  const [first, last] = [parseAddress(from), parseAddress(address)];
  const keys = address.includes(':')
    ? [TCA_FLOWER_KEY_IPV6_SRC, TCA_FLOWER_KEY_IPV6_SRC_MASK, TCA_FLOWER_KEY_IPV6_DST, TCA_FLOWER_KEY_IPV6_DST_MASK]
    : [TCA_FLOWER_KEY_IPV4_SRC, TCA_FLOWER_KEY_IPV4_SRC_MASK, TCA_FLOWER_KEY_IPV4_DST, TCA_FLOWER_KEY_IPV4_DST_MASK];
  const values = [first, maskOf(Number(prefix), first.length), last, ones(last.length)];
  const type = address.includes(':') ? Uint8Array.of(0x86, 0xdd) : Uint8Array.of(0x08, 0x00);
  return [[TCA_FLOWER_KEY_ETH_TYPE, type], ...keys.map((key, n): Attribute => [key, values[n] ?? ones(0)])];
}

function decodeEnds(options: Map<number, Uint8Array>): FrameMatch | undefined {
  const [source, mask, target] = options.has(TCA_FLOWER_KEY_IPV4_DST)
    ? [TCA_FLOWER_KEY_IPV4_SRC, TCA_FLOWER_KEY_IPV4_SRC_MASK, TCA_FLOWER_KEY_IPV4_DST]
    : [TCA_FLOWER_KEY_IPV6_SRC, TCA_FLOWER_KEY_IPV6_SRC_MASK, TCA_FLOWER_KEY_IPV6_DST];
  const [from, to] = [formatAddress(options.get(source)), formatAddress(options.get(target))];
  if (from === undefined || to === undefined) return undefined;
  // Of a mask with gaps the length is no prefix, and the filter none of ours.
  const bits = [...(options.get(mask) ?? [])].map(byte => byte.toString(2).padStart(8, '0')).join('');
  const prefix = /^(1*)0*$/.exec(bits)?.[1]?.length;
  return prefix === undefined ? undefined : { by: 'ends', source: `${from}/${prefix}`, address: to };
}

/** What a classifier of that kind says it matches and does. */
export function decodeMatch(
  kind: string,
  options: Map<number, Uint8Array>,
): { match: FrameMatch | undefined; action: Uint8Array | undefined } {
  if (kind === classifiers.bytes) {
    const bytes = decodeSelector(options.get(TCA_U32_SEL));
    const cameIn = readString(options.get(TCA_U32_INDEV));
    const match = bytes && { by: 'bytes' as const, bytes, ...(cameIn === '' ? {} : { cameIn }) };
    return { match, action: options.get(TCA_U32_ACT) };
  }
  if (kind !== classifiers.mac) return { match: undefined, action: undefined };
  const action = options.get(TCA_FLOWER_ACT);
  if (options.has(TCA_FLOWER_KEY_IPV4_DST) || options.has(TCA_FLOWER_KEY_IPV6_DST))
    return { match: decodeEnds(options), action };
  const asking = options.get(TCA_FLOWER_KEY_ARP_SIP) ?? options.get(TCA_FLOWER_KEY_IPV6_SRC);
  if (asking !== undefined) {
    const mac = formatMac(options.get(TCA_FLOWER_KEY_ETH_SRC));
    return { match: { by: 'asker', mac, address: formatAddress(asking) ?? '' }, action };
  }
  const mac = formatMac(options.get(TCA_FLOWER_KEY_ETH_DST));
  return { match: mac === '' ? undefined : { by: 'mac', mac }, action };
}

/**
 * struct tc_u32_sel { u8 flags, offshift, nkeys, pad; be16 offmask; u16 off; s16 offoff, hoff; be32 hmask; key keys[]; }
 * struct tc_u32_key { be32 mask, val; s32 off, offmask; }
 */
function encodeSelector(bytes: readonly ByteMatch[]): Uint8Array {
  const selector = Buffer.alloc(SELECTOR + KEY * bytes.length);
  selector[0] = TC_U32_TERMINAL;
  selector[2] = bytes.length;
  for (const [n, { at, value, mask }] of bytes.entries()) {
    const key = SELECTOR + KEY * n;
    selector.writeUInt32BE(mask, key);
    selector.writeUInt32BE(value, key + 4);
    selector.writeInt32LE(at, key + 8);
  }
  return selector;
}

function decodeSelector(selector: Uint8Array | undefined): ByteMatch[] | undefined {
  const count = selector?.[2] ?? 0;
  if (selector === undefined || selector.length < SELECTOR + KEY * count) return undefined;
  const view = viewOf(selector);
  return Array.from({ length: count }, (_, n) => {
    const key = SELECTOR + KEY * n;
    return { at: view.getInt32(key + 8, true), value: view.getUint32(key + 4), mask: view.getUint32(key) };
  });
}
