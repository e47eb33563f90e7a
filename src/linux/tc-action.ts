import type { FilterAction } from './filters.ts';
import { type Attribute, cString, decodeAttributes, encodeAttributes, readString, viewOf } from './message.ts';

// linux/pkt_cls.h
const TCA_ACT_KIND = 1;
const TCA_ACT_OPTIONS = 2;
const TCA_ACT_COOKIE = 6;
const TC_ACT_UNSPEC = -1;
const TC_ACT_OK = 0;
const TC_ACT_SHOT = 2;
const TC_ACT_PIPE = 3;
const TC_ACT_STOLEN = 4;
// linux/tc_act/tc_gact.h, linux/tc_act/tc_mirred.h, linux/tc_act/tc_ct.h
const TCA_GACT_PARMS = 2;
const TCA_MIRRED_PARMS = 2;
const TCA_INGRESS_REDIR = 3;
const TCA_CT_PARMS = 1;
const TCA_CT_ACTION = 3;
const TCA_CT_ACT_CLEAR = 4;
const TCA_CT_ACT_NAT = 8;

const NLA_F_NESTED = 0x8000;

/** One action of a list, before it is encoded. */
interface Step {
  readonly kind: string;
  readonly own: readonly Attribute[];
}

/**
 * struct tc_gact   { u32 index; u32 capab; s32 action; s32 refcnt; s32 bindcnt; }
 * struct tc_mirred { …the same…; s32 eaction; u32 ifindex; }
 * struct tc_ct     { …the same as tc_gact… }
 */
function parameters(...values: readonly number[]): Uint8Array {
  return new Uint8Array(Int32Array.of(0, 0, ...values).buffer);
}

function stepsOf(action: FilterAction): readonly Step[] {
  switch (action.do) {
    case 'arrive':
      return [
        {
          kind: 'mirred',
          own: [[TCA_MIRRED_PARMS, parameters(TC_ACT_STOLEN, 0, 0, TCA_INGRESS_REDIR, action.ifindex)]],
        },
      ];
    case 'translate':
      // Cleared: no namespace may take what this one's conntrack knows for its own.
      return [conntrack(TCA_CT_ACT_NAT, TC_ACT_PIPE), conntrack(TCA_CT_ACT_CLEAR, TC_ACT_UNSPEC)];
    default:
      return [
        { kind: 'gact', own: [[TCA_GACT_PARMS, parameters(action.do === 'pass' ? TC_ACT_OK : TC_ACT_SHOT, 0, 0)]] },
      ];
  }
}

function conntrack(what: number, verdict: number): Step {
  return {
    kind: 'ct',
    own: [
      [TCA_CT_ACTION, new Uint8Array(Uint16Array.of(what).buffer)],
      [TCA_CT_PARMS, parameters(verdict, 0, 0)],
    ],
  };
}

/** The list of what makes up that action, as the payload of a filter's TCA_*_ACT. */
export function encodeAction(action: FilterAction, cookie: Uint8Array): Uint8Array {
  return encodeAttributes(
    stepsOf(action).map(({ kind, own }, n) => [
      // They are counted from one.
      n + 1,
      encodeAttributes([
        [TCA_ACT_KIND, cString(kind)],
        [TCA_ACT_OPTIONS | NLA_F_NESTED, encodeAttributes(own)],
        [TCA_ACT_COOKIE, cookie],
      ]),
    ]),
  );
}

/** The mark of the first action, in hex, and what all of them do where that is one of ours; empty where there is none. */
export function decodeAction(payload: Uint8Array | undefined): { cookie: string; action: FilterAction | undefined } {
  const list = payload === undefined ? new Map<number, Uint8Array>() : decodeAttributes(payload);
  const steps = [...list.values()].map(one => decodeAttributes(one));
  const cookie = Buffer.from(steps[0]?.get(TCA_ACT_COOKIE) ?? []).toString('hex');
  return { cookie, action: actionOf(steps) };
}

function actionOf(steps: readonly Map<number, Uint8Array>[]): FilterAction | undefined {
  const [first, second] = steps.map(step => ({
    kind: readString(step.get(TCA_ACT_KIND)),
    options: decodeAttributes(step.get(TCA_ACT_OPTIONS) ?? new Uint8Array()),
  }));
  if (first === undefined || steps.length > 2) return undefined;
  if (second === undefined) return singleAction(first.kind, first.options);
  const isTranslation =
    isConntrack(first, TCA_CT_ACT_NAT, TC_ACT_PIPE) && isConntrack(second, TCA_CT_ACT_CLEAR, TC_ACT_UNSPEC);
  return isTranslation ? { do: 'translate' } : undefined;
}

function isConntrack(
  { kind, options }: { readonly kind: string; readonly options: Map<number, Uint8Array> },
  what: number,
  verdict: number,
): boolean {
  const [parms, action] = [options.get(TCA_CT_PARMS), options.get(TCA_CT_ACTION)];
  if (kind !== 'ct' || parms === undefined || parms.length < 20 || action === undefined || action.length < 2)
    return false;
  return viewOf(parms).getInt32(8, true) === verdict && viewOf(action).getUint16(0, true) === what;
}

function singleAction(kind: string, options: Map<number, Uint8Array>): FilterAction | undefined {
  const bytes = options.get(kind === 'gact' ? TCA_GACT_PARMS : TCA_MIRRED_PARMS);
  if (bytes === undefined || bytes.length < 20) return undefined;
  const verdict = viewOf(bytes).getInt32(8, true);
  if (kind === 'gact' && verdict === TC_ACT_SHOT) return { do: 'drop' };
  if (kind === 'gact') return verdict === TC_ACT_OK ? { do: 'pass' } : undefined;
  if (kind !== 'mirred' || bytes.length < 28 || viewOf(bytes).getInt32(20, true) !== TCA_INGRESS_REDIR)
    return undefined;
  return { do: 'arrive', ifindex: viewOf(bytes).getUint32(24, true) };
}
