import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { isKuryrError, type KuryrError } from '../errors/kuryr-error.ts';
import { UnixServer } from './http-server.ts';

/** A server on a socket of its own, and the bodies that came through to it. */
async function serve(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'kuryr-socket-'));
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, 'a.sock');
  const bodies: unknown[] = [];
  const options = {
    path,
    contentType: 'application/json',
    answer: async ({ body }: { body: unknown }) => {
      bodies.push(body);
      return { status: 200, body: 'taken' };
    },
    refuse: (error: KuryrError) => ({ status: error.status, body: error.code }),
  };
  const server = new UnixServer(options);
  await server.listen();
  t.after(() => server.close());
  return { path, bodies, options, server };
}

/** Posts the pieces one after another; the answer's status and body. */
function post(socketPath: string, pieces: Iterable<string | Buffer>): Promise<[number | undefined, unknown]> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, path: '/Verb', method: 'POST', agent: false }, answer => {
      let text = '';
      answer.setEncoding('utf8').on('data', piece => {
        text += piece;
      });
      answer.on('end', () => resolve([answer.statusCode, JSON.parse(text)]));
    });
    sent.on('error', reject);
    for (const piece of pieces) sent.write(piece);
    sent.end();
  });
}

test('makes a socket that only its owner can open', async t => {
  const { path } = await serve(t);
  assert.equal((await stat(path)).mode & 0o777, 0o600);
});

test('refuses a body beyond a mebibyte, and hands none of it on', async t => {
  const { path, bodies } = await serve(t);
  const answer = await post(path, ['"', Buffer.alloc(1 << 20, 'a'), '"']);
  assert.deepEqual(answer, [413, 'BODY_TOO_LARGE']);
  assert.deepEqual(bodies, []);
});

test('takes a body in pieces and none at all, and refuses one that is no JSON', async t => {
  const { path, bodies } = await serve(t);
  assert.deepEqual(await post(path, ['{"a"', ':1}']), [200, 'taken']);
  assert.deepEqual(await post(path, []), [200, 'taken']);
  assert.deepEqual(await post(path, ['{"a"']), [400, 'BODY_NOT_JSON']);
  assert.deepEqual(bodies, [{ a: 1 }, undefined]);
});

test('takes connections from a socket that another holds, and leaves it there at its end', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'kuryr-socket-'));
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, 'a.sock');
  const holder = hold(path);
  t.after(() => holder.close());
  // Two daemons, one after the other, each with the holder's socket as its descriptor 3.
  const served = async (during: () => Promise<void>) => {
    const stdio = ['pipe', 'pipe', 'inherit', holder.fd] as const;
    const child = spawn(process.execPath, ['--input-type=module', '-e', heir(path)], { stdio: [...stdio] });
    const { stdout, stdin } = child as unknown as { stdout: Readable; stdin: Writable };
    await once(stdout, 'data');
    await during().finally(() => stdin.end());
    assert.deepEqual(await once(child, 'close'), [0, null]);
  };
  await served(async () => assert.deepEqual(await post(path, []), [200, 'taken']));
  // Who comes in between waits in the kernel's queue.
  const early = post(path, []);
  await served(async () => assert.deepEqual(await early, [200, 'taken']));
  assert.ok((await stat(path)).isSocket());
});

/** A socket bound to the path, on which the holder itself never takes a connection: systemd's part. */
function hold(path: string): { readonly fd: number; close(): void } {
  const make = net as unknown as {
    _createServerHandle(path: string, port: -1, type: -1): { fd: number; close(): void };
  };
  return make._createServerHandle(path, -1, -1);
}

/** A program that serves on descriptor 3 until its standard input ends. */
const heir = (path: string) => `
  import { UnixServer } from ${JSON.stringify(new URL('./http-server.ts', import.meta.url).href)};
  const server = new UnixServer({
    path: ${JSON.stringify(path)}, contentType: 'application/json',
    answer: async () => ({ status: 200, body: 'taken' }), refuse: error => ({ status: error.status, body: error.code }),
  });
  await server.listen(3);
  process.stdin.on('end', () => server.close()).resume();
  console.log('listens');
`;

test('answers who had connected when it began to close, and had not asked yet', async t => {
  const { path, server } = await serve(t);
  const client = net.connect(path);
  await once(client, 'connect');
  // Connections are taken in their order: with this answer that one is taken too.
  assert.deepEqual(await post(path, []), [200, 'taken']);
  const closed = server.close();
  client.end('POST /Verb HTTP/1.1\r\nContent-Length: 0\r\n\r\n');
  const [answer] = (await once(client, 'data')) as [Buffer];
  assert.match(String(answer), /^HTTP\/1.1 200 [\s\S]*connection: close/i);
  await closed;
});

test('leaves the socket of a server that answers alone, and takes the place of a file that nobody serves', async t => {
  const { path, options } = await serve(t);
  await assert.rejects(new UnixServer(options).listen(), error => isKuryrError(error, 'SOCKET_TAKEN'));
  assert.deepEqual(await post(path, []), [200, 'taken']);
  const stale = `${path}.stale`;
  await writeFile(stale, '');
  const next = new UnixServer({ ...options, path: stale });
  await next.listen();
  t.after(() => next.close());
  assert.deepEqual(await post(stale, []), [200, 'taken']);
});
