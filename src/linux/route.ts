import { AF_INET, AF_INET6, addressOf, parseAddress } from './address.ts';
import type { NewRoute, Route } from './kernel.ts';
import {
  type Attribute,
  body,
  decodeAttributes,
  type Message,
  NLM_F_CREATE_EXCL,
  type Request,
  readU32,
  u32,
  viewOf,
} from './message.ts';

const RTM_NEWROUTE = 24;
const RTM_DELROUTE = 25;
const RTM_GETROUTE = 26;
// linux/rtnetlink.h
const RTA_DST = 1;
const RTA_OIF = 4;
const RTA_GATEWAY = 5;
const RTA_PRIORITY = 6;
const RTA_PREFSRC = 7;
const RTA_MULTIPATH = 9;
const RTA_TABLE = 15;
const RTN_UNICAST = 1;
const RTPROT_BOOT = 3;
const RT_TABLE_MAIN = 254;
const RT_SCOPE_UNIVERSE = 0;
const RT_SCOPE_LINK = 253;
/** A copy in the routing cache, not a route. */
const RTM_F_CLONED = 0x200;

/**
 * struct rtmsg { u8 family, dst_len, src_len, tos, table, protocol, scope, type; u32 flags; }
 */
function rtmsg(family: number, prefix = 0, scope = RT_SCOPE_UNIVERSE, protocol = RTPROT_BOOT): Uint8Array {
  return Uint8Array.of(family, prefix, 0, 0, RT_TABLE_MAIN, protocol, scope, RTN_UNICAST, 0, 0, 0, 0);
}

/** A route of the main table; without a gateway it leads straight onto the link. */
export function addRoute(route: NewRoute): Request {
  return { type: RTM_NEWROUTE, flags: NLM_F_CREATE_EXCL, body: routeBody(route) };
}

/** Takes such a route away, whatever source it has: of several to one destination the one of its link and protocol. */
export function removeRoute({ destination, ifindex, protocol }: NewRoute): Request {
  return { type: RTM_DELROUTE, flags: 0, body: routeBody({ destination, ifindex, protocol }) };
}

function routeBody(route: NewRoute): Uint8Array {
  const gateway = route.gateway === undefined ? undefined : parseAddress(route.gateway);
  const { bytes, prefix } = parseDestination(route.destination);
  const v6 = (bytes ?? gateway)?.length === 16;
  const attributes: Attribute[] = [];
  if (bytes !== undefined) attributes.push([RTA_DST, bytes]);
  if (gateway !== undefined) attributes.push([RTA_GATEWAY, gateway]);
  attributes.push([RTA_OIF, u32(route.ifindex)]);
  if (route.source !== undefined) attributes.push([RTA_PREFSRC, parseAddress(route.source)]);
  const scope = gateway === undefined && !v6 ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
  return body(rtmsg(v6 ? AF_INET6 : AF_INET, prefix, scope, route.protocol), attributes);
}

export function dumpRoutes(): Request {
  return { type: RTM_GETROUTE, flags: 0, body: rtmsg(0) };
}

/** A unicast route of IPv4 or IPv6; of one with several next hops the first. */
export function readRoute({ type, body }: Message): Route | undefined {
  if (type !== RTM_NEWROUTE || body.length < 12 || body[7] !== RTN_UNICAST) return undefined;
  if ((viewOf(body).getUint32(8, true) & RTM_F_CLONED) !== 0) return undefined;
  const attributes = decodeAttributes(body.subarray(12));
  const hop = firstHop(attributes.get(RTA_MULTIPATH));
  const written = attributes.get(RTA_DST);
  const destination = addressOf(body[0], written);
  // MPLS keeps its labels there.
  if ((body[0] !== AF_INET && body[0] !== AF_INET6) || (written !== undefined && destination === undefined))
    return undefined;
  return {
    family: body[0] === AF_INET6 ? 6 : 4,
    destination: destination === undefined ? 'default' : `${destination}/${body[1]}`,
    gateway: addressOf(body[0], attributes.get(RTA_GATEWAY) ?? hop?.gateway),
    ifindex: readU32(attributes.get(RTA_OIF)) ?? hop?.ifindex ?? 0,
    metric: readU32(attributes.get(RTA_PRIORITY)) ?? 0,
    table: readU32(attributes.get(RTA_TABLE)) ?? body[4] ?? 0,
    protocol: body[5] ?? 0,
    source: addressOf(body[0], attributes.get(RTA_PREFSRC)),
  };
}

/**
 * struct rtnexthop { u16 len; u8 flags; u8 hops; s32 ifindex; }, then its attributes
 */
function firstHop(bytes: Uint8Array | undefined) {
  if (bytes === undefined || bytes.length < 8) return undefined;
  const length = Math.min(viewOf(bytes).getUint16(0, true), bytes.length);
  const gateway = decodeAttributes(bytes.subarray(8, Math.max(8, length))).get(RTA_GATEWAY);
  return { ifindex: viewOf(bytes).getInt32(4, true), gateway };
}

function parseDestination(destination: string): { bytes: Uint8Array | undefined; prefix: number } {
  if (destination === 'default') return { bytes: undefined, prefix: 0 };
  const [address = '', prefix] = destination.split('/');
  const bytes = parseAddress(address);
  return { bytes, prefix: prefix === undefined ? bytes.length * 8 : Number(prefix) };
}
