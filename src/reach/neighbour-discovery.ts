import { formatAddress, parseAddress } from '../linux/address.ts';
import { parseMac } from '../linux/link.ts';

export const ETHERTYPE_IPV6 = 0x86dd;

const ICMPV6 = 58;
/** Neighbour discovery must come from the link itself: no router lets 255 through (RFC 4861, section 7.1). */
const HOP_LIMIT = 255;
const SOLICITATION = 135;
const ADVERTISEMENT = 136;
const SOURCE_LINK_ADDRESS = 1;
const TARGET_LINK_ADDRESS = 2;
const OVERRIDE = 0x20;
const ALL_NODES = 'ff02::1';
const ETHERNET = 14;
const IPV6 = 40;

/** Who has `target`? Sent to its solicited-node group, with the asker's link-layer address (RFC 4861, section 4.3). */
export function neighbourSolicitation(mac: string, source: string, target: string): Uint8Array {
  const message = Buffer.concat([
    Buffer.of(SOLICITATION, 0, 0, 0, 0, 0, 0, 0),
    parseAddress(target),
    Buffer.of(SOURCE_LINK_ADDRESS, 1),
    parseMac(mac),
  ]);
  return frame(mac, source, solicitedNode(target), message);
}

/** An announcement: a neighbour advertisement to all nodes that nobody asked for, with the override flag. */
export function unsolicitedAdvertisement(mac: string, address: string): Uint8Array {
  const message = Buffer.concat([
    Buffer.of(ADVERTISEMENT, 0, 0, 0, OVERRIDE, 0, 0, 0),
    parseAddress(address),
    Buffer.of(TARGET_LINK_ADDRESS, 1),
    parseMac(mac),
  ]);
  return frame(mac, address, parseAddress(ALL_NODES), message);
}

export interface Advertisement {
  /** The address that is told of. */
  readonly target: string;
  /** Whom it is sent to. */
  readonly destination: string;
}

/** What a frame says if it is a valid neighbour advertisement. */
export function readAdvertisement(frame: Uint8Array): Advertisement | undefined {
  if (frame.length < ETHERNET + IPV6 + 24) return undefined;
  if (frame[12] !== ETHERTYPE_IPV6 >> 8 || frame[13] !== (ETHERTYPE_IPV6 & 0xff)) return undefined;
  const packet = frame.subarray(ETHERNET);
  const length = ((packet[4] ?? 0) << 8) | (packet[5] ?? 0);
  if (packet[6] !== ICMPV6 || packet[7] !== HOP_LIMIT || length < 24 || packet.length < IPV6 + length) return undefined;
  const message = packet.subarray(IPV6, IPV6 + length);
  if (message[0] !== ADVERTISEMENT || message[1] !== 0) return undefined;
  if (checksum(packet.subarray(8, 24), packet.subarray(24, 40), message) !== 0) return undefined;
  return {
    target: formatAddress(message.subarray(8, 24)) ?? '',
    destination: formatAddress(packet.subarray(24, 40)) ?? '',
  };
}

/** `ff02::1:ff00:0/104` with the address's last three bytes (RFC 4291, section 2.7.1). */
function solicitedNode(address: string): Uint8Array {
  const group = parseAddress('ff02::1:ff00:0');
  group.set(parseAddress(address).subarray(13), 13);
  return group;
}

function frame(mac: string, source: string, destination: Uint8Array, message: Uint8Array): Uint8Array {
  const from = parseAddress(source);
  const summed = Buffer.from(message);
  summed.writeUInt16BE(checksum(from, destination, message), 2);
  return Buffer.concat([
    // A multicast group's Ethernet address: 33:33 and its last four bytes (RFC 2464, section 7).
    Buffer.of(0x33, 0x33),
    destination.subarray(12),
    parseMac(mac),
    Buffer.of(ETHERTYPE_IPV6 >> 8, ETHERTYPE_IPV6 & 0xff),
    Buffer.of(0x60, 0, 0, 0, message.length >> 8, message.length & 0xff, ICMPV6, HOP_LIMIT),
    from,
    destination,
    summed,
  ]);
}

/** The Internet checksum over pseudo-header and message (RFC 8200, section 8.1); 0 for a message that bears the right one. */
function checksum(source: Uint8Array, destination: Uint8Array, message: Uint8Array): number {
  const length = message.length;
  const pseudo = Buffer.concat([source, destination, Buffer.of(0, 0, length >> 8, length & 0xff, 0, 0, 0, ICMPV6)]);
  let sum = 0;
  for (const bytes of [pseudo, message]) {
    for (let at = 0; at < bytes.length; at += 2) sum += ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return ~sum & 0xffff;
}
