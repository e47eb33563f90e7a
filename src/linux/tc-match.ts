import type { ByteMatch, FrameMatch } from './filters.ts';
import { formatMac, parseMac } from './link.ts';
import { type Attribute, u32, viewOf } from './message.ts';

// linux/pkt_cls.h
const TCA_U32_SEL = 5;
const TCA_U32_ACT = 7;
const TCA_U32_FLAGS = 11;
const TC_U32_TERMINAL = 1;
const TCA_FLOWER_ACT = 3;
const TCA_FLOWER_KEY_ETH_DST = 4;
const TCA_FLOWER_KEY_ETH_DST_MASK = 5;
const TCA_FLOWER_FLAGS = 22;
/** Kept off the NIC: what a NIC would do to the frames of its own ingress is not what is meant. */
const TCA_CLS_FLAGS_SKIP_HW = 1;

const SELECTOR = 16;
const KEY = 16;

/** The classifiers by what they compare. */
export const classifiers = { bytes: 'u32', mac: 'flower' } as const;

/** A classifier's options: what it matches, and the action's list. */
export function encodeMatch(match: FrameMatch, action: Uint8Array): Attribute[] {
  if (match.by === 'bytes') {
    return [
      [TCA_U32_ACT, action],
      [TCA_U32_SEL, encodeSelector(match.bytes)],
      [TCA_U32_FLAGS, u32(TCA_CLS_FLAGS_SKIP_HW)],
    ];
  }
  return [
    [TCA_FLOWER_KEY_ETH_DST, parseMac(match.mac)],
    [TCA_FLOWER_KEY_ETH_DST_MASK, new Uint8Array(6).fill(0xff)],
    [TCA_FLOWER_ACT, action],
    [TCA_FLOWER_FLAGS, u32(TCA_CLS_FLAGS_SKIP_HW)],
  ];
}

/** What a classifier of that kind says it matches and does. */
export function decodeMatch(
  kind: string,
  options: Map<number, Uint8Array>,
): { match: FrameMatch | undefined; action: Uint8Array | undefined } {
  if (kind === classifiers.bytes) {
    const bytes = decodeSelector(options.get(TCA_U32_SEL));
    return { match: bytes && { by: 'bytes', bytes }, action: options.get(TCA_U32_ACT) };
  }
  if (kind !== classifiers.mac) return { match: undefined, action: undefined };
  const mac = formatMac(options.get(TCA_FLOWER_KEY_ETH_DST));
  return { match: mac === '' ? undefined : { by: 'mac', mac }, action: options.get(TCA_FLOWER_ACT) };
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
