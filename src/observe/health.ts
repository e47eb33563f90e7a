import type { HealthCode } from './health-codes.ts';

/** Whom a health value is about, and why it is set; both may be left out where its text has no place for them. */
export interface Cause {
  /** A VM port, an interface, a kind of request. */
  readonly subject?: string | undefined;
  readonly reason?: string | undefined;
}

/** What the parts of the daemon tell when something that must hold does not, and when it does again. */
export interface Health {
  set(code: HealthCode, cause: Cause): void;
  /** Of that subject; telling it again costs nothing. */
  clear(code: HealthCode, subject?: string): void;
}
