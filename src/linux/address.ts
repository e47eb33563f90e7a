import ipaddr from 'ipaddr.js';
import type { Address } from './kernel.ts';
import {
  type Attribute,
  body,
  decodeAttributes,
  type Message,
  NLM_F_CREATE_EXCL,
  type Request,
  viewOf,
} from './message.ts';

const RTM_NEWADDR = 20;
const RTM_DELADDR = 21;
const RTM_GETADDR = 22;
/** Multicast groups that announce addresses: RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR. */
export const RTMGRP_IFADDR = 0x110;
export const AF_INET = 2;
export const AF_INET6 = 10;
// linux/if_addr.h
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_F_NODAD = 0x02;
// linux/rtnetlink.h
const RT_SCOPE_LINK = 253;

/**
 * struct ifaddrmsg { u8 family; u8 prefixlen; u8 flags; u8 scope; u32 index; }
 */
function ifaddr(family: number, prefix: number, flags: number, ifindex: number): Uint8Array {
  const bytes = Buffer.of(family, prefix, flags, 0, 0, 0, 0, 0);
  bytes.writeUInt32LE(ifindex, 4);
  return bytes;
}

/** An address is unique by Neutron's word, so IPv6 skips the second and more of duplicate address detection. */
export function addAddress(ifindex: number, address: string, prefix: number): Request {
  const bytes = parseAddress(address);
  const v6 = bytes.length === 16;
  const header = ifaddr(v6 ? AF_INET6 : AF_INET, prefix, v6 ? IFA_F_NODAD : 0, ifindex);
  return { type: RTM_NEWADDR, flags: NLM_F_CREATE_EXCL, body: body(header, both(bytes)) };
}

export function removeAddress(ifindex: number, address: string, prefix: number): Request {
  const bytes = parseAddress(address);
  const header = ifaddr(bytes.length === 16 ? AF_INET6 : AF_INET, prefix, 0, ifindex);
  return { type: RTM_DELADDR, flags: 0, body: body(header, both(bytes)) };
}

export function dumpAddresses(): Request {
  return { type: RTM_GETADDR, flags: 0, body: ifaddr(0, 0, 0, 0) };
}

export function readAddress({ type, body }: Message): Address | undefined {
  if (type !== RTM_NEWADDR || body.length < 8) return undefined;
  const attributes = decodeAttributes(body.subarray(8));
  // IFA_ADDRESS is the peer's on a point-to-point link; the own one is IFA_LOCAL where both are given.
  const address = addressOf(body[0], attributes.get(IFA_LOCAL) ?? attributes.get(IFA_ADDRESS));
  if (address === undefined) return undefined;
  return {
    ifindex: viewOf(body).getUint32(4, true),
    family: body[0] === AF_INET6 ? 6 : 4,
    address,
    prefix: body[1] ?? 0,
    linkLocal: body[0] === AF_INET6 && body[3] === RT_SCOPE_LINK,
  };
}

/** Four or sixteen bytes. @throws Error for what is no address */
export function parseAddress(address: string): Uint8Array {
  return Uint8Array.from(ipaddr.parse(address).toByteArray());
}

/** Canonical text: IPv6 compressed and lower case (RFC 5952). Undefined where there are not 4 or 16 bytes. */
export function formatAddress(bytes: Uint8Array | undefined): string | undefined {
  if (bytes?.length === 4) return bytes.join('.');
  if (bytes?.length !== 16) return undefined;
  return (ipaddr.fromByteArray([...bytes]) as ipaddr.IPv6).toRFC5952String();
}

/** The address, where it is one of that family (AF_INET, AF_INET6): other families have other things in the same place. */
export function addressOf(family: number | undefined, bytes: Uint8Array | undefined): string | undefined {
  const length = family === AF_INET ? 4 : family === AF_INET6 ? 16 : 0;
  return bytes?.length === length ? formatAddress(bytes) : undefined;
}

function both(bytes: Uint8Array): Attribute[] {
  return [
    [IFA_LOCAL, bytes],
    [IFA_ADDRESS, bytes],
  ];
}

/** The mask of a prefix, as many bytes as an address has. */
export function maskOf(prefix: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, n) => 0xff00 >> Math.min(8, Math.max(0, prefix - 8 * n)));
}
