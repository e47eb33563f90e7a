/** What stands between a VM and the cloud's API in the field: a TLS front, a company's proxy, a load balancer that cuts. */
import { createServer as createHttpServer, request as httpRequest } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { pipeline } from 'node:stream';
import { createServer as createTlsServer } from 'node:tls';
import type { Certificates } from './certificates.ts';

/** A server of a test's on the loopback. */
export interface Front {
  readonly port: number;
  /** Ends it and all connections through it. */
  close(): Promise<void>;
}

/** Ends TLS, and passes what it carried on to a port of the loopback. */
export function tlsFront({ cert, key }: Certificates, onward: number): Promise<Front> {
  return listen((sockets, pass) =>
    createTlsServer({ cert, key }, socket => {
      sockets.add(socket);
      pass(socket, connect(onward, '127.0.0.1'));
    }),
  );
}

/** Carries a port of the loopback into a unix socket. */
export function unixFront(path: string): Promise<Front> {
  return listen((_, pass) => createTcpServer(socket => pass(socket, connect(path))));
}

export interface CompanyProxy extends Front {
  /** First lines of the requests that came: `CONNECT cloud.test:5000`, `GET http://cloud.test/v3`. */
  readonly seen: string[];
  /** Values of Proxy-Authorization that came. */
  readonly credentials: Set<string>;
  /** The status that it refuses with, like a proxy that wants a password. */
  refuse: number | undefined;
}

/**
 * An HTTP proxy as companies run it: tunnels are for TLS alone, so that CONNECT to a port of plain HTTP is refused; only
 * the proxy can look up the names of `hosts`, which all lead to the loopback.
 */
export async function startProxy(hosts: readonly string[], tlsPorts: readonly number[]): Promise<CompanyProxy> {
  const seen: string[] = [];
  const credentials = new Set<string>();
  const known = (host: string): boolean => hosts.includes(host) || host === '127.0.0.1';
  const front = await listen((_, pass) =>
    createHttpServer((request, response) => {
      seen.push(`${request.method} ${request.url}`);
      if (request.headers['proxy-authorization']) credentials.add(request.headers['proxy-authorization']);
      const url = URL.canParse(request.url ?? '') ? new URL(request.url ?? '') : undefined;
      const status = proxy.refuse ?? (url === undefined ? 400 : known(url.hostname) ? undefined : 502);
      if (url === undefined || status !== undefined) return void response.writeHead(status ?? 400).end('the proxy');
      const { 'proxy-connection': _, 'proxy-authorization': __, ...headers } = request.headers;
      const onward = httpRequest(
        { host: '127.0.0.1', port: url.port, method: request.method, path: url.pathname + url.search, headers },
        answer => {
          response.writeHead(answer.statusCode ?? 502, answer.headers);
          answer.pipe(response);
        },
      );
      onward.on('error', () => response.destroy());
      request.pipe(onward);
    }).on('connect', (request, socket: Socket, head) => {
      seen.push(`CONNECT ${request.url}`);
      if (request.headers['proxy-authorization']) credentials.add(request.headers['proxy-authorization']);
      const [host = '', port] = (request.url ?? '').split(':');
      const status = proxy.refuse ?? (!tlsPorts.includes(Number(port)) ? 403 : known(host) ? undefined : 502);
      if (status !== undefined) return void socket.end(`HTTP/1.1 ${status} No\r\ncontent-length: 0\r\n\r\n`);
      const onward = connect(Number(port), '127.0.0.1');
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      onward.write(head);
      pass(socket, onward);
    }),
  );
  const proxy: CompanyProxy = { ...front, seen, credentials, refuse: undefined };
  return proxy;
}

type Pass = (socket: Socket, onward: Socket) => void;

/** Starts a server on a free port of the loopback, and remembers its connections, to end them. */
async function listen(make: (sockets: Set<Socket>, pass: Pass) => Server): Promise<Front> {
  const sockets = new Set<Socket>();
  const pass: Pass = (socket, onward) => {
    sockets.add(onward);
    pipeline(socket, onward, socket, () => {
      socket.destroy();
      onward.destroy();
    });
  };
  const server = make(sockets, pass);
  server.on('connection', socket => sockets.add(socket));
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      const ended = new Promise(resolve => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await ended;
    },
  };
}
