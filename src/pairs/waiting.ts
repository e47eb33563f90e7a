import { KuryrError } from '../errors/kuryr-error.ts';
import type { Clock } from '../time/clock.ts';

/** The promise's outcome, or the signal's reason as soon as it is aborted: only the waiting ends, not the work. */
export function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  if (signal.aborted) abort();
  else signal.addEventListener('abort', abort, { once: true });
  return Promise.race([work, aborted.promise]).finally(() => signal.removeEventListener('abort', abort));
}

/**
 * Runs the call with a signal that is aborted after that many milliseconds.
 * @throws CLOUD_TIMEOUT when it is not done by then
 */
export async function within<T>(
  clock: Clock,
  ms: number,
  call: { readonly method: string; readonly url: string },
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const done = new AbortController();
  const late = new AbortController();
  const timer = clock.sleep(ms, AbortSignal.any([signal, done.signal])).then(
    () => late.abort(new KuryrError('CLOUD_TIMEOUT', { ...call, seconds: ms / 1000 })),
    () => {},
  );
  try {
    const either = AbortSignal.any([signal, late.signal]);
    return await untilAborted(work(either), either);
  } finally {
    done.abort();
    await timer;
  }
}
