import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isDeeper } from './depth.ts';
import { FaultError, type Faults } from './faults.ts';
import { internalError } from './neutron/refusal.ts';
import type { Reply, Request } from './wire.ts';

/** A service and where it is found. */
export interface Mount {
  /** `/identity` */
  readonly path: string;
  handle(request: Request): Reply | Promise<Reply>;
}

export interface ListenerParts {
  readonly mounts: readonly Mount[];
  readonly faults: Faults;
  readonly newId: () => string;
  readonly pause: (ms: number) => Promise<void>;
  /** Told of what no request should be able to cause. */
  readonly report: (error: unknown) => void;
}

/** The largest body there can be: thousands of ports at once, and less than what would keep it busy for long. */
const MOST_BYTES = 2 * 1024 * 1024;
/** How deep a body's JSON may be nested: deeper than any resource, and shallow enough to be written again. */
const DEEPEST = 50;
/** Faults are read and set here; it is no part of OpenStack. */
const FAULTS_PATH = '/embedded/faults';

/** The services' one HTTP listener. */
export class Listener {
  readonly #parts: ListenerParts;
  readonly #server: Server;

  constructor(parts: ListenerParts) {
    this.#parts = parts;
    this.#server = createServer((request, response) => {
      this.#serve(request, response).catch((error: unknown) => {
        // A client that went away is nobody's fault.
        if (request.destroyed && !request.complete) return;
        this.#parts.report(new Error(`${request.method} ${request.url}`, { cause: error }));
        if (response.headersSent) request.socket.destroy();
        else send(response, failed());
      });
    });
    this.#server.keepAliveTimeout = 60_000;
  }

  /** Gives the port. */
  listen(host: string, port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, () => resolve((this.#server.address() as AddressInfo).port));
    });
  }

  close(): Promise<void> {
    const closed = new Promise<void>(resolve => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    return closed;
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET', url = '/' } = incoming;
    const body = await read(incoming);
    if (body === undefined)
      return send(response, { status: 413, body: { error: { code: 413, message: 'too large' } } });
    // As it came: URL would take the path's dots away.
    const [path = '/', ...search] = url.split('?');
    if (path === FAULTS_PATH) return send(response, this.#setFaults(method, body));
    const mount = this.#parts.mounts.find(one => path === one.path || path.startsWith(`${one.path}/`));
    if (mount === undefined) return send(response, this.#index(path, incoming));
    const deed = this.#parts.faults.next(method, path);
    if (deed?.do === 'cut') return void incoming.socket.destroy();
    if (deed?.do === 'delay') await this.#parts.pause(deed.ms);
    const below = path.slice(mount.path.length);
    const request = {
      ...readRequest(incoming, body),
      method,
      path: below,
      query: [...new URLSearchParams(search.join('?'))],
    };
    const reply = deed?.do === 'answer' ? deed.reply : await mount.handle(request);
    if (deed?.do === 'lose') return void incoming.socket.destroy();
    // Lists of versions are told by something before the services that gives no number.
    const headers = below === '' || below === '/' ? {} : { 'x-openstack-request-id': `req-${this.#parts.newId()}` };
    send(response, { ...reply, headers: { ...headers, ...reply.headers } });
  }

  #index(path: string, incoming: IncomingMessage): Reply {
    if (path !== '/') return { status: 404, body: { error: { code: 404, message: `nothing is at ${path}` } } };
    const origin = originOf(incoming);
    return {
      status: 200,
      body: { services: this.#parts.mounts.map(({ path: at }) => `${origin}${at}`), faults: `${origin}${FAULTS_PATH}` },
    };
  }

  #setFaults(method: string, body: string): Reply {
    const { faults } = this.#parts;
    if (method === 'DELETE') faults.set([]);
    else if (method === 'PUT') {
      try {
        faults.set(textsIn(body));
      } catch (error) {
        if (!(error instanceof FaultError)) throw error;
        return { status: 400, body: { error: { code: 400, message: error.message } } };
      }
    } else if (method !== 'GET') return { status: 405, body: { error: { code: 405, message: 'GET, PUT or DELETE' } } };
    return { status: 200, body: { faults: faults.texts } };
  }
}

/** @throws FaultError */
function textsIn(body: string): string[] {
  const { value } = parse(body);
  const texts = typeof value === 'object' && value !== null && 'faults' in value ? value.faults : undefined;
  if (!Array.isArray(texts) || !texts.every(text => typeof text === 'string')) {
    throw new FaultError(body.slice(0, 100), 'no {"faults": ["METHOD PATH WHAT", …]}');
  }
  return texts;
}

function parse(body: string): { readonly value: unknown; readonly malformed: boolean } {
  if (body === '') return { value: undefined, malformed: false };
  try {
    const value: unknown = JSON.parse(body);
    return isDeeper(value, DEEPEST) ? { value: undefined, malformed: true } : { value, malformed: false };
  } catch {
    return { value: undefined, malformed: true };
  }
}

/** As Neutron's own answer where its code fails. */
const failed = (): Reply => internalError().reply();

function originOf({ headers, socket }: IncomingMessage): string {
  return `http://${headers.host ?? `${socket.localAddress}:${socket.localPort}`}`;
}

function readRequest(incoming: IncomingMessage, body: string) {
  const { value, malformed } = parse(body);
  const headers = Object.fromEntries(
    Object.entries(incoming.headers).map(([name, text]) => [name, [text].flat().join(', ')]),
  );
  return { headers, body: value, malformed, origin: originOf(incoming) };
}

/** Undefined when it is too large. */
async function read(incoming: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= MOST_BYTES) chunks.push(chunk);
  }
  return bytes > MOST_BYTES ? undefined : Buffer.concat(chunks).toString();
}

function send(response: ServerResponse, { status, headers = {}, body }: Reply): void {
  const text = typeof body === 'string' ? body : body === undefined ? '' : JSON.stringify(body);
  const type = typeof body === 'object' ? { 'content-type': 'application/json' } : {};
  const length = status === 204 || status === 304 ? {} : { 'content-length': String(Buffer.byteLength(text)) };
  response.writeHead(status, { ...type, ...length, ...headers });
  response.end(text);
}
