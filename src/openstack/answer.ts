import * as v from 'valibot';
import { KuryrError } from '../errors/kuryr-error.ts';
import { whatIsWrong } from '../errors/schema-issue.ts';
import { requestId } from './caller.ts';
import type { HttpAnswer, HttpRequest } from './http.ts';

/**
 * The body of a good answer as the schema wants it.
 * @throws CLOUD_BAD_ANSWER where the status is no success, the body no JSON or of another shape; what was received is
 *   not repeated, since it may hold a token
 */
export function readAnswer<T>(schema: v.GenericSchema<unknown, T>, answer: HttpAnswer, request: Asked): T {
  const bad = (reason: string) => badAnswer(request, reason, requestId(answer));
  assertSuccess(answer, request);
  const parsed = v.safeParse(schema, parseJson(answer.body) ?? fail(bad('the body is not JSON')), { abortEarly: true });
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  throw bad(whatIsWrong(issue, 'the body'));
}

type Asked = Pick<HttpRequest, 'method' | 'url'>;

/** @throws CLOUD_BAD_ANSWER where the status is none of 200 to 299; refusals have been told by then */
export function assertSuccess(answer: HttpAnswer, request: Asked): void {
  if (answer.status >= 200 && answer.status <= 299) return;
  throw badAnswer(request, `status ${answer.status}`, requestId(answer));
}

export function badAnswer({ method, url }: Asked, reason: string, requestId = 'unknown'): KuryrError {
  return new KuryrError('CLOUD_BAD_ANSWER', { method, url, reason, requestId });
}

/**
 * The message of a refusal, under whichever key the service puts it.
 * @param secrets what was sent and may not be seen in it: a talkative gateway repeats the request
 */
export function readRefusal(answer: HttpAnswer, secrets: readonly string[]): { type: string; message: string } {
  const told = v.object({ type: v.optional(v.string(), ''), message: v.string() });
  const schema = v.union([v.object({ NeutronError: told }), v.object({ error: told })]);
  const parsed = v.safeParse(schema, parseJson(answer.body));
  if (!parsed.success) return { type: '', message: `status ${answer.status}, without a message` };
  const { type, message } = 'NeutronError' in parsed.output ? parsed.output.NeutronError : parsed.output.error;
  return { type: without(secrets, type), message: without(secrets, message) };
}

/** The text with `[secret]` in the place of each secret, as it is or as JSON has it. */
function without(secrets: readonly string[], text: string): string {
  const hidden = secrets
    .filter(secret => secret !== '')
    .flatMap(secret => [JSON.stringify(secret).slice(1, -1), secret]);
  return hidden.reduce((shown, secret) => shown.replaceAll(secret, '[secret]'), text);
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
