import * as v from 'valibot';
import { KuryrError } from '../errors/kuryr-error.ts';
import { requestId } from './caller.ts';
import type { HttpAnswer, HttpRequest } from './http.ts';

/**
 * The body of a good answer as the schema wants it.
 * @throws CLOUD_BAD_ANSWER where the status is no success, the body no JSON or of another shape; what was received is
 *   not repeated, since it may hold a token
 */
export function readAnswer<T>(
  schema: v.GenericSchema<unknown, T>,
  answer: HttpAnswer,
  request: Pick<HttpRequest, 'method' | 'url'>,
): T {
  const bad = (reason: string) => {
    const id = requestId(answer) ?? 'unknown';
    return new KuryrError('CLOUD_BAD_ANSWER', { method: request.method, url: request.url, reason, requestId: id });
  };
  if (answer.status < 200 || answer.status > 299) throw bad(`status ${answer.status}`);
  const parsed = v.safeParse(schema, parseJson(answer.body) ?? fail(bad('the body is not JSON')), { abortEarly: true });
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  throw bad(`${v.getDotPath(issue) ?? 'the body'} is not ${issue.expected ?? 'as expected'}`);
}

/** The message of a refusal, under whichever key the service puts it. */
export function readRefusal(answer: HttpAnswer): { type: string; message: string } {
  const told = v.object({ type: v.optional(v.string(), ''), message: v.string() });
  const schema = v.union([v.object({ NeutronError: told }), v.object({ error: told })]);
  const parsed = v.safeParse(schema, parseJson(answer.body));
  if (!parsed.success) return { type: '', message: `status ${answer.status}, without a message` };
  return 'NeutronError' in parsed.output ? parsed.output.NeutronError : parsed.output.error;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function fail(error: Error): never {
  throw error;
}
