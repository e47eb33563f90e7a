import type { Clock } from './clock.ts';

interface Sleeper {
  readonly at: number;
  wake(): void;
}

/** A clock that a test owns: time passes only by `advance`. */
export class FakeClock implements Clock {
  #time: number;
  #sleepers: Sleeper[] = [];

  constructor(start = 1_000_000) {
    this.#time = start;
  }

  now(): number {
    return this.#time;
  }

  monotonic(): number {
    return this.#time;
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.reject(signal.reason);
    return new Promise((resolve, reject) => {
      const stop = () => {
        this.#sleepers = this.#sleepers.filter(other => other !== sleeper);
        reject(signal.reason);
      };
      const sleeper = {
        at: this.#time + ms,
        wake: () => {
          signal.removeEventListener('abort', stop);
          resolve();
        },
      };
      signal.addEventListener('abort', stop, { once: true });
      this.#sleepers.push(sleeper);
    });
  }

  /** How many sleeps wait for time to pass. */
  get sleeping(): number {
    return this.#sleepers.length;
  }

  /** Lets that many milliseconds pass, waking sleepers in order and letting what they start run in between. */
  async advance(ms: number): Promise<void> {
    const end = this.#time + ms;
    await settle();
    for (;;) {
      const next = this.#sleepers.filter(sleeper => sleeper.at <= end).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.#sleepers = this.#sleepers.filter(other => other !== next);
      this.#time = Math.max(this.#time, next.at);
      next.wake();
      await settle();
    }
    this.#time = end;
  }
}

/** Lets every promise that is ready run, a macrotask turn each time. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise(resolve => setImmediate(resolve));
}
