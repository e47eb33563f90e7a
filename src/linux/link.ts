import type { IpvlanFlag, IpvlanMode, Link, LinkChange, SlaveSpec } from './kernel.ts';
import {
  type Attribute,
  body,
  cString,
  decodeAttributes,
  encodeAttributes,
  type Message,
  NLM_F_CREATE_EXCL,
  type Request,
  readString,
  readU16,
  readU32,
  u16,
  u32,
  viewOf,
} from './message.ts';

const RTM_NEWLINK = 16;
const RTM_DELLINK = 17;
const RTM_GETLINK = 18;
const RTM_SETLINK = 19;
export const RTMGRP_LINK = 1;

const IFF_UP = 1;

// linux/if_link.h
const IFLA_ADDRESS = 1;
const IFLA_IFNAME = 3;
const IFLA_MTU = 4;
const IFLA_LINK = 5;
const IFLA_MASTER = 10;
const IFLA_OPERSTATE = 16;
const IFLA_LINKMODE = 17;
const IFLA_LINKINFO = 18;
const IFLA_IFALIAS = 20;
const IFLA_NET_NS_FD = 28;
const IFLA_PROMISCUITY = 30;
const IFLA_LINK_NETNSID = 37;
const IFLA_INFO_KIND = 1;
const IFLA_INFO_DATA = 2;
const IFLA_IPVLAN_MODE = 1;
const IFLA_IPVLAN_FLAGS = 2;
const IFLA_MACVLAN_MODE = 1;

/** enum ipvlan_mode, by value. */
const ipvlanModes = ['l2', 'l3', 'l3s'];
/** IPVLAN_F_PRIVATE and IPVLAN_F_VEPA exclude each other; none is bridge. */
const ipvlanFlags = ['bridge', 'private', 'vepa'];
/** enum macvlan_mode. */
const macvlanModes = new Map([
  [1, 'private'],
  [2, 'vepa'],
  [4, 'bridge'],
  [8, 'passthru'],
  [16, 'source'],
]);
/** RFC 2863 operational states, by value (linux/if.h, IF_OPER_*). */
const operStates = ['unknown', 'notpresent', 'down', 'lowerlayerdown', 'testing', 'dormant', 'up'];

/**
 * struct ifinfomsg { u8 family; u8 pad; u16 type; s32 index; u32 flags; u32 change; }
 */
function ifinfo(ifindex: number, flags = 0, change = 0): Uint8Array {
  const bytes = Buffer.alloc(16);
  bytes.writeInt32LE(ifindex, 4);
  bytes.writeUInt32LE(flags, 8);
  bytes.writeUInt32LE(change, 12);
  return bytes;
}

/**
 * A slave, down. Mode and flag are always sent: they are the master's, the last writer wins without a word, and a
 * request without them turns every ipvlan slave of the master to l3 and bridge (drivers/net/ipvlan/ipvlan_main.c).
 * @param netnsFd the namespace it is made in, when not that of the socket
 */
export function createSlave(spec: SlaveSpec, netnsFd?: number): Request {
  const attributes: Attribute[] = [
    [IFLA_MTU, u32(spec.mtu)],
    [IFLA_LINK, u32(spec.master)],
    [IFLA_IFNAME, cString(spec.name)],
  ];
  if (spec.kind === 'macvlan') attributes.push([IFLA_ADDRESS, parseMac(spec.mac)]);
  if (netnsFd !== undefined) attributes.push([IFLA_NET_NS_FD, u32(netnsFd)]);
  const info = encodeAttributes([
    [IFLA_INFO_KIND, Buffer.from(spec.kind)],
    [IFLA_INFO_DATA, encodeAttributes(slaveData(spec))],
  ]);
  attributes.push([IFLA_LINKINFO, info]);
  return { type: RTM_NEWLINK, flags: NLM_F_CREATE_EXCL, body: body(ifinfo(spec.ifindex), attributes) };
}

function slaveData(
  spec: { kind: 'ipvlan'; mode: IpvlanMode; flag: IpvlanFlag } | { kind: 'macvlan'; mode: string },
): Attribute[] {
  if (spec.kind === 'ipvlan') {
    return [
      [IFLA_IPVLAN_MODE, u16(ipvlanModes.indexOf(spec.mode))],
      [IFLA_IPVLAN_FLAGS, u16(ipvlanFlags.indexOf(spec.flag))],
    ];
  }
  const mode = [...macvlanModes].find(([, name]) => name === spec.mode)?.[0] ?? 0;
  return [[IFLA_MACVLAN_MODE, u32(mode)]];
}

