import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { KuryrError } from '../../errors/kuryr-error.ts';
import { type Answer, encode } from '../http-server.ts';

export interface LoopbackOptions {
  /** `127.0.0.1:9654` or `[::1]:9654`. */
  readonly listen: string;
  /** What may be read there, by path. */
  readonly pages: Readonly<Record<string, () => Answer>>;
  /** How what is not served is answered. */
  readonly refuse: (error: KuryrError) => Answer;
}

/** A scraper needs one. */
const MOST_CONNECTIONS = 16;
const ARRIVAL_MS = 5000;
const LARGEST_HEAD = 4096;

/**
 * A few pages to read, for whoever is on this machine: any user, and any web page in a browser here, whose requests carry a
 * Host of their own. So nothing can be asked for but these pages, by GET, under a name of the loopback.
 */
export class LoopbackServer {
  readonly #server: Server;
  readonly #options: LoopbackOptions;

  constructor(options: LoopbackOptions) {
    this.#options = options;
    const limits = { requestTimeout: ARRIVAL_MS, headersTimeout: ARRIVAL_MS, connectionsCheckingInterval: ARRIVAL_MS };
    this.#server = createServer(
      { ...limits, keepAliveTimeout: ARRIVAL_MS, maxHeaderSize: LARGEST_HEAD },
      (request, response) => this.#serve(request, response),
    );
    this.#server.maxConnections = MOST_CONNECTIONS;
    // Who neither asks nor reads has a place that somebody else may need.
    this.#server.setTimeout(ARRIVAL_MS);
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
    const { status, text, contentType } = encode(this.#answer(request), 'application/json');
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

  #answer({ method = '', url = '', headers }: IncomingMessage): Answer {
    const { pages, refuse } = this.#options;
    const path = url.split('?', 1)[0] ?? '';
    const shown = path.slice(0, 100);
    if (!isLoopback(headers.host))
      return refuse(new KuryrError('HTTP_HOST_REFUSED', { host: headers.host?.slice(0, 100) }));
    if (method !== 'GET' && method !== 'HEAD')
      return refuse(new KuryrError('HTTP_METHOD_REFUSED', { method, path: shown }));
    const page = Object.hasOwn(pages, path) ? pages[path] : undefined;
    return page === undefined ? refuse(new KuryrError('METRICS_PAGE_UNKNOWN', { path: shown })) : page();
  }
}

/** Whether a Host header names the loopback; a page of elsewhere whose name was made to mean 127.0.0.1 has its own there. */
function isLoopback(host: string | undefined): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?$/i.test(host ?? '');
}
