import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { UnixServer } from '../../src/fronts/http-server.ts';
import { headers, inhabited } from './inhabited.ts';
import { goodBody } from './nasty-bodies.ts';
import { RawConnection, rawRequest } from './raw-http.ts';
import { codeOf } from './shapes.ts';

/** One connection to the Docker front, and what it says to bytes as they stand. */
async function connected(t: TestContext) {
  const { rig, engine, world } = await inhabited(t);
  const connect = async () => {
    const connection = await RawConnection.open(rig.docker);
    t.after(() => connection.close());
    return connection;
  };
  return { rig, engine, world, connect, before: rig.state() };
}

const head = (path: string, ...lines: readonly string[]) =>
  `${[`POST /${path} HTTP/1.1`, 'Host: ', ...lines].join('\r\n')}\r\n\r\n`;

/** What is no request at all: the answer has a code, and the connection ends. */
const broken: Readonly<Record<string, string>> = {
  'no HTTP': 'hello\r\n\r\n',
  'a TLS greeting': '\u0016\u0003\u0001\u0000\u00a5\u0001\r\n\r\n',
  'the preface of HTTP/2': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  'an unknown version': 'POST /Plugin.Activate HTTP/9.9\r\n\r\n',
  'a method of nobody': 'KURYR /Plugin.Activate HTTP/1.1\r\nHost: \r\n\r\n',
  'a length that is no number': head('Plugin.Activate', 'Content-Length: ten'),
  'a negative length': head('Plugin.Activate', 'Content-Length: -1'),
  'two lengths': head('Plugin.Activate', 'Content-Length: 2', 'Content-Length: 3'),
  'a length and chunks': head('Plugin.Activate', 'Content-Length: 2', 'Transfer-Encoding: chunked'),
  'an unknown transfer encoding': head('Plugin.Activate', 'Transfer-Encoding: kuryr'),
  'a chunk of no size': `${head('IpamDriver.ReleasePool', 'Transfer-Encoding: chunked')}xyz\r\n`,
  'a chunk longer than its size': `${head('IpamDriver.ReleasePool', 'Transfer-Encoding: chunked')}2\r\n{}{}\r\n0\r\n\r\n`,
  'headers without end': head('Plugin.Activate', `X: ${'a'.repeat(100_000)}`),
  'a header with NUL': head('Plugin.Activate', 'X: a\u0000b'),
  'a path with NUL': 'POST /Plugin.\u0000Activate HTTP/1.1\r\nHost: \r\n\r\n',
  'a path with a space': 'POST /Plugin .Activate HTTP/1.1\r\nHost: \r\n\r\n',
};

test(`answers ${Object.keys(broken).length} broken frames by a code, and serves others on`, async t => {
  const { rig, engine, connect, before } = await connected(t);
  for (const [what, bytes] of Object.entries(broken)) {
    const connection = await connect();
    connection.send(Buffer.from(bytes, 'latin1'));
    const raw = await connection.answer();
    assert.equal(codeOf({ raw, answered: JSON.parse(raw.body) }), 'HTTP_MALFORMED', what);
    await connection.end();
    await engine.serves();
  }
  assert.deepEqual(rig.state(), before);
});

test('answers CONNECT by a code', async t => {
  const { connect } = await connected(t);
  const connection = await connect();
  connection.send('CONNECT 10.30.0.1:80 HTTP/1.1\r\nHost: \r\n\r\n');
  const raw = await connection.answer();
  assert.equal(codeOf({ raw, answered: JSON.parse(raw.body) }), 'HTTP_METHOD_REFUSED');
});

test('answers a body that ends before its length by a code, and does nothing of it', async t => {
  const { rig, engine, world, connect, before } = await connected(t);
  const body = JSON.stringify(goodBody('NetworkDriver.DeleteNetwork', world));
  for (const sent of [body, body.slice(0, 10), '']) {
    const connection = await connect();
    connection.send(`${head('NetworkDriver.DeleteNetwork', `Content-Length: ${body.length + 1}`)}${sent}`);
    connection.finish();
    const raw = await connection.answer();
    assert.equal(codeOf({ raw, answered: JSON.parse(raw.body) }), 'HTTP_MALFORMED');
    await engine.serves();
  }
  assert.deepEqual(rig.state(), before);
});

test('does nothing of a request whose sender has gone in the midst of it', async t => {
  const { rig, engine, world, connect, before } = await connected(t);
  const bytes = rawRequest(
    { path: '/NetworkDriver.DeleteNetwork' },
    headers,
    JSON.stringify({ NetworkID: world.network }),
  );
  for (const length of [1, 40, bytes.length - 1]) {
    const connection = await connect();
    connection.send(bytes.subarray(0, length));
    connection.close();
    await engine.serves();
  }
  assert.deepEqual(rig.state(), before);
});

test('answers one that says nothing more, and still listens', async t => {
  const { connect } = await connected(t);
  const connection = await connect();
  connection.send(rawRequest({ path: '/IpamDriver.GetCapabilities' }, headers, ''));
  connection.finish();
  assert.equal((await connection.answer()).status, 200);
});

