import type { FilterMark, FilterPlace, LinkFilter, StandingFilter } from './filters.ts';
import {
  body,
  cString,
  decodeAttributes,
  encodeAttributes,
  type Message,
  NLM_F_CREATE_EXCL,
  type Request,
  readString,
  viewOf,
} from './message.ts';
import { decodeAction, encodeAction } from './tc-action.ts';
import { classifiers, decodeMatch, encodeMatch } from './tc-match.ts';

// linux/rtnetlink.h
const RTM_NEWQDISC = 36;
const RTM_DELQDISC = 37;
const RTM_GETQDISC = 38;
const RTM_NEWTFILTER = 44;
const RTM_DELTFILTER = 45;
const RTM_GETTFILTER = 46;
const TCA_KIND = 1;
const TCA_OPTIONS = 2;
const TCA_INGRESS_BLOCK = 13;
const TCA_EGRESS_BLOCK = 14;
// linux/pkt_sched.h: TC_H_CLSACT is TC_H_INGRESS; its two hooks are classes of it.
const TC_H_CLSACT = 0xfffffff1;
const CLSACT_HANDLE = 0xffff0000;
const hooks = { ingress: 0xfffffff2, egress: 0xfffffff3 } as const;

const etherTypes = { all: 0x0003, arp: 0x0806, ip: 0x0800, ipv6: 0x86dd, '802.1Q': 0x8100, '802.1ad': 0x88a8 } as const;

/**
 * struct tcmsg { u8 family, pad; u16 pad; s32 ifindex; u32 handle, parent, info; }
 *
 * Of a filter, info has the preference in its upper half, and in the lower one the EtherType as it stands on the wire.
 */
function tcmsg(ifindex: number, handle = 0, parent = 0, pref = 0, protocol = 0): Uint8Array {
  const bytes = Buffer.alloc(20);
  bytes.writeInt32LE(ifindex, 4);
  bytes.writeUInt32LE(handle, 8);
  bytes.writeUInt32LE(parent, 12);
  bytes.writeUInt16BE(protocol, 16);
  bytes.writeUInt16LE(pref, 18);
  return bytes;
}

export function addClsact(ifindex: number): Request {
  const header = tcmsg(ifindex, CLSACT_HANDLE, TC_H_CLSACT);
  return { type: RTM_NEWQDISC, flags: NLM_F_CREATE_EXCL, body: body(header, [[TCA_KIND, cString('clsact')]]) };
}

export function removeClsact(ifindex: number): Request {
  const header = tcmsg(ifindex, CLSACT_HANDLE, TC_H_CLSACT);
  return { type: RTM_DELQDISC, flags: 0, body: body(header, [[TCA_KIND, cString('clsact')]]) };
}

/** Qdiscs of all links. */
export function dumpQdiscs(): Request {
  return { type: RTM_GETQDISC, flags: 0, body: tcmsg(0) };
}

/** A clsact or ingress qdisc; both have the same handle, so that a link has one of them at most. */
export function readFilterPlace({ type, body }: Message): FilterPlace | undefined {
  if (type !== RTM_NEWQDISC || body.length < 20) return undefined;
  const attributes = decodeAttributes(body.subarray(20));
  const kind = readString(attributes.get(TCA_KIND));
  if (kind !== 'clsact' && kind !== 'ingress') return undefined;
  const shared = [TCA_INGRESS_BLOCK, TCA_EGRESS_BLOCK].some(block => attributes.has(block));
  return { ifindex: viewOf(body).getInt32(4, true), kind, shared };
}

export function addFilter(ifindex: number, filter: LinkFilter, { handle, cookie }: FilterMark): Request {
  const { hook, pref, protocol, match, action } = filter;
  const header = tcmsg(ifindex, handle, hooks[hook], pref, etherTypes[protocol]);
  const options = encodeAttributes(encodeMatch(match, encodeAction(action, Buffer.from(cookie, 'hex'))));
  return {
    type: RTM_NEWTFILTER,
    flags: NLM_F_CREATE_EXCL,
    body: body(header, [
      [TCA_KIND, cString(classifiers[match.by])],
      [TCA_OPTIONS, options],
    ]),
  };
}

/** @param handle 0: with all others of its preference and protocol, which an empty u32 classifier would outlive */
export function removeFilter(ifindex: number, { hook, pref, protocol, match }: LinkFilter, handle: number): Request {
  const header = tcmsg(ifindex, handle, hooks[hook], pref, etherTypes[protocol]);
  return { type: RTM_DELTFILTER, flags: 0, body: body(header, [[TCA_KIND, cString(classifiers[match.by])]]) };
}

export function dumpFilters(ifindex: number, hook: keyof typeof hooks): Request {
  return { type: RTM_GETTFILTER, flags: 0, body: tcmsg(ifindex, 0, hooks[hook]) };
}

/** A filter; also the entries without one that a classifier tells of itself, such as u32's hash tables. */
export function readFilter({ type, body }: Message): StandingFilter | undefined {
  if (type !== RTM_NEWTFILTER || body.length < 20) return undefined;
  const view = viewOf(body);
  const attributes = decodeAttributes(body.subarray(20));
  const options = decodeAttributes(attributes.get(TCA_OPTIONS) ?? new Uint8Array());
  const { match, action: list } = decodeMatch(readString(attributes.get(TCA_KIND)), options);
  const { cookie, action } = decodeAction(list);
  const [pref, protocol, handle] = [view.getUint16(18, true), view.getUint16(16), view.getUint32(8, true)];
  const name = (Object.keys(etherTypes) as (keyof typeof etherTypes)[]).find(each => etherTypes[each] === protocol);
  const known = match !== undefined && action !== undefined && name !== undefined;
  const hook = view.getUint32(12, true) === hooks.ingress ? 'ingress' : 'egress';
  return {
    ...{ hook, pref, protocol, handle, cookie },
    filter: known ? { hook, pref, protocol: name, match, action } : undefined,
  };
}
