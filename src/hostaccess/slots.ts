import type { StandingFilter } from '../linux/filters.ts';
import type { Rule } from './wanted.ts';

/** "kuryr": the mark of our filters. */
export const COOKIE = Buffer.from('kuryr').toString('hex');

/**
 * Preferences of our filters: behind those that others choose or that tc gives out by itself (49152 and downwards), so that
 * what others decide about a frame holds. What passes is decided before what is turned round. Each has one of its own, but
 * those that look a MAC up, which share theirs: the kernel looks through all of them at once.
 */
const ranges = {
  pass: [60_000, 61_998],
  arrive: [62_000, 64_999],
  mac: [65_000, 65_000],
} as const;

/** For a trial, between the others. */
export const TRIAL_PREF = 61_999;

const rangeOf = ({ match, action }: Rule) => (match.by === 'mac' ? ranges.mac : ranges[action.do]);

/** A free preference for a rule. @throws RangeError where there is none */
export function slotFor(rule: Rule, taken: ReadonlySet<number>): number {
  const [first, last] = rangeOf(rule);
  if (rule.match.by === 'mac') return first;
  for (let pref = first; pref <= last; pref++) if (!taken.has(pref)) return pref;
  throw new RangeError('no preference is free for another filter');
}

/** Whether the filter stands where such a rule belongs. */
export function isInPlace({ filter, pref }: StandingFilter, ifindex: number): boolean {
  if (filter === undefined) return false;
  const [first, last] = rangeOf({ ...filter, ifindex });
  return pref >= first && pref <= last;
}
