import type { FilterAction } from './filters.ts';
import { type Attribute, cString, decodeAttributes, encodeAttributes, readString, viewOf } from './message.ts';

// linux/pkt_cls.h
const TCA_ACT_KIND = 1;
const TCA_ACT_OPTIONS = 2;
const TCA_ACT_COOKIE = 6;
const TC_ACT_OK = 0;
const TC_ACT_SHOT = 2;
const TC_ACT_STOLEN = 4;
// linux/tc_act/tc_gact.h, linux/tc_act/tc_mirred.h
const TCA_GACT_PARMS = 2;
const TCA_MIRRED_PARMS = 2;
const TCA_INGRESS_REDIR = 3;

const NLA_F_NESTED = 0x8000;
/** Actions are a list, counted from one. */
const FIRST = 1;

/**
 * struct tc_gact   { u32 index; u32 capab; s32 action; s32 refcnt; s32 bindcnt; }
 * struct tc_mirred { …the same…; s32 eaction; u32 ifindex; }
 */
function parameters(...values: readonly number[]): Uint8Array {
  return new Uint8Array(Int32Array.of(0, 0, ...values).buffer);
}

/** The list with that one action, as the payload of a filter's TCA_*_ACT. */
export function encodeAction(action: FilterAction, cookie: Uint8Array): Uint8Array {
  const [kind, own]: [string, Attribute] =
    action.do === 'arrive'
      ? ['mirred', [TCA_MIRRED_PARMS, parameters(TC_ACT_STOLEN, 0, 0, TCA_INGRESS_REDIR, action.ifindex)]]
      : ['gact', [TCA_GACT_PARMS, parameters(action.do === 'pass' ? TC_ACT_OK : TC_ACT_SHOT, 0, 0)]];
  const one = encodeAttributes([
    [TCA_ACT_KIND, cString(kind)],
    [TCA_ACT_OPTIONS | NLA_F_NESTED, encodeAttributes([own])],
    [TCA_ACT_COOKIE, cookie],
  ]);
  return encodeAttributes([[FIRST, one]]);
}

/** The mark of the first action, in hex, and the action where it is the only one and of ours; empty where there is none. */
export function decodeAction(payload: Uint8Array | undefined): { cookie: string; action: FilterAction | undefined } {
  const list = payload === undefined ? new Map<number, Uint8Array>() : decodeAttributes(payload);
  const one = decodeAttributes(list.get(FIRST) ?? new Uint8Array());
  const cookie = Buffer.from(one.get(TCA_ACT_COOKIE) ?? []).toString('hex');
  const options = decodeAttributes(one.get(TCA_ACT_OPTIONS) ?? new Uint8Array());
  const action = list.size === 1 ? actionOf(readString(one.get(TCA_ACT_KIND)), options) : undefined;
  return { cookie, action };
}

function actionOf(kind: string, options: Map<number, Uint8Array>): FilterAction | undefined {
  const bytes = options.get(kind === 'gact' ? TCA_GACT_PARMS : TCA_MIRRED_PARMS);
  if (bytes === undefined || bytes.length < 20) return undefined;
  const verdict = viewOf(bytes).getInt32(8, true);
  if (kind === 'gact' && verdict === TC_ACT_SHOT) return { do: 'drop' };
  if (kind === 'gact') return verdict === TC_ACT_OK ? { do: 'pass' } : undefined;
  if (kind !== 'mirred' || bytes.length < 28 || viewOf(bytes).getInt32(20, true) !== TCA_INGRESS_REDIR)
    return undefined;
  return { do: 'arrive', ifindex: viewOf(bytes).getUint32(24, true) };
}
