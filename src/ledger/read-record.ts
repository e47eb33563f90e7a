import * as v from 'valibot';
import { KuryrError } from '../errors/kuryr-error.ts';
import { whatIsWrong } from '../errors/schema-issue.ts';
import type { Json } from './ledger.ts';

/** A ledger's value never changes, and is looked at again and again: with a thousand containers, by each of them. */
const read = new WeakMap<object, { readonly schema: object; readonly record: unknown }>();

/** The ledger's value of that key as the schema wants it, frozen. @throws LEDGER_RECORD_UNREADABLE */
export function readRecord<T>(schema: v.GenericSchema<unknown, T>, key: string, value: Json): T {
  const known = typeof value === 'object' && value !== null ? read.get(value) : undefined;
  if (known?.schema === schema) return known.record as T;
  const parsed = v.safeParse(schema, value);
  if (parsed.success) {
    if (typeof value === 'object' && value !== null) read.set(value, { schema, record: frozen(parsed.output) });
    return parsed.output;
  }
  const [issue] = parsed.issues;
  throw new KuryrError('LEDGER_RECORD_UNREADABLE', { key: key.slice(0, 200), reason: whatIsWrong(issue, 'it') });
}

/** What one caller would change all others would see. */
function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  for (const inner of Object.values(value)) frozen(inner);
  return Object.freeze(value);
}

/**
 * The schema of a record. Fields that it does not name are kept, so that a downgrade loses nothing of what a newer Kuryr wrote;
 * what an older one must not overlook takes a new format of the journal, which it refuses.
 */
export function recordOf<const Entries extends v.ObjectEntries>(entries: Entries): v.ObjectSchema<Entries, undefined> {
  return v.looseObject(entries) as unknown as v.ObjectSchema<Entries, undefined>;
}
