import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../../src/time/clock.ts';

/** How much faster than the system's its time goes: a minute's deadline is over after 0.6 s, a second's wait after 10 ms. */
const SPEED = 100;

/** A clock on which deadlines, waits and look-outs of the daemon come quickly. */
export const hastyClock: Clock = {
  now: () => Math.round(performance.timeOrigin + performance.now() * SPEED),
  monotonic: () => performance.now() * SPEED,
  async sleep(ms, signal) {
    try {
      await delay(ms / SPEED, undefined, { signal });
    } catch (error) {
      throw signal.aborted ? signal.reason : error;
    }
  },
};
