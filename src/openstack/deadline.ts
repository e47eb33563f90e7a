import type { Clock } from '../time/clock.ts';

/** The time that one logical call may take, repeats and waiting included. */
export interface Deadline {
  /** Aborted when the time is over or the caller gives up. */
  readonly signal: AbortSignal;
  /** Milliseconds left. */
  remaining(): number;
  /** Whether the time, not the caller, ended it. */
  passed(): boolean;
}

/** Runs with a deadline of that many milliseconds; what is run must end when the deadline's signal is aborted. */
export async function withDeadline<T>(
  clock: Clock,
  ms: number,
  signal: AbortSignal,
  run: (deadline: Deadline) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const end = clock.monotonic() + ms;
  const over = new AbortController();
  const done = new AbortController();
  clock.sleep(ms, done.signal).then(
    () => over.abort(new Error('deadline passed')),
    () => {},
  );
  try {
    return await run({
      signal: AbortSignal.any([signal, over.signal]),
      remaining: () => end - clock.monotonic(),
      passed: () => over.signal.aborted && !signal.aborted,
    });
  } finally {
    done.abort();
  }
}

/**
 * As {@link withDeadline}, for what the time alone may end: what fails after it fails as `late` says.
 * @param late made of what was thrown then
 */
export function withinTime<T>(
  clock: Clock,
  ms: number,
  signal: AbortSignal,
  run: (signal: AbortSignal) => Promise<T>,
  late: (cause: unknown) => Error,
): Promise<T> {
  return withDeadline(clock, ms, signal, async deadline => {
    try {
      return await run(deadline.signal);
    } catch (error) {
      throw deadline.passed() ? late(error) : error;
    }
  });
}

/** The promise, or the signal's reason when it is aborted first; the work behind the promise goes on. */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) return Promise.reject(signal.reason);
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}
