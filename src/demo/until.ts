import type { Clock } from '../time/clock.ts';
import { systemClock } from '../time/system-clock.ts';

/** Between two questions, milliseconds. */
const pause = 50;

/** Asks again until the answer is yes, for so many milliseconds at most. Gives whether it was. */
export async function until(
  holds: () => boolean | Promise<boolean>,
  patience: number,
  clock: Clock = systemClock,
): Promise<boolean> {
  const end = clock.monotonic() + patience;
  while (!(await holds())) {
    if (clock.monotonic() >= end) return false;
    await clock.sleep(pause, new AbortController().signal);
  }
  return true;
}
