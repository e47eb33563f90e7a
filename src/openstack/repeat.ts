import type { Clock } from '../time/clock.ts';
import type { Random } from '../time/random.ts';
import type { Deadline } from './deadline.ts';

/** Sent once and repeated four times: with the waits below about three seconds at a server that refuses at once. */
const ATTEMPTS = 5;
const FIRST_WAIT_MS = 200;
const LONGEST_WAIT_MS = 5_000;
/** A server that asks for more is not waited for. */
const LONGEST_RETRY_AFTER_MS = 10_000;

export interface Repeating {
  readonly clock: Clock;
  readonly random: Random;
}

/**
 * Runs the attempt until it succeeds, `again` says no, attempts are used up, or the wait would pass the deadline; then
 * its last error is thrown. Waits grow exponentially with full jitter, and are at least what the server asks for.
 * @param again undefined where the error is final, else the server's Retry-After in milliseconds, 0 for none
 */
export async function repeat<T>(
  { clock, random }: Repeating,
  deadline: Deadline,
  attempt: (attempt: number) => Promise<T>,
  again: (error: unknown) => number | undefined,
): Promise<T> {
  for (let n = 1; ; n++) {
    try {
      return await attempt(n);
    } catch (error) {
      const asked = again(error);
      if (asked === undefined || n >= ATTEMPTS || asked > LONGEST_RETRY_AFTER_MS) throw error;
      const jitter = random.float() * Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (n - 1));
      const wait = Math.max(asked, jitter);
      if (wait >= deadline.remaining()) throw error;
      await clock.sleep(wait, deadline.signal);
    }
  }
}

/** Milliseconds of a Retry-After header (RFC 9110, 10.2.3): seconds or a date; 0 where there is none. */
export function retryAfter(header: string | undefined, now: number): number {
  if (header === undefined) return 0;
  if (/^\d+$/.test(header)) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? 0 : Math.max(0, date - now);
}
