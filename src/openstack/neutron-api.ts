import { isKuryrError, KuryrError } from '../errors/kuryr-error.ts';
import { allows, seenPaths, whyUnauthorized } from './access-rules.ts';
import { readRefusal } from './answer.ts';
import { type Caller, requestId } from './caller.ts';
import { type Deadline, withDeadline } from './deadline.ts';
import { type HttpAnswer, type HttpRequest, TransportError } from './http.ts';
import type { Authorization, Keystone } from './keystone.ts';
import { refusalError } from './refusal.ts';
import { type Repeating, retryAfter } from './repeat.ts';
import { unreachable } from './unreachable.ts';

/** A request below Neutron's endpoint. */
export interface ApiRequest {
  readonly method: HttpRequest['method'];
  /** `/ports/6f…`, with the query. */
  readonly path: string;
  /** The fields that are wanted of each entry of a list; apart from the path, to keep messages short. */
  readonly fields?: readonly string[];
  /** The same with `{id}` for ids. */
  readonly route: string;
  readonly body?: unknown;
  /** Sent as If-Match. */
  readonly revision?: number | undefined;
}

/** Sends single requests to Neutron with a token; what may be repeated is the client's to say. */
export class NeutronApi {
  readonly #keystone: Keystone;
  readonly #caller: Caller;
  readonly #repeating: Repeating;
  readonly #deadlineMs: number;
  /** Where the last request went, for messages. */
  #endpoint = 'Neutron';
  /** Whether a call has passed with a token that has access rules. */
  #judgesRules = false;

  constructor(keystone: Keystone, caller: Caller, repeating: Repeating, deadlineMs: number) {
    this.#keystone = keystone;
    this.#caller = caller;
    this.#repeating = repeating;
    this.#deadlineMs = deadlineMs;
  }

