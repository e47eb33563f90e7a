import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { isKuryrError } from '../errors/kuryr-error.ts';
import type { ErrorCode } from '../errors/table.ts';
import { silentLogger } from '../observe/logger.ts';
import { FakeClock } from '../time/fake-clock.ts';
import { fakeRandom } from '../time/random.ts';
import { Caller } from './caller.ts';
import type { CloudAuth, CloudConfig } from './cloud-config.ts';
import { FakeHttp, type FakeReply } from './fake-http.ts';
import { type HttpRequest, TransportError } from './http.ts';
import { Keystone } from './keystone.ts';
import { Secret } from './secret.ts';

const signal = new AbortController().signal;
const code = (wanted: ErrorCode) => (error: unknown) => isKuryrError(error, wanted);

const password: CloudAuth = {
  kind: 'password',
  user: { name: 'u', domain: { name: 'Default' } },
  password: new Secret('pw'),
  project: { id: 'p' },
};
const given = (project?: { id: string }): CloudAuth => ({ kind: 'token', token: new Secret('given'), project });

const catalog = [
  { type: 'identity', endpoints: [] },
  {
    type: 'network',
    endpoints: [
      { interface: 'public', region: 'R1', region_id: 'R1', url: 'http://r1:9696/' },
      { interface: 'internal', region: 'R1', region_id: 'R1', url: 'http://r1.int:9696/v2.0' },
      { interface: 'public', region: 'R2', region_id: 'R2', url: 'http://r2/networking' },
    ],
  },
];

interface Setting {
  auth?: CloudAuth;
  config?: Partial<CloudConfig>;
  lifetimeMs?: number;
  serve?: (request: HttpRequest, n: number) => FakeReply | Error | undefined | Promise<FakeReply | Error | undefined>;
}

function session({ auth = password, config = {}, lifetimeMs = 3_600_000, serve }: Setting = {}) {
  const clock = new FakeClock();
  // Keystone's clock is years away from ours.
  const issued = Date.parse('2019-01-01T00:00:00.000Z');
  const http = new FakeHttp(async request => {
    const n = http.requests.length;
    const answered = await serve?.(request, n);
    if (answered !== undefined) return answered;
    const time = (at: number) => new Date(at).toISOString();
    return {
      status: request.method === 'GET' ? 200 : 201,
      headers: { 'x-subject-token': `token-${n}`, date: new Date(issued + clock.now() - 1_000_000).toUTCString() },
      body: {
        token: {
          issued_at: time(issued),
          expires_at: time(issued + lifetimeMs),
          project: { id: 'p' },
          roles: [{ name: 'member' }],
          catalog,
        },
      },
    };
  });
  const cloud: CloudConfig = {
    ...{ source: 'test', authUrl: 'http://keystone:5000/v3', auth, region: 'R1', interfaces: ['public'], verify: true },
    ...{ cacert: undefined, cert: undefined, key: undefined, networkEndpoint: undefined },
    ...config,
  };
  const caller = new Caller('identity', http, clock, silentLogger);
  return { clock, http, keystone: new Keystone(cloud, caller, { clock, random: fakeRandom() }, 30_000) };
}

test('asks for a token by password, scoped to the project', async () => {
  const { keystone, http } = session({ config: { authUrl: 'http://keystone/identity' } });
  const { token, endpoint, projectId, roles } = await keystone.authorization(signal);
  assert.deepEqual([token.reveal(), endpoint, projectId, roles], ['token-1', 'http://r1:9696/v2.0', 'p', ['member']]);
  assert.equal(http.requests[0]?.url, 'http://keystone/identity/v3/auth/tokens');
  assert.deepEqual(JSON.parse(http.requests[0]?.body ?? ''), {
    auth: {
      identity: {
        methods: ['password'],
        password: { user: { name: 'u', domain: { name: 'Default' }, password: 'pw' } },
      },
      scope: { project: { id: 'p' } },
    },
  });
});

test('asks for a token by application credential without a scope', async () => {
  const credential = { name: 'n', user: { id: 'u' } };
  const { keystone, http } = session({ auth: { kind: 'application credential', credential, secret: new Secret('s') } });
  await keystone.authorization(signal);
  const identity = { methods: ['application_credential'], application_credential: { ...credential, secret: 's' } };
  assert.deepEqual(JSON.parse(http.requests[0]?.body ?? ''), { auth: { identity } });
});

