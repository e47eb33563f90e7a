import { chmod, mkdir, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { KuryrError } from '../errors/kuryr-error.ts';

export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

export interface UnixServerOptions {
  readonly path: string;
  /** `POST /Verb` and its parsed body (undefined when empty) → what to answer; never rejects. */
  readonly answer: (request: { method: string; path: string; body: unknown }) => Promise<Answer>;
  /** How a body that cannot be read is answered. */
  readonly refuse: (error: KuryrError) => Answer;
  readonly contentType: string;
}

/** The largest body that is read; the largest that an engine sends has been seen at 2 KiB. */
const BODY_LIMIT = 1 << 20;

/** An HTTP server on a unix socket that only root may open. */
export class UnixServer {
  readonly #server: Server;
  readonly #options: UnixServerOptions;

  constructor(options: UnixServerOptions) {
    this.#options = options;
    // A runtime keeps its connections open for minutes; an answer may take as long as the cloud does.
    this.#server = createServer({ keepAliveTimeout: 0, requestTimeout: 30_000 }, (request, response) => {
      void this.#serve(request, response);
    });
  }

  /** @throws SOCKET_TAKEN when another process answers on the path */
  async listen(): Promise<void> {
    const { path } = this.#options;
    await mkdir(dirname(path), { recursive: true, mode: 0o755 });
    if (await answers(path)) throw new KuryrError('SOCKET_TAKEN', { path });
    await rm(path, { force: true });
    // The daemon's umask (077) makes the file root's alone from its first moment; the mode is set besides, for other callers.
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(path, resolve);
    });
    await chmod(path, 0o600);
  }

  /** Takes no more requests, and resolves when those under way are answered. */
  async close(): Promise<void> {
    const closed = new Promise<void>(resolve => this.#server.close(() => resolve()));
    this.#server.closeIdleConnections();
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let answer: Answer;
    try {
      const body = parse(await read(request));
      answer = await this.#options.answer({ method: request.method ?? '', path: request.url ?? '', body });
    } catch (error) {
      answer = this.#options.refuse(
        error instanceof KuryrError ? error : new KuryrError('INTERNAL', { reason: String(error) }),
      );
    }
    const text = `${JSON.stringify(answer.body)}\n`;
    response.writeHead(answer.status, {
      'content-type': this.#options.contentType,
      'content-length': Buffer.byteLength(text),
    });
    response.end(text);
  }
}

async function read(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    if (!(chunk instanceof Buffer)) continue;
    size += chunk.length;
    if (size > BODY_LIMIT) {
      request.resume();
      throw new KuryrError('BODY_TOO_LARGE', { limit: BODY_LIMIT });
    }
    chunks.push(chunk);
  }
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
