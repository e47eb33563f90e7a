import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { never } from './doctor-bench.ts';
import { reasonOf } from './errno.ts';
import { folder, httpGet } from './io.ts';

describe("doctor's own reads", () => {
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

  it('give status and body of what answers on a unix socket', async () => {
    const got = await httpGet({ socket: socket(), url: 'http://localhost/version' }, never);
    assert.deepEqual(got, { status: 404, body: 'no such thing' });
  });

  it('refuse a body that is too large, and name the errno where nobody answers', async () => {
    await assert.rejects(httpGet({ socket: socket(), url: 'http://localhost/big' }, never), /larger than a mebibyte/);
    const absent = httpGet({ socket: join(place, 'absent.sock'), url: 'http://localhost/' }, never);
    await assert.rejects(absent, error => reasonOf(error) === 'ENOENT');
  });

  it('end with the signal', async () => {
    const signal = AbortSignal.abort(new Error('ended'));
    await assert.rejects(httpGet({ socket: socket(), url: 'http://localhost/' }, signal));
  });

  it('tell a folder that can be written from one that could be made and one that cannot', async () => {
    await writeFile(join(place, 'file'), '');
    assert.equal(await folder(place), 'writable');
    assert.equal(await folder(join(place, 'a/b')), 'missing');
    assert.equal(await folder(join(place, 'file/b')), 'unwritable');
  });
});
