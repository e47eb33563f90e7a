import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { plainGet } from './plain-get.ts';

describe('a plain GET', () => {
  const never = new AbortController().signal;
  let place = '';
  let server: Server;
  const socket = () => join(place, 'http.sock');
  before(async () => {
    place = await mkdtemp(join(tmpdir(), 'kuryr-doctor-'));
    server = createServer((request, response) => {
      response.statusCode = request.url === '/big' ? 200 : 404;
      response.end(request.url === '/big' ? 'x'.repeat((1 << 20) + 1) : 'no such thing');
    });
    await new Promise<void>(done => server.listen(socket(), done));
  });
  after(async () => {
    await new Promise(done => server.close(done));
    await rm(place, { recursive: true });
  });

  it('gives status and body of what answers on a unix socket', async () => {
    const got = await plainGet({ socket: socket(), url: 'http://localhost/version' }, never);
    assert.deepEqual(got, { status: 404, body: 'no such thing' });
  });

  it('refuses a body that is too large, and names the errno where nobody answers', async () => {
    await assert.rejects(plainGet({ socket: socket(), url: 'http://localhost/big' }, never), /larger than a mebibyte/);
    const absent = plainGet({ socket: join(place, 'absent.sock'), url: 'http://localhost/' }, never);
    await assert.rejects(absent, error => (error as NodeJS.ErrnoException).code === 'ENOENT');
  });

  it('ends with the signal', async () => {
    const signal = AbortSignal.abort(new Error('ended'));
    await assert.rejects(plainGet({ socket: socket(), url: 'http://localhost/' }, signal));
  });
});
