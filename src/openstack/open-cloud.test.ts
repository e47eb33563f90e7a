import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { rootCertificates } from 'node:tls';
import { inspect } from 'node:util';
import { type Logger, silentLogger } from '../observe/logger.ts';
import { fakeRandom } from '../time/random.ts';
import { systemClock } from '../time/system-clock.ts';
import { FakeNeutron } from './fake-neutron.ts';
import { openCloud } from './open-cloud.ts';

const signal = new AbortController().signal;
const SECRET = 'hunter2-Zzz';

type Fault = (request: IncomingMessage, response: ServerResponse, n: number) => boolean | undefined;

/** Keystone and Neutron on a local port, over a Neutron in memory; a fault may answer, or break, in their place. */
async function startCloud(t: TestContext, faults: { before?: Fault; after?: Fault } = {}) {
  const store = new FakeNeutron();
  const network = store.addNetwork();
  const subnet = store.addSubnet({ network_id: network.id, cidr: '10.0.0.0/24' });
  const lines: string[] = [];
  const server = createServer(async (request, response) => {
    const body = (await request.toArray()).join('');
    const url = new URL(request.url ?? '', 'http://x');
    lines.push(`${request.method} ${url.pathname}`);
    const answer = (status: number, value: unknown, headers = {}) => {
      if (faults.after?.(request, response, lines.length)) return;
      response.writeHead(status, headers).end(JSON.stringify(value));
    };
    if (faults.before?.(request, response, lines.length)) return;
    if (url.pathname === '/v3/auth/tokens') {
      const { password } = JSON.parse(body).auth.identity.password.user;
      if (password !== SECRET) return answer(401, { error: { message: 'The request you have made', code: 401 } });
      const token = { issued_at: '2026-01-01T00:00:00Z', expires_at: '2026-01-01T01:00:00Z', catalog: [catalogue()] };
      return answer(201, { token }, { 'X-Subject-Token': `token-${SECRET}` });
    }
    if (request.headers['x-auth-token'] !== `token-${SECRET}`) return answer(401, {});
    if (request.method === 'POST') return answer(201, { port: await store.createPort(JSON.parse(body).port, signal) });
    const name = url.searchParams.get('name');
    return answer(200, { ports: store.peekAll().filter(port => name === null || port.name === name) });
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const catalogue = () => ({ type: 'network', endpoints: [{ interface: 'public', region: 'R', url }] });
  t.after(() => {
    server.closeAllConnections();
    return new Promise(resolve => server.close(resolve));
  });
  return { url, store, lines, network, subnet };
}

async function open(t: TestContext, url: string, password = SECRET) {
  const logged: unknown[] = [];
  const log = (...line: unknown[]) => void logged.push(line);
  const logger: Logger = { debug: log, info: log, warn: log, error: log, child: () => logger };
  const cloud = await openCloud({
    env: {
      ...{ OS_AUTH_URL: url, OS_USERNAME: 'u', OS_PASSWORD: password, OS_PROJECT_NAME: 'p' },
      OS_DEFAULT_DOMAIN: 'default',
    },
    ...{ cwd: '/nowhere', home: '/nowhere', clock: systemClock, random: fakeRandom([0]), logger },
    readFile: async () => assert.fail('no file is needed'),
  });
  t.after(() => cloud.close());
  return { ...cloud, logged };
}

test('makes exactly one port where the server closes the connection after it made it', async t => {
  let closed = 0;
  const after: Fault = request => {
    if (request.method !== 'POST' || !request.url?.startsWith('/v2.0') || closed++ > 0) return false;
    request.socket.destroy();
    return true;
  };
  const { url, store, lines, network, subnet } = await startCloud(t, { after });
  const { neutron } = await open(t, url);
  const port = await neutron.createPort(
    {
      ...{ name: 'kuryr-1', network_id: network.id, device_owner: 'kuryr:container', device_id: 'kuryr:x' },
      ...{ admin_state_up: false, fixed_ips: [{ subnet_id: subnet.id }] },
    },
    signal,
  );
  assert.deepEqual(
    store.peekAll().map(made => made.id),
    [port.id],
  );
  assert.deepEqual(lines, ['POST /v3/auth/tokens', 'POST /v2.0/ports', 'GET /v2.0/ports']);
});

test('repeats a read that met a kept connection which the server had closed', async t => {
  const before: Fault = (request, _, n) => {
    if (n !== 3) return false;
    request.socket.destroy();
    return true;
  };
  const { url, lines } = await startCloud(t, { before });
  const { neutron } = await open(t, url);
  await neutron.ports({}, signal);
  await neutron.ports({}, signal);
  assert.equal(lines.length, 4);
});

test('shows no secret in logs, results and errors', async t => {
  const { url, network } = await startCloud(t, {
    before: (request, response) => {
      if (request.method !== 'POST' || !request.url?.startsWith('/v2.0')) return false;
      response.writeHead(400).end('{"NeutronError":{"type":"X","message":"no"}}');
      return true;
    },
  });
  const good = await open(t, url);
  await good.neutron.ports({}, signal);
  const authorization = await good.authorization(signal);
  const body = {
    name: 'n',
    network_id: network.id,
    fixed_ips: [],
    device_owner: 'o',
    device_id: 'd',
    admin_state_up: false,
  };
  const refused = await good.neutron.createPort(body, signal).catch((error: unknown) => error);
  const bad = await open(t, url, `${SECRET}x`);
  const denied = await bad.neutron.ports({}, signal).catch((error: unknown) => error);
  const everything = [good.logged, good.config, authorization, refused, bad.logged, bad.config, denied];
  assert.ok(good.logged.length >= 3);
  const shown = `${inspect(everything, { depth: 12, showHidden: true })} ${JSON.stringify(everything)}`;
  assert.ok(!shown.includes(SECRET), 'a secret is shown');
  assert.match(String(denied), /KEYSTONE_UNAUTHORIZED/);
});

test('tells by what its files hold, not by their names, whether it is another one', async t => {
  const { url } = await startCloud(t);
  const [one = '', other = ''] = rootCertificates;
  const filesOf = async (pem: string) => {
    const env = { OS_AUTH_URL: url, OS_TOKEN: 'x', OS_AUTH_TYPE: 'token', OS_CACERT: '/ca.pem' };
    const around = { env, cwd: '/', home: '/', readFile: async () => pem };
    const cloud = await openCloud({ ...around, clock: systemClock, random: fakeRandom(), logger: silentLogger });
    await cloud.close();
    return cloud.files;
  };
  assert.equal(await filesOf(one), await filesOf(one));
  assert.notEqual(await filesOf(one), await filesOf(other));
  assert.ok((await filesOf(one)).length < 100);
});
