import type { Logger } from '../observe/logger.ts';
import type { Clock } from '../time/clock.ts';
import { type HttpAnswer, type HttpClient, type HttpRequest, TransportError } from './http.ts';
import { Limiter } from './limiter.ts';

export type CloudService = 'identity' | 'network';

/** One HTTP request that was sent, for counting. */
export interface CloudCall {
  readonly service: CloudService;
  readonly method: HttpRequest['method'];
  /** The path with `{id}` for ids, so that few different ones come: `/ports/{id}`. */
  readonly route: string;
  /** Undefined where no answer came. */
  readonly status: number | undefined;
  /** From sending to the whole answer. */
  readonly ms: number;
  /** `X-Openstack-Request-Id`. */
  readonly requestId: string | undefined;
  /** Why no answer came: the code of a TransportError. */
  readonly lost: string | undefined;
  /** The server's `Date` as it wrote it. */
  readonly date: string | undefined;
}

export type CallObserver = (call: CloudCall) => void;

/** Requests to one service at a time; more would only queue before its workers. */
export const CALLS_AT_ONCE = 8;

/** Sends one request at a time of a few, logs and counts it. Headers and bodies are never logged: they hold secrets. */
export class Caller {
  readonly #service: CloudService;
  readonly #http: HttpClient;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #observer: CallObserver | undefined;
  readonly #limiter = new Limiter(CALLS_AT_ONCE);

  constructor(service: CloudService, http: HttpClient, clock: Clock, logger: Logger, observer?: CallObserver) {
    this.#service = service;
    this.#http = http;
    this.#clock = clock;
    this.#logger = logger;
    this.#observer = observer;
  }

  /** @throws TransportError */
  async send(request: HttpRequest, route: string, signal: AbortSignal): Promise<HttpAnswer> {
    try {
      return await this.#limiter.run(() => this.#send(request, route, signal), signal);
    } catch (error) {
      if (error instanceof TransportError) throw error;
      throw new TransportError(true, 'ABORTED', 'given up before it was sent', { cause: error });
    }
  }

  async #send(request: HttpRequest, route: string, signal: AbortSignal): Promise<HttpAnswer> {
    const { method } = request;
    const start = this.#clock.monotonic();
    const { pathname, search } = new URL(request.url);
    const told = { service: this.#service, method, path: `${pathname}${search.replace(/&fields=\w+/g, '')}` };
    const done = (end: Pick<CloudCall, 'status' | 'requestId' | 'lost' | 'date'>) => {
      const ms = this.#clock.monotonic() - start;
      this.#observer?.({ service: this.#service, method, route, ms, ...end });
      return Math.round(ms);
    };
    try {
      const answer = await this.#http.request(request, signal);
      const { status } = answer;
      const id = requestId(answer);
      const ms = done({ status, requestId: id, lost: undefined, date: answer.headers['date'] });
      this.#logger.debug({ ...told, status, ms, requestId: id }, 'cloud answered');
      return answer;
    } catch (error) {
      const lost = error instanceof TransportError ? error : new TransportError(false, 'UNKNOWN', String(error));
      const ms = done({ status: undefined, requestId: undefined, lost: lost.code, date: undefined });
      this.#logger.debug({ ...told, ms, code: lost.code }, 'cloud did not answer');
      throw lost;
    }
  }
}

/** The id under which the service's log has the request. */
export function requestId(answer: HttpAnswer): string | undefined {
  const id = answer.headers['x-openstack-request-id'];
  return id !== undefined && /^[\w-]{1,100}$/.test(id) ? id : undefined;
}
