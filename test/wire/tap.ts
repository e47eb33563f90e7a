/**
 * Stands between an engine and the daemon in a VM: `tap.mjs SOCKET DAEMON LOG` serves the plug-in's socket, hands each
 * request on as it came, and writes it with its answer as a line of JSON.
 */
import { appendFileSync } from 'node:fs';
import { request as ask, createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';

/** A line of the log. */
export interface Tapped {
  /** Counts requests as they arrive; lines are written as they are answered. */
  readonly n: number;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly status: number;
  readonly answer: string;
}

const [socket = '', daemon = '', log = ''] = process.argv.slice(2);
let arrived = 0;

async function handOn(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const n = ++arrived;
  const body = await text(request);
  const { method = '', url: path = '', rawHeaders } = request;
  const headers = Object.fromEntries(
    Array.from({ length: rawHeaders.length / 2 }, (_, at) => [rawHeaders[2 * at] ?? '', rawHeaders[2 * at + 1] ?? '']),
  );
  const asked = ask({ socketPath: daemon, method, path, headers, agent: false }, async answered => {
    const answer = await text(answered);
    const status = answered.statusCode ?? 0;
    const line: Tapped = { n, path, headers, body, status, answer };
    appendFileSync(log, `${JSON.stringify(line)}\n`);
    response.writeHead(status, { 'content-type': answered.headers['content-type'] ?? '' }).end(answer);
  });
  // With the daemon down an engine gets no answer either.
  asked.once('error', () => response.destroy());
  asked.end(body);
}

createServer({ keepAliveTimeout: 0 }, (request, response) => {
  void handOn(request, response);
}).listen(socket);
