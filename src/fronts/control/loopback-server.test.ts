import assert from 'node:assert/strict';
import { request } from 'node:http';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { silentLogger } from '../../observe/logger.ts';
import { FakeClock } from '../../time/fake-clock.ts';
import { Control } from './control.ts';
import { LoopbackServer } from './loopback-server.ts';

/** A port that is free just now. */
function freePort(): Promise<number> {
  return new Promise(resolve => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

describe('the port on the loopback', () => {
  let port = 0;
  let server: LoopbackServer;
  let asked: string[] = [];
  let status: 'ok' | 'error' = 'ok';
  const clock = new FakeClock();
  const never = () => assert.fail('nothing of the control API is reached from here');
  const control = new Control({
    ...{ status: never, gc: never, withdraw() {}, networkPlan: never, explain: never, lives: never, version: '1' },
    metrics: () => {
      asked.push('metrics');
      return '# HELP a b\na 1\n';
    },
    health: () => ({ status, problems: [] }),
    ...{ logger: silentLogger, clock, life: new AbortController().signal },
  });
  before(async () => {
    port = await freePort();
    server = control.loopback(`127.0.0.1:${port}`);
    await server.listen();
  });
  after(() => server.close());

  const get = (path: string, { method = 'GET', host = `127.0.0.1:${port}`, body = '' } = {}) =>
    new Promise<{ status: number | undefined; type: string | undefined; text: string }>((resolve, reject) => {
      const sent = request({ port, host: '127.0.0.1', path, method, headers: { host }, agent: false }, response => {
        let text = '';
        response.on('data', part => {
          text += part;
        });
        response.on('end', () =>
          resolve({ status: response.statusCode, type: response.headers['content-type'], text }),
        );
      });
      sent.on('error', reject);
      sent.end(body === '' ? undefined : body);
    });
  const codeOf = ({ text }: { text: string }) => /"code":"([A-Z_]+)"/.exec(text)?.[1];

  it('serves metrics and health, as the control socket does', async () => {
    asked = [];
    assert.deepEqual(await get('/metrics'), {
      status: 200,
      type: 'text/plain; version=0.0.4; charset=utf-8',
      text: '# HELP a b\na 1\n',
    });
    assert.equal((await get('/metrics?name[]=a')).status, 200);
    assert.deepEqual(asked, ['metrics'], 'made once for both');
    assert.deepEqual(await get('/health'), {
      status: 200,
      type: 'application/json',
      text: '{"status":"ok","problems":[]}\n',
    });
    status = 'error';
    await clock.advance(999);
    assert.equal((await get('/health')).status, 200);
    await clock.advance(1);
    assert.equal((await get('/health')).status, 503);
    status = 'ok';
    await clock.advance(1000);
    assert.equal((await get('/metrics')).status, 200);
    assert.deepEqual(asked, ['metrics', 'metrics']);
    assert.equal((await get('/health', { method: 'HEAD' })).text, '');
  });

  it('serves nothing else of the control API', async () => {
    for (const path of [
      '/',
      '/v1/status',
      '/v1/version',
      '/v1/lives',
      '/metrics/',
      '//metrics',
      '/constructor',
      '/v1/../metrics',
    ])
      assert.equal(codeOf(await get(path)), 'METRICS_PAGE_UNKNOWN', path);
    for (const [path, body] of [
      ['/v1/gc', '{"dryRun":false}'],
      ['/v1/explain', '{"what":"a"}'],
      ['/metrics', 'a'],
      ['/health', ''],
    ])
      for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS'])
        assert.equal(
          codeOf(await get(path ?? '', { method, body: body ?? '' })),
          'HTTP_METHOD_REFUSED',
          `${method} ${path}`,
        );
  });

  it('answers under names of the loopback alone, so that no web page of elsewhere reads it', async () => {
    for (const host of ['localhost', `localhost:${port}`, '127.0.0.1', '127.8.8.8:1', '[::1]:80'])
      assert.equal((await get('/metrics', { host })).status, 200, host);
    for (const host of [
      'evil.example',
      `evil.example:${port}`,
      '127.0.0.1.evil.example',
      'localhost.evil',
      '10.0.0.1',
      '[::2]',
      'a@127.0.0.1',
    ])
      assert.equal(codeOf(await get('/metrics', { host })), 'HTTP_HOST_REFUSED', host);
  });

  it('is not kept busy: few connections, and short heads', { timeout: 20_000 }, async () => {
    const head = await new Promise<string>(resolve => {
      const socket = connect({ port, host: '127.0.0.1' });
      socket.once('data', data => resolve(String(data)));
      socket.write(`GET /metrics HTTP/1.1\r\nHost: localhost\r\nA: ${'a'.repeat(8192)}\r\n\r\n`);
    });
    assert.match(head, /^HTTP\/1\.1 431 /);
    const sockets = Array.from({ length: 40 }, () => connect({ port, host: '127.0.0.1' }));
    const answered = await Promise.all(
      sockets.map(
        socket =>
          new Promise<boolean>(resolve => {
            socket
              .once('data', () => resolve(true))
              .once('close', () => resolve(false))
              .on('error', () => {});
            socket.write('GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n');
          }),
      ),
    );
    assert.equal(answered.filter(Boolean).length, 16);
    for (const socket of sockets) socket.destroy();
  });

  it('says so where the port is taken', async () => {
    await assert.rejects(control.loopback(`127.0.0.1:${port}`).listen(), { code: 'METRICS_LISTEN_FAILED' });
  });
});

/** More than a connection holds on its way, characters. */
const LARGE = 16 * 1024 * 1024;

describe('who is slow at the port on the loopback', { concurrency: true }, () => {
  let port = 0;
  let server: LoopbackServer;
  before(async () => {
    port = await freePort();
    const large = { status: 200, body: 'a'.repeat(LARGE), contentType: 'text/plain' };
    server = new LoopbackServer({
      ...{ listen: `127.0.0.1:${port}`, clock: new FakeClock(), patienceMs: 100 },
      pages: { '/metrics': () => large, '/health': () => ({ status: 200, body: {} }) },
      refuse: ({ status }) => ({ status, body: {} }),
    });
    await server.listen();
  });
  after(() => server.close());

  /** Resolves when the server has ended the connection, with what it had sent until then. */
  const ended = (act: (socket: Socket) => void) =>
    new Promise<string>(resolve => {
      let text = '';
      const socket = connect({ port, host: '127.0.0.1' });
      socket
        .on('data', data => {
          text += data;
        })
        .on('error', () => {})
        .once('close', () => resolve(text));
      act(socket);
    });

  it('gives its place back when it says nothing, before a request and after one', { timeout: 5000 }, async () => {
    assert.match(await ended(() => {}), /^(HTTP\/1\.1 408 |$)/);
    const answer = await ended(socket => socket.write('GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n'));
    assert.match(answer, /^HTTP\/1\.1 200 /);
  });

  it('gives its place back when its request comes drop by drop', { timeout: 2000 }, async () => {
    const answer = await ended(socket => {
      socket.write('GET /health HTTP/1.1\r\nHost: localhost\r\nA: ');
      const drop = setInterval(() => socket.write('a'), 20);
      socket.once('close', () => clearInterval(drop));
    });
    assert.match(answer, /^(HTTP\/1\.1 408 |$)/);
  });

  it('gives its place back when it does not read what it asked for', { timeout: 3000 }, async () => {
    const { promise: begun, resolve: begin } = Promise.withResolvers<Socket>();
    const reading = ended(socket => {
      socket.write('GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n');
      socket.once('data', () => begin(socket.pause()));
    });
    const reader = await begun;
    // Two who say nothing, one after the other, are shown out: it was there for longer.
    for (let n = 0; n < 2; n++) await ended(() => {});
    reader.resume();
    const got = await reading;
    assert.match(got, /^HTTP\/1\.1 200 /);
    assert.ok(got.length < LARGE, 'it had all of it');
  });
});
