/**
 * What guests ask of the cloud's API: a reverse proxy stands between them and the real servers, which notes each
 * request, and which a test can tell to hold, refuse or cut one.
 */
import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';

/** The API a request was for. */
export type Service = 'keystone' | 'neutron';

/** A request that a guest made. Bodies are not kept: they may hold passwords. */
export interface Call {
  guest: string;
  service: Service;
  method: string;
  path: string;
  /** Without the question mark; empty when there was none. */
  query: string;
  /** When it arrived, in milliseconds since 1970. */
  at: number;
  /** How long until it was answered (or given up), in milliseconds; undefined while it is under way. */
  ms?: number;
  /** undefined: not answered. */
  status?: number;
  /** Neutron's error type or Keystone's title, where it is a refusal. */
  error?: string;
  /** The server's x-openstack-request-id. */
  requestId?: string;
}

/**
 * pass: on to the server. refuse: the connection ends before the server hears of it. cut: the server does what was
 * asked, and the connection ends before the answer. Or an answer that the server knows nothing of.
 */
export type Verdict = 'pass' | 'refuse' | 'cut' | { status: number; body: object; headers?: Record<string, string> };

export class Traffic {
  /** All requests so far, in order of arrival. */
  readonly calls: Call[] = [];
  /** Judges each request; a promise holds it meanwhile. */
  gate: (call: Readonly<Call>) => Verdict | Promise<Verdict> = () => 'pass';
  readonly #servers = new Set<Server>();

  /** Stands at a unix socket for a service on a port of the loopback. */
  async listen(socket: string, guest: string, service: Service, port: number): Promise<void> {
    const server = createServer((request, response) => {
      this.#pass(request, response, guest, service, port).catch(() => request.socket.destroy());
    });
    server.keepAliveTimeout = 60_000;
    this.#servers.add(server);
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(socket, resolve));
    server.unref();
  }

  close(): void {
    for (const server of this.#servers) {
      server.close();
      server.closeAllConnections();
    }
    this.#servers.clear();
  }

  async #pass(
    request: IncomingMessage,
    response: ServerResponse,
    guest: string,
    service: Service,
    port: number,
  ): Promise<void> {
    const [path = '', query = ''] = (request.url ?? '').split('?', 2);
    const call: Call = { guest, service, method: request.method ?? '', path, query, at: Date.now() };
    const start = performance.now();
    this.calls.push(call);
    try {
      const verdict = await this.gate(call);
      if (verdict === 'refuse') {
        request.socket.destroy();
      } else if (typeof verdict === 'object') {
        call.status = verdict.status;
        request.resume();
        response.writeHead(verdict.status, { 'content-type': 'application/json', ...verdict.headers });
        response.end(JSON.stringify(verdict.body));
      } else {
        const answer = await forward(request, port);
        const id = answer.headers['x-openstack-request-id'];
        if (typeof id === 'string') call.requestId = id;
        const body = await buffered(answer);
        if (verdict === 'cut') {
          request.socket.destroy();
          return;
        }
        call.status = answer.statusCode ?? 0;
        const error = call.status < 400 ? undefined : errorType(parsed(body.toString()));
        if (error !== undefined) call.error = error;
        const { 'transfer-encoding': _, ...headers } = answer.headers;
        response.writeHead(call.status, { ...headers, ...(body.length > 0 ? { 'content-length': body.length } : {}) });
        response.end(body);
      }
    } finally {
      call.ms = performance.now() - start;
    }
  }
}

/** Neutron's error type or Keystone's title; undefined where the body is no refusal. */
export function errorType(body: unknown): string | undefined {
  const { NeutronError, error } = (body ?? {}) as { NeutronError?: { type?: string }; error?: { title?: string } };
  return NeutronError?.type ?? error?.title;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function forward(request: IncomingMessage, port: number): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const { method, url, headers } = request;
    const onward = httpRequest({ host: '127.0.0.1', port, method, path: url, headers, agent: false }, resolve);
    onward.once('error', reject);
    request.pipe(onward);
  });
}

async function buffered(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk);
  return Buffer.concat(chunks);
}
