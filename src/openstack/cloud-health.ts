import type { Health } from '../observe/health.ts';
import type { CloudCall } from './caller.ts';

/** One failed request may be any server's restart; a call that fails for good repeats itself. */
const ENOUGH = 2;
/** A request that was given up sooner says nothing of the server, milliseconds. */
const PATIENCE_MS = 15_000;
/** `Date` is in seconds, and an answer takes its time, milliseconds. */
const CLOCK_MS = 60_000;

/** Tells by the requests that are sent anyway whether Keystone, the credential and Neutron are as they should be. */
export class CloudHealth {
  readonly #health: Health;
  /** Wall time, milliseconds. */
  readonly #now: () => number;
  /** Failures in a row, by service; refusals, by request. */
  readonly #inARow = new Map<string, number>();

  constructor(health: Health, now: () => number) {
    this.#health = health;
    this.#now = now;
  }

  see(call: CloudCall): void {
    const { service, status, lost, ms } = call;
    if (lost === 'ABORTED' && ms < PATIENCE_MS) return;
    const reason =
      status === undefined ? `no answer to ${call.method} ${call.route} (${lost})` : `it answers ${status}`;
    const code = service === 'identity' ? 'KEYSTONE_UNREACHABLE' : 'NEUTRON_UNREACHABLE';
    if (status === undefined || status >= 500) {
      if (this.#count(service) >= ENOUGH) this.#health.set(code, { reason });
      return;
    }
    this.#inARow.delete(service);
    this.#health.clear(code);
    if (service === 'identity') this.#seeToken(status);
    else this.#seeRefusal(call, status);
    this.#seeClock(call.date);
  }

  /** Another credential is in use: what the former one met does not count. */
  anew(): void {
    this.#inARow.clear();
  }

  #seeToken(status: number): void {
    // Of an application credential that was deleted Keystone says 404.
    const why = { 401: 'it answers 401', 404: 'it answers 404, as of one that was deleted, or at a wrong auth_url' };
    if (status === 401 || status === 404) this.#health.set('CREDENTIAL_REFUSED', { reason: why[status] });
    else if (status < 400) this.#health.clear('CREDENTIAL_REFUSED');
  }

  /** A token that has ended gets one 401, and the next one is good. */
  #seeRefusal({ method, route }: CloudCall, status: number): void {
    // Which port it was to, a rule may judge by: the writer of pairs and who follows groups tell of it themselves.
    if (method === 'PUT') return;
    const subject = `${method} ${route}`;
    if (status !== 401) {
      this.#inARow.delete(subject);
      this.#health.clear('NEUTRON_UNAUTHORIZED', subject);
    } else if (this.#count(subject) >= ENOUGH) this.#health.set('NEUTRON_UNAUTHORIZED', { subject });
  }

  #seeClock(date: string | undefined): void {
    const off = Math.abs(Date.parse(date ?? '') - this.#now());
    if (Number.isNaN(off)) return;
    if (off > CLOCK_MS) this.#health.set('CLOCK_OFF', { reason: `${Math.round(off / 1000)} s` });
    else this.#health.clear('CLOCK_OFF');
  }

  #count(key: string): number {
    const count = (this.#inARow.get(key) ?? 0) + 1;
    this.#inARow.set(key, count);
    return count;
  }
}