  /**
   * Runs one logical call, made of as many requests as it takes, with the deadline. What ends it without an answer
   * becomes CLOUD_UNREACHABLE, CLOUD_TIMEOUT or, where a write may have taken effect, NEUTRON_OUTCOME_UNKNOWN.
   */
  async within<T>(
    request: Pick<ApiRequest, 'method' | 'path'>,
    signal: AbortSignal,
    run: (deadline: Deadline) => Promise<T>,
  ): Promise<T> {
    return withDeadline(this.#repeating.clock, this.#deadlineMs, signal, async deadline => {
      try {
        return await run(deadline);
      } catch (error) {
        if (signal.aborted) throw signal.reason;
        throw this.#explain(error, request, deadline);
      }
    });
  }

  /**
   * Sends it once; on 401 with a fresh token once more, and again where that one ended on the way: it says nothing then
   * of Neutron, since a busy cloud may take longer than a short token lives.
   * @throws TransportError, what Keystone throws, and every refusal as a KuryrError
   */
  async send(request: ApiRequest, deadline: Deadline): Promise<{ answer: HttpAnswer; request: HttpRequest }> {
    const sent = await this.#sendWithToken(request, deadline);
    const { answer, authorization } = sent;
    if (answer.status < 500 && answer.status !== 401 && authorization.rules !== undefined) this.#judgesRules = true;
    if (answer.status < 400) return sent;
    const { method, path } = request;
    const told = readRefusal(answer, [authorization.token.reveal()]);
    const refused = { method, path, status: answer.status, requestId: requestId(answer), ...told };
    const error = refusalError({ ...refused, retryAfterMs: this.#retryAfter(answer) });
    throw isKuryrError(error, 'NEUTRON_UNAUTHORIZED') ? this.#explained(error, request, authorization) : error;
  }

  /** What a 401 comes from, in so far as the access rules in the token tell. */
  #explained(error: KuryrError, { method, path, route }: ApiRequest, { rules, endpoint }: Authorization): KuryrError {
    const paths = seenPaths(endpoint, path.replace(/\?.*/, ''));
    // What is written has a rule for it alone.
    const wanted = method === 'PUT' ? paths : seenPaths(endpoint, route.replace('{id}', '*'));
    const missing = wanted.filter((_, at) => !allows(rules ?? [], method, paths[at] ?? ''));
    const rule = missing.map(each => `${method} ${each}`).join(', ');
    return new KuryrError(whyUnauthorized(rules, method, paths, this.#judgesRules), { ...error.details, rule });
  }

  async #sendWithToken(request: ApiRequest, deadline: Deadline) {
    for (let refused = 0; ; ) {
      const authorization = await this.#authorization(deadline);
      const sent = await this.#send(request, authorization, deadline);
      if (sent.answer.status !== 401) return { ...sent, authorization };
      if (!this.#keystone.hasEnded(authorization)) refused++;
      this.#keystone.reject(authorization);
      if (refused === 2) return { ...sent, authorization };
    }
  }

  async #authorization(deadline: Deadline): Promise<Authorization> {
    try {
      return await this.#keystone.authorization(deadline.signal);
    } catch (error) {
      if (isKuryrError(error) || !deadline.passed()) throw error;
      const details = { method: 'POST', url: this.#keystone.url, seconds: this.#deadlineMs / 1000 };
      throw new KuryrError('CLOUD_TIMEOUT', details, { cause: error });
    }
  }

  async #send({ method, path, fields = [], route, body, revision }: ApiRequest, to: Authorization, deadline: Deadline) {
    this.#endpoint = to.endpoint;
    const request: HttpRequest = {
      method,
      url: `${to.endpoint}${path}${fields.map(field => `&fields=${field}`).join('')}`,
      headers: {
        accept: 'application/json',
        'user-agent': 'kuryr',
        'x-auth-token': to.token.reveal(),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(revision === undefined ? {} : { 'if-match': `revision_number=${revision}` }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    };
    return { answer: await this.#caller.send(request, route, deadline.signal), request };
  }

  #retryAfter(answer: HttpAnswer): number {
    return retryAfter(answer.headers['retry-after'], this.#repeating.clock.now());
  }

  #explain(error: unknown, request: Pick<ApiRequest, 'method' | 'path'>, deadline: Deadline): unknown {
    const { method, path } = request;
    const url = `${this.#endpoint}${path}`;
    const unknown = (reason: string, requestId = 'unknown') =>
      new KuryrError('NEUTRON_OUTCOME_UNKNOWN', { method, path, reason, requestId }, { cause: error });
    const writes = method === 'POST' || method === 'PUT';
    if (writes && isOutcomeUnknown(error)) {
      if (!isKuryrError(error)) return unknown(deadline.passed() ? 'no answer in time' : (error as Error).message);
      return unknown(`status ${error.details['status']}`, String(error.details['requestId']));
    }
    if (isKuryrError(error)) return error;
    const seconds = this.#deadlineMs / 1000;
    if (deadline.passed()) return new KuryrError('CLOUD_TIMEOUT', { method, url, seconds }, { cause: error });
    if (!(error instanceof TransportError)) return error;
    return unreachable(error, method, url);
  }
}

/**
 * Whether a write that ended so may have taken effect: its answer was lost, or the server or a gateway before it failed
 * somewhere on the way. 429 and 503 say that it was not begun.
 */
export function isOutcomeUnknown(error: unknown): boolean {
  if (error instanceof TransportError) return !error.unsent;
  return isKuryrError(error, 'NEUTRON_FAILED') && ![429, 503].includes(Number(error.details['status']));
}

/** An error that `isOutcomeUnknown` knows, for a write one of whose requests was lost and another failed so. */
export function outcomeUnknown(error: unknown): TransportError {
  const reason = error instanceof Error ? error.message : 'unknown';
  return new TransportError(false, 'UNKNOWN', reason, { cause: error });
}

/** Milliseconds to wait at least before the request may be sent again; undefined where another try ends the same. */
export function waitBeforeRepeat(error: unknown): number | undefined {
  if (error instanceof TransportError) return error.passing && error.code !== 'ABORTED' ? 0 : undefined;
  return isKuryrError(error, 'NEUTRON_FAILED') ? Number(error.details['retryAfterMs'] ?? 0) : undefined;
}
