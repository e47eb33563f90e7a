import { chmod, mkdir, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import { connect, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { asKuryrError, KuryrError } from '../errors/kuryr-error.ts';

export interface Answer {
  readonly status: number;
  /** Sent as JSON, or as it is where it has a type of its own. */
  readonly body: unknown;
  readonly contentType?: string;
}

export interface UnixServerOptions {
  readonly path: string;
  /** `POST /Verb` and its parsed body (undefined when empty) → what to answer; never rejects. */
  readonly answer: (request: { method: string; path: string; body: unknown }) => Promise<Answer>;
  /** How a body that cannot be read is answered. */
  readonly refuse: (error: KuryrError) => Answer;
  readonly contentType: string;
  /** How long a request may take to arrive, milliseconds; half a minute when left out. It is looked at as often. */
  readonly arrivalMs?: number;
}

/** The largest body that is read; the largest that an engine sends has been seen at 2 KiB. */
const BODY_LIMIT = 1 << 20;

/** What lies between a caller's connect and its request, on a busy machine, is much less; milliseconds. */
const MOMENT_MS = 1000;

/** An HTTP server on a unix socket that only root may open. Whatever is sent, the answer has a code. */
export class UnixServer {
  readonly #server: Server;
  readonly #options: UnixServerOptions;
  /** Connections whose last request was answered. */
  readonly #idle = new Set<Socket>();
  /** Those from which a request has yet to arrive, or the rest of it. */
  readonly #asking = new Set<Socket>();
  #closing = false;

  constructor(options: UnixServerOptions) {
    this.#options = options;
    const { arrivalMs = 30_000 } = options;
    const limits = { requestTimeout: arrivalMs, headersTimeout: arrivalMs, connectionsCheckingInterval: arrivalMs };
    // A runtime keeps its connections open for minutes; an answer may take as long as the cloud does.
    this.#server = createServer({ ...limits, keepAliveTimeout: 0, requireHostHeader: false }, (request, response) => {
      void this.#serve(request, response);
    });
    this.#server.on('connection', socket => {
      this.#asking.add(socket);
      socket.once('close', () => {
        this.#idle.delete(socket);
        this.#asking.delete(socket);
      });
    });
    // Else Node itself would answer, without a code, who expects more than to be told to go on.
    this.#server.on('checkExpectation', (request, response) => void this.#serve(request, response));
    this.#server.on('clientError', (error, socket) => this.#hangUp(socket as Socket, unreadable(error)));
    this.#server.on('connect', ({ method = '', url = '' }, socket) =>
      this.#hangUp(socket as Socket, new KuryrError('HTTP_METHOD_REFUSED', { method, path: url.slice(0, 100) })),
    );
  }

  get path(): string {
    return this.#options.path;
  }

  /**
   * @param handed the descriptor of a socket that listens at the path already; it is not ours to make or remove
   * @throws SOCKET_TAKEN when another process answers on the path
   */
  async listen(handed?: number): Promise<void> {
    const { path } = this.#options;
    if (handed !== undefined) return this.#listen({ fd: handed });
    await mkdir(dirname(path), { recursive: true, mode: 0o755 });
    if (await answers(path)) throw new KuryrError('SOCKET_TAKEN', { path });
    await rm(path, { force: true });
    // The daemon's umask (077) makes the file root's alone from its first moment; the mode is set besides, for other callers.
    await this.#listen({ path });
    await chmod(path, 0o600);
  }

  #listen(where: { path: string } | { fd: number }): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(where, resolve);
    });
  }

  /**
   * Takes no more connections, and resolves when all requests are answered: those under way, and what those ask who had connected.
   * Who still says nothing a moment later, or not all, is not waited for.
   */
  async close(): Promise<void> {
    this.#closing = true;
    // Node's own would cut off who has connected and not asked yet, too.
    this.#server.closeIdleConnections = () => {};
    const closed = new Promise<void>(resolve => this.#server.close(() => resolve()));
    for (const socket of this.#idle) socket.destroy();
    const late = setTimeout(
      () => {
        for (const socket of this.#asking) socket.destroy();
      },
      Math.min(this.#options.arrivalMs ?? MOMENT_MS, MOMENT_MS),
    );
    await closed;
    clearTimeout(late);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { socket } = request;
    if (this.#idle.delete(socket)) this.#asking.add(socket);
    const { status, text, contentType } = await this.#answer(request);
    if (this.#closing) response.setHeader('connection', 'close');
    response.writeHead(status, {
      'content-type': contentType,
      'content-length': Buffer.byteLength(text),
    });
    response.end(text, () => {
      if (!socket.destroyed) this.#idle.add(socket);
    });
  }

  async #answer(request: IncomingMessage): Promise<Encoded> {
    const { contentType } = this.#options;
    try {
      const body = parse(await read(request).finally(() => this.#asking.delete(request.socket)));
      const asked = { method: request.method ?? '', path: request.url ?? '', body };
      return encode(await this.#options.answer(asked), contentType);
    } catch (error) {
      return encode(this.#options.refuse(asKuryrError(error)), contentType);
    }
  }

  /** The answer to what is no request that could be served, and the end of its connection. */
  #hangUp(socket: Socket, error: KuryrError): void {
    if (!socket.writable) return;
    const { status, text, contentType } = encode(this.#options.refuse(error), this.#options.contentType);
    const head = [
      `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Refused'}`,
      `content-type: ${contentType}`,
      `content-length: ${Buffer.byteLength(text)}`,
      'connection: close',
    ];
    socket.write(`${head.join('\r\n')}\r\n\r\n${text}`);
    socket.destroySoon();
  }
}

export interface Encoded {
  readonly status: number;
  readonly text: string;
  readonly contentType: string;
}

/** An answer as it is sent. */
export function encode({ status, body, contentType }: Answer, otherwise: string): Encoded {
  if (contentType !== undefined) return { status, text: String(body), contentType };
  return { status, text: `${JSON.stringify(body)}\n`, contentType: otherwise };
}

/** Why Node's parser gave up a request. */
function unreadable(error: NodeJS.ErrnoException): KuryrError {
  const code = error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 'HTTP_TOO_SLOW' : 'HTTP_MALFORMED';
  return new KuryrError(code, { reason: error.code ?? 'unknown' }, { cause: error });
}

/** Reads to the end also what is too large, without keeping it: an answer before that could be lost with the connection. */
async function read(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    if (!(chunk instanceof Buffer)) continue;
    size += chunk.length;
    if (size <= BODY_LIMIT) chunks.push(chunk);
  }
  if (size > BODY_LIMIT) throw new KuryrError('BODY_TOO_LARGE', { limit: BODY_LIMIT });
  return Buffer.concat(chunks).toString('utf8').trim();
}

function parse(text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    throw new KuryrError('BODY_NOT_JSON');
  }
}

/** Whether a server answers on the socket: a file left by a killed one does not count. */
function answers(path: string): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
