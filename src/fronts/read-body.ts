import * as v from 'valibot';
import type { KuryrError } from '../errors/kuryr-error.ts';

/** What the schema reads in a request's body; a missing one is read as an empty object. @throws what `refusal` makes of the reason */
export function readBody<S extends v.GenericSchema>(
  schema: S,
  body: unknown,
  refusal: (reason: string) => KuryrError,
): v.InferOutput<S> {
  const parsed = v.safeParse(schema, body ?? {});
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  throw refusal(`${v.getDotPath(issue) ?? 'the body'}: ${issue.message.slice(0, 200)}`);
}