test('scopes a given token to a project, and only reads it back where none is named', async () => {
  const scoped = session({ auth: given({ id: 'p' }) });
  await scoped.keystone.authorization(signal);
  const body = { auth: { identity: { methods: ['token'], token: { id: 'given' } }, scope: { project: { id: 'p' } } } };
  assert.deepEqual(JSON.parse(scoped.http.requests[0]?.body ?? ''), body);
  const plain = session({ auth: given() });
  await plain.keystone.authorization(signal);
  assert.equal(plain.http.requests[0]?.method, 'GET');
  assert.equal(plain.http.requests[0]?.headers['x-subject-token'], 'given');
});

test('renews a token of three seconds before it ends, and one of an hour a minute before', async () => {
  for (const [lifetimeMs, good, stale] of [
    [3_000, 2_300, 2_400],
    [3_600_000, 3_539_999, 3_540_000],
  ] as const) {
    const { keystone, http, clock } = session({ lifetimeMs });
    await keystone.authorization(signal);
    await clock.advance(good);
    assert.equal((await keystone.authorization(signal)).token.reveal(), 'token-1');
    await clock.advance(stale - good);
    assert.equal((await keystone.authorization(signal)).token.reveal(), 'token-2');
    assert.equal(http.requests.length, 2);
  }
});

test('shares one renewal among all who wait, and lets one of them give up', async () => {
  const gate = Promise.withResolvers<undefined>();
  const { keystone, http } = session({ serve: () => gate.promise });
  const impatient = new AbortController();
  const all = [keystone.authorization(signal), keystone.authorization(signal)];
  const lost = keystone.authorization(impatient.signal);
  impatient.abort(new Error('enough'));
  await assert.rejects(lost, /enough/);
  gate.resolve(undefined);
  assert.deepEqual(
    (await Promise.all(all)).map(one => one.token.reveal()),
    ['token-1', 'token-1'],
  );
  assert.equal(http.requests.length, 1);
});

test('gets another token after one was rejected, but only when it is the one in force', async () => {
  const { keystone } = session();
  const first = await keystone.authorization(signal);
  keystone.reject(first);
  const second = await keystone.authorization(signal);
  keystone.reject(first);
  assert.equal(await keystone.authorization(signal), second);
  assert.notEqual(second, first);
});

test('goes on with a token that still serves while Keystone is away', async () => {
  const serve = (_: HttpRequest, n: number) =>
    n === 1 ? undefined : new TransportError(true, 'ECONNREFUSED', 'refused');
  const { keystone, clock } = session({ lifetimeMs: 100_000, serve });
  const first = await keystone.authorization(signal);
  await clock.advance(85_000);
  const kept = keystone.authorization(signal);
  await clock.advance(4_000);
  assert.equal(await kept, first);
  await clock.advance(20_000);
  const late = assert.rejects(keystone.authorization(signal), code('CLOUD_UNREACHABLE'));
  await clock.advance(10_000);
  await late;
});

test('says that a given token cannot be renewed', async () => {
  const { keystone, clock } = session({ auth: given(), lifetimeMs: 3_000 });
  await keystone.authorization(signal);
  await clock.advance(2_999);
  await keystone.authorization(signal);
  await clock.advance(1);
  await assert.rejects(keystone.authorization(signal), code('KEYSTONE_TOKEN_EXPIRED'));
});

test('reports a refused credential at once, with the request id and without the secret', async () => {
  const refusal = { error: { code: 401, message: 'The request you have made requires authentication.', title: 'x' } };
  const reply = { status: 401, headers: { 'x-openstack-request-id': 'req-1' }, body: refusal };
  const { keystone, http } = session({ serve: () => reply });
  await assert.rejects(keystone.authorization(signal), error => {
    assert.ok(isKuryrError(error, 'KEYSTONE_UNAUTHORIZED'));
    assert.equal(error.details['requestId'], 'req-1');
    return !/\bpw\b/.test(inspect(error, { depth: 9 }));
  });
  assert.equal(http.requests.length, 1);
});