test('takes a body in chunks, byte by byte, and after a promise to continue', async t => {
  const { connect } = await connected(t);
  const connection = await connect();
  const body = '{"PoolID":"kuryr-0"}';
  const chunks = [...body].map(character => `1\r\n${character}\r\n`).join('');
  connection.send(`${head('IpamDriver.ReleasePool', 'Transfer-Encoding: chunked')}${chunks}0\r\n\r\n`);
  assert.deepEqual(JSON.parse((await connection.answer()).body), {});
  for (const byte of rawRequest({ path: '/IpamDriver.ReleasePool' }, headers, body)) connection.send(Buffer.of(byte));
  assert.deepEqual(JSON.parse((await connection.answer()).body), {});
  connection.send(rawRequest({ path: '/IpamDriver.ReleasePool' }, { ...headers, Expect: '100-continue' }, body));
  assert.deepEqual(JSON.parse((await connection.answer()).body), {});
});

test('answers a request that expects what nobody knows as any other', async t => {
  const { connect } = await connected(t);
  const connection = await connect();
  connection.send(rawRequest({ path: '/Plugin.Activate' }, { ...headers, Expect: 'a' }, ''));
  assert.equal((await connection.answer()).status, 200);
});

test('answers ten million bytes by a code, in one piece and in chunks, and keeps the connection', async t => {
  const { rig, connect, before } = await connected(t);
  const connection = await connect();
  const body = `{"PoolID":"${'a'.repeat(10_000_000)}"}`;
  const chunked = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
  const requests = [
    rawRequest({ path: '/IpamDriver.ReleasePool' }, headers, body),
    `${head('IpamDriver.ReleasePool', 'Transfer-Encoding: chunked')}${chunked}`,
  ];
  for (const bytes of requests) {
    connection.send(bytes);
    const raw = await connection.answer();
    assert.equal(raw.status, 413);
    assert.equal(codeOf({ raw, answered: JSON.parse(raw.body) }), 'BODY_TOO_LARGE');
  }
  connection.send(rawRequest({ path: '/IpamDriver.GetCapabilities' }, headers, ''));
  assert.equal((await connection.answer()).status, 200);
  assert.deepEqual(rig.state(), before);
});

test('answers requests that are sent before the last answer came, each in its turn', async t => {
  const { connect } = await connected(t);
  const connection = await connect();
  const one = (path: string, body = '') => rawRequest({ path: `/${path}` }, headers, body);
  const many = [one('Plugin.Activate'), one('IpamDriver.ReleasePool', '{'), one('Nothing'), one('Plugin.Activate')];
  connection.send(Buffer.concat(many));
  const statuses = [];
  for (const _ of many) statuses.push((await connection.answer()).status);
  assert.deepEqual(statuses, [200, 400, 404, 200]);
});

test('serves engines on beside a hundred connections that say nothing, or half of something', async t => {
  const { engine, world, connect } = await connected(t);
  for (let n = 0; n < 100; n++) {
    const connection = await connect();
    if (n % 2 === 0) connection.send('POST /NetworkDriver.Join HT');
    if (n % 4 === 1) connection.send(head('NetworkDriver.Join', 'Content-Length: 1000'));
  }
  await engine.runAndRemove(world);
});

/** A server that gives requests a quarter of a second to arrive. */
async function impatient(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'kuryr-wire-'));
  const answers: (() => void)[] = [];
  const server = new UnixServer({
    ...{ path: join(folder, 'a.sock'), contentType: 'application/json', arrivalMs: 250 },
    answer: ({ path }) =>
      new Promise(resolve => {
        const answer = () => resolve({ status: 200, body: {} });
        if (path === '/slow') answers.push(answer);
        else answer();
      }),
    refuse: ({ status, message }) => ({ status, body: { Err: message, Error: message } }),
  });
  await server.listen();
  t.after(() => rm(folder, { recursive: true, force: true }));
  return { server, answers, connect: () => RawConnection.open(join(folder, 'a.sock')) };
}

test('ends a request that arrives too slowly by a code, but waits without end for its own answer', async t => {
  const { server, answers, connect } = await impatient(t);
  const slow = await connect();
  slow.send(rawRequest({ path: '/slow' }, headers, ''));
  for (const bytes of [
    '',
    'POST /a HTTP/1.1\r\n',
    head('a', 'Content-Length: 10'),
    `${head('a', 'Content-Length: 10')}{`,
  ]) {
    const connection = await connect();
    connection.send(bytes);
    const raw = await connection.answer();
    assert.equal(codeOf({ raw, answered: JSON.parse(raw.body) }), 'HTTP_TOO_SLOW');
    await connection.end();
  }
  for (const answer of answers) answer();
  assert.equal((await slow.answer()).status, 200);
  slow.close();
  await server.close();
});

test('closes without waiting for idle and half-sent requests, and answers what is under way', async t => {
  const { server, answers, connect } = await impatient(t);
  const [used, half, slow] = [await connect(), await connect(), await connect()];
  used.send(rawRequest({ path: '/a' }, headers, ''));
  assert.equal((await used.answer()).status, 200);
  half.send(head('a', 'Content-Length: 10'));
  slow.send(rawRequest({ path: '/slow' }, headers, ''));
  while (answers.length === 0) await new Promise(setImmediate);
  const closed = server.close();
  await Promise.all([used.end(), half.end()]);
  for (const answer of answers) answer();
  assert.equal((await slow.answer()).headers['connection'], 'close');
  await closed;
});
