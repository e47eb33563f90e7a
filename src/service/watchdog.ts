import { asKuryrError } from '../errors/kuryr-error.ts';
import type { Logger } from '../observe/logger.ts';
import type { Clock } from '../time/clock.ts';
import type { Notifier } from './notifier.ts';

export interface WatchdogParts {
  readonly notifier: Pick<Notifier, 'alive'>;
  /** Resolves where the daemon serves; rejects, or is late, where it does not. */
  readonly serves: (signal: AbortSignal) => Promise<void>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Tells systemd, twice in the time after which it would restart the service, that the daemon is alive: its event loop, and
 * that a request to it is answered. One that hangs is silent and so restarted.
 */
export async function keepAlive(intervalMs: number, parts: WatchdogParts, life: AbortSignal): Promise<void> {
  const { notifier, serves, clock, logger } = parts;
  while (!life.aborted) {
    const asked = new AbortController();
    const bound = AbortSignal.any([asked.signal, life]);
    const late = clock.sleep(intervalMs / 4, bound).then(() => Promise.reject(new Error('there was no answer')));
    try {
      await Promise.race([serves(bound), late]);
      if (!life.aborted) notifier.alive();
    } catch (thrown) {
      if (!life.aborted)
        logger.error(
          { reason: asKuryrError(thrown).message },
          'the daemon does not serve itself: systemd is not told that it lives',
        );
    }
    asked.abort();
    late.catch(() => undefined);
    await clock.sleep(intervalMs / 2, life).catch(() => undefined);
  }
}
