/** Time as the parts of the daemon see it; injected, so that a test owns it. */
export interface Clock {
  /** Wall time, milliseconds since the epoch. */
  now(): number;
  /** Milliseconds on a clock that never steps, for durations and deadlines. */
  monotonic(): number;
  /** Resolves after that many milliseconds; rejects with the signal's reason when it is aborted first. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}
