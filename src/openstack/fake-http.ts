import { type HttpAnswer, type HttpClient, type HttpRequest, TransportError } from './http.ts';

/** What a scripted server says; an Error is thrown in its place. */
export type FakeReply = Partial<Omit<HttpAnswer, 'body'>> & { readonly body?: unknown };

/** HTTP that a function answers, for tests of what is above it. */
export class FakeHttp implements HttpClient {
  readonly requests: HttpRequest[] = [];
  #serve: (request: HttpRequest) => FakeReply | Error | Promise<FakeReply | Error>;

  constructor(serve: (request: HttpRequest) => FakeReply | Error | Promise<FakeReply | Error>) {
    this.#serve = serve;
  }

  async request(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
    this.requests.push(request);
    const given = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(new TransportError(false, 'ABORTED', 'given up')), { once: true });
    });
    const reply = await Promise.race([this.#serve(request), given]);
    if (reply instanceof Error) throw reply;
    const { status = 200, headers = {}, body = {} } = reply;
    return { status, headers, body: typeof body === 'string' ? body : JSON.stringify(body) };
  }

  async close(): Promise<void> {}
}
