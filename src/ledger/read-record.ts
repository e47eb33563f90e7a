import * as v from 'valibot';
import { KuryrError } from '../errors/kuryr-error.ts';
import { whatIsWrong } from '../errors/schema-issue.ts';
import type { Json } from './ledger.ts';

/** The ledger's value of that key as the schema wants it. @throws LEDGER_RECORD_UNREADABLE */
export function readRecord<T>(schema: v.GenericSchema<unknown, T>, key: string, value: Json): T {
  const parsed = v.safeParse(schema, value);
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  throw new KuryrError('LEDGER_RECORD_UNREADABLE', { key: key.slice(0, 200), reason: whatIsWrong(issue, 'it') });
}
