import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import fc from 'fast-check';
import { TransportError } from '../../src/openstack/http.ts';
import { undiciHttp } from '../../src/openstack/undici-http.ts';
import { target } from './target.ts';

/** What a server says to each request, write by write, and how it ends. */
interface Speech {
  readonly writes: readonly Uint8Array[];
  readonly end: 'end' | 'reset' | 'silence';
}

const line = (text: string) => new Uint8Array(Buffer.from(text, 'latin1'));
const body = '{"ports":[]}';
const pieces = [
  ...[
    'HTTP/1.1 200 OK\r\n',
    'HTTP/1.1 100 Continue\r\n\r\n',
    'HTTP/1.1 103 Early Hints\r\n\r\n',
    'HTTP/1.0 200 OK\r\n',
  ],
  ...['HTTP/1.1 204 No Content\r\n', 'HTTP/1.1 302 Found\r\nLocation: http://evil.test/\r\n', 'HTTP/1.1 999 Odd\r\n'],
  ...[
    'HTTP/2 200\r\n',
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: a\r\nConnection: upgrade\r\n\r\n',
    'SSH-2.0-a\r\n',
  ],
  ...['Content-Length: 12\r\n', 'Content-Length: 5\r\n', 'Content-Length: 99999999999\r\n', 'Content-Length: -1\r\n'],
  ...[
    'Transfer-Encoding: chunked\r\n',
    'Content-Encoding: gzip\r\n',
    'Connection: close\r\n',
    'X: a\r\n b\r\n',
    'X\u0000: a\r\n',
  ],
  ...[
    `X: ${'a'.repeat(70_000)}\r\n`,
    'X-Subject-Token: a\u00ff\r\n',
    '\r\n',
    body,
    'c\r\n',
    '0\r\n\r\n',
    'ffffffff\r\n',
    '\n',
  ],
  ...['HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n{"ports":[]}', '\u0000'.repeat(2_000)],
].map(line);

const speeches: fc.Arbitrary<Speech> = fc.record({
  writes: fc.array(fc.oneof({ weight: 6, arbitrary: fc.constantFrom(...pieces) }, fc.uint8Array({ maxLength: 60 })), {
    maxLength: 8,
  }),
  end: fc.constantFrom('end', 'reset', 'silence'),
});

/** How long silence is waited for, milliseconds. */
const PATIENCE_MS = 30;

async function open() {
  let speech: Speech = { writes: [], end: 'end' };
  const sockets = new Set<Socket>();
  const server = createServer(socket => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', () => {
      for (const bytes of speech.writes) socket.write(bytes);
      if (speech.end === 'end') socket.end();
      if (speech.end === 'reset') socket.resetAndDestroy();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  const http = undiciHttp({ env: {}, verify: true, connections: 8 });
  return {
    http,
    url: `http://127.0.0.1:${address.port}/v2.0/ports`,
    say(next: Speech) {
      speech = next;
    },
    async [Symbol.asyncDispose]() {
      await http.close();
      for (const socket of sockets) socket.destroy();
      await new Promise(resolve => server.close(resolve));
    },
  };
}

export const cloudBytes = target<Awaited<ReturnType<typeof open>>, Speech>({
  name: 'bytes of a cloud that are hardly HTTP end as an answer or as a lost one, and the next call is made',
  runs: 60,
  open,
  inputs: () => speeches,
  async check({ http, url, say }, speech) {
    say(speech);
    const request = { method: 'GET', url, headers: { 'x-auth-token': 'secret-token' } } as const;
    try {
      const answer = await http.request(request, AbortSignal.timeout(PATIENCE_MS));
      assert.ok(Number.isInteger(answer.status));
      for (const value of Object.values(answer.headers)) assert.equal(typeof value, 'string');
    } catch (error) {
      assert.ok(error instanceof TransportError, String(error));
      assert.doesNotMatch(error.message, /secret-token/);
    }
  },
  async finish({ http, url, say }) {
    say({ writes: [line(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`)], end: 'silence' });
    const answer = await http.request({ method: 'GET', url, headers: {} }, AbortSignal.timeout(5_000));
    assert.equal(answer.body, body);
  },
});
