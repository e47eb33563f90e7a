import assert from 'node:assert/strict';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
  return { path, bodies, options };
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
