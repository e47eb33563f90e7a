import type { Caller } from '../wire.ts';

/** As long as Neutron believes what Keystone said of a token, milliseconds (token_cache_time). */
const CACHE_MS = 300_000;

/** Neutron asks Keystone once about a token: one that was revoked afterwards keeps working for a while. */
export class TokenCache {
  readonly #now: () => number;
  readonly #ask: (token: string | undefined) => Caller | undefined;
  readonly #known = new Map<string, { readonly caller: Caller; readonly until: number }>();

  constructor(now: () => number, ask: (token: string | undefined) => Caller | undefined) {
    this.#now = now;
    this.#ask = ask;
  }

  authenticate(token: string | undefined): Caller | undefined {
    const now = this.#now();
    const known = token === undefined ? undefined : this.#known.get(token);
    if (known !== undefined && known.until > now) return known.caller.expiresAt > now ? known.caller : undefined;
    for (const [old, { until }] of this.#known) if (until <= now) this.#known.delete(old);
    const caller = this.#ask(token);
    if (caller !== undefined && token !== undefined) this.#known.set(token, { caller, until: now + CACHE_MS });
    return caller;
  }
}