export function changeLink(ifindex: number, change: LinkChange): Request {
  const attributes: Attribute[] = [];
  if (change.mtu !== undefined) attributes.push([IFLA_MTU, u32(change.mtu)]);
  if (change.name !== undefined) attributes.push([IFLA_IFNAME, cString(change.name)]);
  // Without a zero byte at the end: the kernel keeps the alias as it comes.
  if (change.alias !== undefined) attributes.push([IFLA_IFALIAS, Buffer.from(change.alias)]);
  if (change.dormant !== undefined) {
    // The mode keeps the state so when the master comes and goes; the state is what it is now.
    attributes.push([IFLA_LINKMODE, Uint8Array.of(change.dormant ? 1 : 0)]);
    attributes.push([IFLA_OPERSTATE, Uint8Array.of(operStates.indexOf(change.dormant ? 'dormant' : 'up'))]);
  }
  const header = change.up === undefined ? ifinfo(ifindex) : ifinfo(ifindex, change.up ? IFF_UP : 0, IFF_UP);
  return { type: RTM_SETLINK, flags: 0, body: body(header, attributes) };
}

/** Sets mode and flag of the ipvlan link's master. */
export function changeMode(ifindex: number, mode: IpvlanMode, flag: IpvlanFlag): Request {
  const info = encodeAttributes([
    [IFLA_INFO_KIND, Buffer.from('ipvlan')],
    [IFLA_INFO_DATA, encodeAttributes(slaveData({ kind: 'ipvlan', mode, flag }))],
  ]);
  return { type: RTM_NEWLINK, flags: 0, body: body(ifinfo(ifindex), [[IFLA_LINKINFO, info]]) };
}

export function deleteLink(ifindex: number): Request {
  return { type: RTM_DELLINK, flags: 0, body: ifinfo(ifindex) };
}

export function getLink(ifindex: number): Request {
  return { type: RTM_GETLINK, flags: 0, body: ifinfo(ifindex) };
}

export function dumpLinks(): Request {
  return { type: RTM_GETLINK, flags: 0, body: ifinfo(0) };
}

/**
 * The link that a message tells of, and whether it is gone. Undefined for other messages, those about a bridge's ports
 * (family AF_BRIDGE) among them: their RTM_DELLINK means that a port left, not that a link did.
 */
export function readLink(message: Message): { readonly link: Link; readonly gone: boolean } | undefined {
  const { type, body } = message;
  if ((type !== RTM_NEWLINK && type !== RTM_DELLINK) || body.length < 16 || body[0] !== 0) return undefined;
  const attributes = decodeAttributes(body.subarray(16));
  const info = decodeAttributes(attributes.get(IFLA_LINKINFO) ?? new Uint8Array());
  const kind = readString(info.get(IFLA_INFO_KIND));
  const link: Link = {
    ifindex: viewOf(body).getInt32(4, true),
    name: readString(attributes.get(IFLA_IFNAME)),
    kind,
    mac: formatMac(attributes.get(IFLA_ADDRESS)),
    mtu: readU32(attributes.get(IFLA_MTU)) ?? 0,
    up: (viewOf(body).getUint32(8, true) & IFF_UP) !== 0,
    state: operStates[attributes.get(IFLA_OPERSTATE)?.[0] ?? 0] ?? 'unknown',
    alias: readString(attributes.get(IFLA_IFALIAS)),
    master: readU32(attributes.get(IFLA_LINK)) ?? 0,
    masterElsewhere: attributes.has(IFLA_LINK_NETNSID),
    controller: readU32(attributes.get(IFLA_MASTER)) ?? 0,
    ...readMode(kind, decodeAttributes(info.get(IFLA_INFO_DATA) ?? new Uint8Array())),
    promiscuity: readU32(attributes.get(IFLA_PROMISCUITY)) ?? 0,
  };
  return { link, gone: type === RTM_DELLINK };
}

function readMode(kind: string, data: Map<number, Uint8Array>): Pick<Link, 'mode' | 'flag'> {
  if (kind === 'ipvlan') {
    const mode = ipvlanModes[readU16(data.get(IFLA_IPVLAN_MODE)) ?? -1] ?? '';
    return { mode, flag: ipvlanFlags[readU16(data.get(IFLA_IPVLAN_FLAGS)) ?? -1] ?? '' };
  }
  if (kind === 'macvlan') return { mode: macvlanModes.get(readU32(data.get(IFLA_MACVLAN_MODE)) ?? 0) ?? '', flag: '' };
  return { mode: '', flag: '' };
}

/** Six bytes of `aa:bb:cc:dd:ee:ff`. @throws TypeError for anything else */
export function parseMac(mac: string): Uint8Array {
  if (!/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(mac)) throw new TypeError(`not a MAC address: ${mac}`);
  return Buffer.from(mac.replaceAll(':', ''), 'hex');
}

/** Lower case with colons; empty where there are not six bytes. */
export function formatMac(bytes: Uint8Array | undefined): string {
  if (bytes?.length !== 6) return '';
  return Buffer.from(bytes)
    .toString('hex')
    .replace(/..(?!$)/g, '$&:');
}
