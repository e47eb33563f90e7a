import assert from 'node:assert/strict';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { isKuryrError } from '../errors/kuryr-error.ts';
import { TransportError } from './http.ts';
import { undiciHttp } from './undici-http.ts';

const signal = new AbortController().signal;

/** A server on a port of its own, closed with its connections when the test ends. */
async function listen(t: TestContext, serve: RequestListener): Promise<{ server: Server; port: number; url: string }> {
  const server = createServer(serve);
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    return new Promise(resolve => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  return { server, port, url: `http://127.0.0.1:${port}` };
}

function client(t: TestContext, env: Record<string, string> = {}) {
  const http = undiciHttp({ env, verify: true, connections: 8 });
  t.after(() => http.close());
  return http;
}

const get = (url: string) => ({ method: 'GET', url, headers: {} }) as const;
const trouble = (unsent: boolean, code: RegExp) => (error: unknown) => {
  assert.ok(error instanceof TransportError, String(error));
  assert.deepEqual([error.unsent, code.test(error.code)], [unsent, true], error.code);
  return true;
};

test('sends method, headers and body, and gives back status, headers and body', async t => {
  const { url } = await listen(t, async (request, response) => {
    const body = (await request.toArray()).join('');
    const { method, url: path, headers } = request;
    response.writeHead(207, { 'X-Subject-Token': 't', 'content-type': 'text/plain' });
    response.end(`${method} ${path} ${headers['x-auth-token']} ${headers['content-length']} ${body} ü`);
  });
  const request = { method: 'PUT', url: `${url}/a?b=c%20d`, headers: { 'x-auth-token': 'x' }, body: 'ä' } as const;
  const answer = await client(t).request(request, signal);
  assert.equal(answer.status, 207);
  assert.equal(answer.headers['x-subject-token'], 't');
  assert.equal(answer.body, 'PUT /a?b=c%20d x 2 ä ü');
});

test('keeps connections for the next requests', async t => {
  const sockets = new Set<Socket>();
  const { url } = await listen(t, (request, response) => {
    sockets.add(request.socket);
    response.end();
  });
  const http = client(t);
  for (let i = 0; i < 10; i++) await http.request(get(url), signal);
  // A second one is opened by a request that comes while the first ends.
  assert.ok(sockets.size <= 2, `${sockets.size} connections`);
});

test('knows that nothing was sent where nobody listens or the name is unknown', async t => {
  const { server, url } = await listen(t, (_, response) => response.end());
  await new Promise(resolve => server.close(resolve));
  const http = client(t);
  await assert.rejects(http.request(get(url), signal), trouble(true, /ECONNREFUSED/));
  await assert.rejects(http.request(get('http://no-such-host.invalid/'), signal), trouble(true, /ENOTFOUND|EAI_AGAIN/));
});

test('knows that a request was sent whose connection broke, at once or within the answer', async t => {
  const { url } = await listen(t, (request, response) => {
    if (request.url === '/now') return void request.socket.destroy();
    response.writeHead(200, { 'content-length': '100' });
    response.write('part', () => request.socket.destroy());
  });
  const http = client(t);
  await assert.rejects(http.request(get(`${url}/now`), signal), trouble(false, /UND_ERR_SOCKET|ECONNRESET/));
  await assert.rejects(http.request(get(`${url}/part`), signal), trouble(false, /UND_ERR_SOCKET|ECONNRESET/));
});

test('ends at once when the signal is aborted, before and after sending', async t => {
  const stop = new AbortController();
  const { url } = await listen(t, () => stop.abort());
  const http = client(t);
  await assert.rejects(http.request(get(url), stop.signal), trouble(false, /ABORTED/));
  await assert.rejects(http.request(get(url), stop.signal), trouble(true, /ABORTED/));
});

test('gives up on an answer that has no end', async t => {
  const chunk = Buffer.alloc(4 * 1024 * 1024);
  const { url } = await listen(t, (_, response) => {
    const more = () => {
      while (!response.destroyed && response.write(chunk)) {}
      response.once('drain', more);
    };
    more();
  });
  await assert.rejects(client(t).request(get(url), signal), trouble(false, /TOO_LARGE/));
});

test('goes through HTTP_PROXY with its password, but not to what NO_PROXY names', async t => {
  const seen: (string | undefined)[] = [];
  const proxy = await listen(t, (request, response) => {
    seen.push(request.url, request.headers['proxy-authorization']);
    response.end('proxied');
  });
  const { url, port } = await listen(t, (_, response) => void response.end('direct'));
  const HTTP_PROXY = `http://u:p@127.0.0.1:${proxy.port}`;
  const via = (env: Record<string, string>) => client(t, { HTTP_PROXY, ...env }).request(get(`${url}/x`), signal);
  assert.equal((await via({})).body, 'proxied');
  assert.deepEqual(seen, [`${url}/x`, `Basic ${Buffer.from('u:p').toString('base64')}`]);
  for (const no_proxy of ['127.0.0.1', `other.example,127.0.0.1:${port}`, '*', '10.0.0.0/8, 127.0.0.0/8']) {
    assert.equal((await via({ no_proxy })).body, 'direct', no_proxy);
  }
  assert.equal((await via({ NO_PROXY: 'example.org,10.0.0.0/8' })).body, 'proxied');
  assert.equal(
    (await via({ http_proxy: `127.0.0.1:${proxy.port}`, HTTP_PROXY: 'http://127.0.0.1:1' })).body,
    'proxied',
  );
});

test('asks HTTPS_PROXY for a tunnel, and does not use HTTP_PROXY for https', async t => {
  const tunnels: (string | undefined)[] = [];
  const proxy = await listen(t, (_, response) => response.end());
  proxy.server.on('connect', (request, socket) => {
    tunnels.push(request.url);
    socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
  });
  const target = await listen(t, (_, response) => response.end());
  const url = target.url.replace('http:', 'https:');
  const proxied = client(t, { https_proxy: proxy.url });
  await assert.rejects(proxied.request(get(url), signal), trouble(true, /./));
  assert.deepEqual(tunnels, [`127.0.0.1:${target.port}`]);
  // Straight to a server that speaks no TLS: the handshake fails before anything is sent.
  await assert.rejects(
    client(t, { http_proxy: proxy.url }).request(get(url), signal),
    trouble(true, /SSL|EPROTO|SOCKET|RESET/),
  );
  assert.equal(tunnels.length, 1);
});

test('says which variable or file is unusable, without its text', () => {
  const make = (env: Record<string, string>, ca?: string) => () =>
    undiciHttp({ env, ca, verify: true, connections: 1 });
  const wrong = (source: string) => (error: unknown) =>
    isKuryrError(error, 'CLOUD_CONFIG_INVALID') && error.message.includes(source) && !error.message.includes('hunter2');
  assert.throws(make({ HTTPS_PROXY: 'http://u:hunter2@[' }), wrong('https_proxy'));
  assert.throws(make({}, '-----BEGIN CERTIFICATE-----\nhunter2'), wrong('cacert'));
});
