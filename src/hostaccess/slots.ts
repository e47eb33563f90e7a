import { createHash } from 'node:crypto';
import { parseAddress } from '../linux/address.ts';
import type { StandingFilter } from '../linux/filters.ts';
import { parseMac } from '../linux/link.ts';
import type { Rule } from './wanted.ts';

/** "kuryr": the mark of our filters. */
export const COOKIE = Buffer.from('kuryr').toString('hex');

/**
 * Preferences of our filters: behind those that others choose or that tc gives out by itself (49152 and downwards), so that
 * what others decide about a frame holds. What passes is decided before what is turned round. Each has one of its own, but
 * those that look an address up, which share theirs: the kernel looks through all of them at once. Answers are translated
 * first of all, since the shield lets most packets go on without another look.
 */
const ranges = {
  answers: [59_998, 59_998],
  answers6: [59_999, 59_999],
  pass: [60_000, 61_996],
  arrive: [62_000, 64_999],
  mac: [65_000, 65_000],
  askers: [62_000, 62_000],
  askers6: [62_001, 62_001],
  drop: [62_002, 64_999],
} as const;

/** For the filters of a trial, between the others. */
export const TRIAL_PREFS = [61_997, 61_998, 61_999] as const;

function rangeOf({ match, action, protocol }: Rule): readonly [number, number] {
  if (match.by === 'ends' || action.do === 'translate') return protocol === 'ipv6' ? ranges.answers6 : ranges.answers;
  if (match.by === 'bytes') return ranges[action.do];
  if (match.by === 'mac') return ranges.mac;
  return match.address.includes(':') ? ranges.askers6 : ranges.askers;
}

/** Its number among those of its preference: one that is looked up by its address has one that needs no look to remove it. */
export function handleOf({ match }: Pick<Rule, 'match'>): number {
  if (match.by === 'ends')
    return createHash('sha256').update(`${match.source} ${match.address}`).digest().readUInt32BE();
  if (match.by !== 'asker') return 0;
  const bytes = Buffer.from(parseAddress(match.address));
  // A new MAC's stand beside the old one's for a moment.
  let handle = Buffer.from(parseMac(match.mac)).readUInt32BE(2);
  for (let at = 0; at < bytes.length; at += 4) handle ^= bytes.readUInt32BE(at);
  return handle >>> 0;
}

/** A free preference for a rule. @throws RangeError where there is none */
export function slotFor(rule: Rule, taken: ReadonlySet<number>): number {
  const [first, last] = rangeOf(rule);
  if (rule.match.by !== 'bytes') return first;
  for (let pref = first; pref <= last; pref++) if (!taken.has(pref)) return pref;
  throw new RangeError('no preference is free for another filter');
}

/** Whether the filter stands where such a rule belongs. */
export function isInPlace({ filter, pref }: StandingFilter, ifindex: number): boolean {
  if (filter === undefined) return false;
  const [first, last] = rangeOf({ ...filter, ifindex });
  return pref >= first && pref <= last;
}