test('shows neither the secret nor control characters of a refusal that echoes the request', async () => {
  const auth: CloudAuth = { ...password, password: new Secret('hunter2"Zzz') };
  const serve = (request: HttpRequest) => ({
    status: 401,
    body: { error: { message: `\u001b[2J no: ${request.body} hunter2"Zzz` } },
  });
  await assert.rejects(session({ auth, serve }).keystone.authorization(signal), (error: unknown) => {
    assert.ok(isKuryrError(error, 'KEYSTONE_UNAUTHORIZED'));
    assert.doesNotMatch(JSON.stringify([error.message, error.details]), /hunter2|u001b/);
    return true;
  });
});

test('takes the 404 that Keystone answers about a token which has ended for a refusal', async () => {
  const auth = { kind: 'token', token: new Secret('ended'), project: { id: 'p' } } as const;
  const gone = { status: 404, body: { error: { code: 404, message: 'Failed to validate token', title: 'Not Found' } } };
  const { keystone, http } = session({ auth, serve: () => gone });
  await assert.rejects(keystone.authorization(signal), code('KEYSTONE_UNAUTHORIZED'));
  assert.equal(http.requests.length, 1);
  const wrong = { status: 404, body: '<html>nothing here</html>' };
  await assert.rejects(session({ auth, serve: () => wrong }).keystone.authorization(signal), code('KEYSTONE_REFUSED'));
});

test('takes the 404 that Keystone answers about a deleted application credential for a refusal', async () => {
  const auth = { kind: 'application credential', credential: { id: 'gone' }, secret: new Secret('s') } as const;
  const gone = { status: 404, body: { error: { code: 404, message: 'Could not find Application Credential: gone.' } } };
  await assert.rejects(
    session({ auth, serve: () => gone }).keystone.authorization(signal),
    code('KEYSTONE_UNAUTHORIZED'),
  );
  const wrong = { status: 404, body: '<html>nothing here</html>' };
  await assert.rejects(session({ auth, serve: () => wrong }).keystone.authorization(signal), code('KEYSTONE_REFUSED'));
});

test('asks again while Keystone fails, and then reports what it answered', async () => {
  const { keystone, http, clock } = session({ serve: (_, n) => (n < 3 ? { status: 503 } : undefined) });
  const token = keystone.authorization(signal);
  await clock.advance(1_000);
  assert.equal((await token).token.reveal(), 'token-3');
  assert.equal(http.requests.length, 3);
  const down = session({ serve: () => ({ status: 500 }) });
  const refused = assert.rejects(down.keystone.authorization(signal), code('KEYSTONE_REFUSED'));
  await down.clock.advance(10_000);
  await refused;
});

test('gives up when the time is over', async () => {
  const { keystone, clock } = session({ serve: () => new Promise(() => {}) });
  const late = assert.rejects(keystone.authorization(signal), code('CLOUD_TIMEOUT'));
  await clock.advance(30_000);
  await late;
});

test('refuses an answer that is not Keystone’s without repeating what it holds', async () => {
  const html = { body: '<html>secret-token</html>', headers: { 'x-subject-token': 't' } };
  const noToken = {
    body: { token: { issued_at: 5, expires_at: 'secret-token' } },
    headers: { 'x-subject-token': 't' },
  };
  for (const reply of [html, noToken, { status: 302 }]) {
    const { keystone } = session({ serve: () => reply });
    await assert.rejects(keystone.authorization(signal), error => {
      assert.ok(isKuryrError(error, 'CLOUD_BAD_ANSWER'));
      return !error.message.includes('secret-token');
    });
  }
});

const endpoints: readonly [string, Partial<CloudConfig>, string | undefined][] = [
  ['by region', { region: 'R2' }, 'http://r2/networking/v2.0'],
  ['by interface', { interfaces: ['internal'] }, 'http://r1.int:9696/v2.0'],
  [
    'by the first interface that there is',
    { region: 'R2', interfaces: ['internal', 'public'] },
    'http://r2/networking/v2.0',
  ],
  ['as overridden', { networkEndpoint: 'http://own:9/v2.0' }, 'http://own:9/v2.0'],
  ['not where no region is named and there are two', { region: undefined }, undefined],
  ['not in a region that has none', { region: 'R3' }, undefined],
];
for (const [name, config, wanted] of endpoints) {
  test(`finds Neutron’s endpoint ${name}`, async () => {
    const { keystone } = session({ config });
    if (wanted === undefined) await assert.rejects(keystone.authorization(signal), code('KEYSTONE_NO_ENDPOINT'));
    else assert.equal((await keystone.authorization(signal)).endpoint, wanted);
  });
}
