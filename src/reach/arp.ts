import { formatAddress, parseAddress } from '../linux/address.ts';
import { formatMac, parseMac } from '../linux/link.ts';

export const ETHERTYPE_ARP = 0x0806;

const BROADCAST = 'ff:ff:ff:ff:ff:ff';
const NOBODY = '00:00:00:00:00:00';
const REQUEST = 1;
const REPLY = 2;
const ETHERNET = 14;
/** Hardware type Ethernet, protocol IPv4, address lengths 6 and 4. */
const HEADER = Buffer.from('000108000604', 'hex');

/** Who has `target`? Asked by broadcast with `source` and `mac` as the asker (RFC 826). */
export function arpRequest(mac: string, source: string, target: string): Uint8Array {
  return Buffer.concat([
    parseMac(BROADCAST),
    parseMac(mac),
    Buffer.of(ETHERTYPE_ARP >> 8, ETHERTYPE_ARP & 0xff),
    HEADER,
    Buffer.of(0, REQUEST),
    parseMac(mac),
    parseAddress(source),
    parseMac(NOBODY),
    parseAddress(target),
  ]);
}

/** An announcement: a request for the own address (RFC 5227, section 3), which neighbours and OVN learn from. */
export function gratuitousArp(mac: string, address: string): Uint8Array {
  return arpRequest(mac, address, address);
}

export interface ArpReply {
  readonly sender: string;
  readonly senderMac: string;
  /** Whom it answers. */
  readonly target: string;
}

/** What a frame says if it is an ARP reply for IPv4 over Ethernet. */
export function readArpReply(frame: Uint8Array): ArpReply | undefined {
  if (frame.length < ETHERNET + 28) return undefined;
  if (frame[12] !== ETHERTYPE_ARP >> 8 || frame[13] !== (ETHERTYPE_ARP & 0xff)) return undefined;
  const packet = frame.subarray(ETHERNET);
  if (!HEADER.equals(packet.subarray(0, 6)) || packet[6] !== 0 || packet[7] !== REPLY) return undefined;
  return {
    senderMac: formatMac(packet.subarray(8, 14)),
    sender: formatAddress(packet.subarray(14, 18)) ?? '',
    target: formatAddress(packet.subarray(24, 28)) ?? '',
  };
}
