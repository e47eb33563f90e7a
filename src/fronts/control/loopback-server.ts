import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { KuryrError } from '../../errors/kuryr-error.ts';
import type { Clock } from '../../time/clock.ts';
import { type Answer, type Encoded, encode } from '../http-server.ts';

export interface LoopbackOptions {
  /** `127.0.0.1:9654` or `[::1]:9654`. */
  readonly listen: string;
  /** What may be read there, by path. */
  readonly pages: Readonly<Record<string, () => Answer>>;
  /** How what is not served is answered. */
  readonly refuse: (error: KuryrError) => Answer;
  readonly clock: Clock;
  /** How long somebody may take to ask, to read, or do neither, milliseconds; a request may come in pieces for twice as long. */
  readonly patienceMs?: number;
}

/** A scraper needs one. */
const MOST_CONNECTIONS = 16;
const PATIENCE_MS = 5000;
/** How long what was read is shown to others too: making it takes as long as the daemon has attachments, and anybody may ask, milliseconds. */
const SHOWN_MS = 1000;
const LARGEST_HEAD = 4096;

/**
 * A few pages to read, for whoever is on this machine: any user, and any web page in a browser here, whose requests carry a
 * Host of their own. So nothing can be asked for but these pages, by GET, under a name of the loopback.
 */
export class LoopbackServer {
  readonly #server: Server;
  readonly #options: LoopbackOptions;
  readonly #shown = new Map<string, { readonly page: Encoded; readonly at: number }>();

  constructor(options: LoopbackOptions) {
    this.#options = options;
    const { patienceMs: ms = PATIENCE_MS } = options;
    const limits = { requestTimeout: ms, headersTimeout: ms, connectionsCheckingInterval: ms };
    this.#server = createServer({ ...limits, keepAliveTimeout: ms, maxHeaderSize: LARGEST_HEAD }, (request, response) =>
      this.#serve(request, response),
    );
    this.#server.maxConnections = MOST_CONNECTIONS;
    // Who neither asks nor reads has a place that somebody else may need.
    this.#server.setTimeout(ms);
    for (const event of ['connect', 'upgrade'] as const)
      this.#server.on(event, (_, socket) => void (socket as Socket).destroy());
    this.#server.on('checkExpectation', (request, response) => this.#serve(request, response));
  }

  /** @throws METRICS_LISTEN_FAILED */
  async listen(): Promise<void> {
    const { listen } = this.#options;
    const [, host = '', port = ''] = /^\[?(.+?)\]?:(\d+)$/.exec(listen) ?? [];
    try {
      await new Promise<void>((resolve, reject) => {
        this.#server.once('error', reject);
        this.#server.listen({ host, port: Number(port), exclusive: true }, resolve);
      });
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new KuryrError('METRICS_LISTEN_FAILED', { listen, reason }, { cause });
    }
  }

  /** Ends every connection: what is read here is answered at once. */
  async close(): Promise<void> {
    const closed = new Promise<void>(resolve => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const { status, text, contentType } = this.#answer(request);
    const headers = { 'content-type': contentType, 'content-length': Buffer.byteLength(text) };
    // A body is not waited for.
    const hasBody = request.headers['content-length'] !== undefined || 'transfer-encoding' in request.headers;
    response.writeHead(status, {
      ...headers,
      ...(hasBody && { connection: 'close' }),
      'x-content-type-options': 'nosniff',
    });
    response.end(request.method === 'HEAD' ? undefined : text);
  }

  #answer({ method = '', url = '', headers }: IncomingMessage): Encoded {
    const path = url.split('?', 1)[0] ?? '';
    const shown = path.slice(0, 100);
    if (!isLoopback(headers.host))
      return this.#refuse(new KuryrError('HTTP_HOST_REFUSED', { host: headers.host?.slice(0, 100) }));
    if (method !== 'GET' && method !== 'HEAD')
      return this.#refuse(new KuryrError('HTTP_METHOD_REFUSED', { method, path: shown }));
    return this.#page(path) ?? this.#refuse(new KuryrError('METRICS_PAGE_UNKNOWN', { path: shown }));
  }

  #page(path: string): Encoded | undefined {
    const { pages, clock } = this.#options;
    const make = Object.hasOwn(pages, path) ? pages[path] : undefined;
    if (make === undefined) return undefined;
    const at = clock.monotonic();
    const shown = this.#shown.get(path);
    if (shown !== undefined && at - shown.at < SHOWN_MS) return shown.page;
    const page = encode(make(), 'application/json');
    this.#shown.set(path, { page, at });
    return page;
  }

  #refuse(error: KuryrError): Encoded {
    return encode(this.#options.refuse(error), 'application/json');
  }
}

/** Whether a Host header names the loopback; a page of elsewhere whose name was made to mean 127.0.0.1 has its own there. */
function isLoopback(host: string | undefined): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?$/i.test(host ?? '');
}
