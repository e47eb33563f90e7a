import type { Json, Ledger } from './ledger.ts';

/** A ledger that keeps nothing on a disk: for unit tests of others, and for commands that need none. */
export function memoryLedger(initial: Readonly<Record<string, Json>> = {}): Ledger {
  const values = new Map<string, Json>(Object.entries(initial));
  const counters = new Map<string, number>();
  return {
    get: key => values.get(key),
    entries: prefix => [...values].filter(([key]) => key.startsWith(prefix)),
    async write(changes) {
      for (const [key, value] of Object.entries(changes)) {
        if (value === undefined) values.delete(key);
        else values.set(key, value);
      }
    },
    async prove() {},
    next(counter) {
      const number = (counters.get(counter) ?? 0) + 1;
      counters.set(counter, number);
      return number;
    },
    async close() {},
  };
}
