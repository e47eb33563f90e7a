import type { Cause, Health } from './health.ts';
import { type HealthCode, type HealthValue, healthCodes } from './health-codes.ts';

/** A health value that is set, as it is shown. */
export interface Problem {
  readonly code: HealthCode;
  readonly severity: HealthValue['severity'];
  readonly text: string;
  readonly todo: string;
  /** Since when, ISO 8601. */
  readonly since: string;
}

/** What `GET /health` answers. */
export interface HealthReport {
  /** The worst of the values shown. */
  readonly status: 'ok' | HealthValue['severity'];
  readonly problems: readonly Problem[];
}

/** A value as a source finds it at the time of asking. */
export interface FoundProblem extends Cause {
  readonly code: HealthCode;
}

interface Standing {
  readonly cause: Cause;
  /** Wall time, milliseconds. */
  readonly since: number;
}

const inOrder = Object.keys(healthCodes) as HealthCode[];

/** Keeps the health values: those that were set, and those that sources find when somebody asks. */
export class HealthBoard implements Health {
  readonly #now: () => number;
  readonly #set = new Map<string, Standing>();
  readonly #sources: (() => readonly FoundProblem[])[] = [];
  /** What sources found the last time, to know since when. */
  #found = new Map<string, Standing>();

  /** @param now wall time, milliseconds */
  constructor(now: () => number) {
    this.#now = now;
  }

  set(code: HealthCode, cause: Cause): void {
    const key = keyOf(code, cause.subject);
    this.#set.set(key, { cause, since: this.#set.get(key)?.since ?? this.#now() });
  }

  clear(code: HealthCode, subject?: string): void {
    this.#set.delete(keyOf(code, subject));
  }

  /** Clears the value, of whatever subject. */
  drop(code: HealthCode): void {
    for (const key of this.#set.keys()) if (codeOf(key) === code) this.#set.delete(key);
  }

  /** Asks the source whenever the values are asked for. */
  watch(source: () => readonly FoundProblem[]): void {
    this.#sources.push(source);
  }

  /** Of whom the value was set, and since when (wall time, milliseconds); sources are not asked. */
  standing(code: HealthCode): readonly { readonly subject: string; readonly since: number }[] {
    return [...this.#set].flatMap(([key, { cause, since }]) =>
      codeOf(key) === code ? [{ subject: cause.subject ?? '', since }] : [],
    );
  }

  /** Whether the value was set, of any subject; sources are not asked. */
  isSet(code: HealthCode): boolean {
    return this.standing(code).length > 0;
  }

  /** What is wrong, causes first; what is the consequence of something that is shown is left out. */
  report(): HealthReport {
    const standing = [...this.#set, ...this.#look()];
    const isSet = new Set(standing.map(([key]) => codeOf(key)));
    const problems = inOrder
      .filter(code => !healthCodes[code].dependsOn.some(cause => isSet.has(cause)))
      .flatMap(code => standing.filter(([key]) => codeOf(key) === code).map(([, value]) => problemOf(code, value)));
    const severities = problems.map(({ severity }) => severity);
    const status = severities.includes('error') ? 'error' : (severities[0] ?? 'ok');
    return { status, problems };
  }

  #look(): Map<string, Standing> {
    const found = new Map<string, Standing>();
    for (const source of this.#sources)
      for (const { code, ...cause } of source()) {
        const key = keyOf(code, cause.subject);
        found.set(key, { cause, since: this.#found.get(key)?.since ?? this.#now() });
      }
    this.#found = found;
    return found;
  }
}

function problemOf(code: HealthCode, { cause, since }: Standing): Problem {
  const { severity, text, todo } = healthCodes[code];
  const told = text.replace(/\{(subject|reason)\}/g, (_, name: 'subject' | 'reason') => cause[name] ?? '?');
  return { code, severity, text: told, todo, since: new Date(since).toISOString() };
}

const keyOf = (code: HealthCode, subject = '') => `${code} ${subject}`;
const codeOf = (key: string) => key.split(' ', 1)[0];
