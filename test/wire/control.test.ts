import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { inhabited } from './inhabited.ts';
import { anyJson, notJson, Raw, type Value } from './nasty-values.ts';
import { RawConnection, rawRequest } from './raw-http.ts';

interface Route {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly good: object;
  /** Bodies of its own, by the code that they get; undefined where they are not read. */
  readonly nasty: readonly (readonly [code: string | undefined, bodies: readonly unknown[]])[];
}

const INVALID = 'CONTROL_BODY_INVALID';
const values: readonly unknown[] = [null, 7, -1, 1e308, 'a', [], {}, ['a'], { toString: 'a' }];
const plan = (change: object) => ({ name: 'net', ...change });
const proto = (body: object) => new Raw(`{"__proto__":${JSON.stringify(body)}}`);

const routes: readonly Route[] = [
  { method: 'GET', path: '/v1/version', good: {}, nasty: [[undefined, anyJson.map(([, value]) => value)]] },
  { method: 'GET', path: '/v1/status', good: {}, nasty: [[undefined, anyJson.map(([, value]) => value)]] },
  { method: 'GET', path: '/v1/lives', good: {}, nasty: [[undefined, anyJson.map(([, value]) => value)]] },
  {
    method: 'POST',
    path: '/v1/explain',
    good: { what: '10.30.0.3' },
    nasty: [
      [INVALID, ['a', 7, true, [], [{ what: 'a' }], null, {}, proto({ what: 'a' })]],
      [INVALID, [...values.filter(value => value !== 'a'), '', 'a b', 'a\n', '\u001b[2J'].map(what => ({ what }))],
      [INVALID, ['a'.repeat(256), '\ud800', '\u202ea'].map(what => ({ what }))],
      [
        'EXPLAIN_UNKNOWN',
        ['a', '..', '../../networks', '%00', '::ffff:10.30.0.3', 'constructor'].map(what => ({ what })),
      ],
    ],
  },
  {
    method: 'POST',
    path: '/v1/gc',
    good: { dryRun: true },
    nasty: [
      [INVALID, ['a', 7, true, [], [{ dryRun: false }], null, {}, { dryrun: false }, { dry_run: false }]],
      [INVALID, [...values, 0, 1, 'false', ''].map(dryRun => ({ dryRun }))],
      [INVALID, [proto({ dryRun: false }), new Raw('{"constructor":{"prototype":{"dryRun":false}}}')]],
    ],
  },
  { method: 'POST', path: '/v1/withdraw', good: {}, nasty: [[undefined, anyJson.map(([, value]) => value)]] },
  {
    method: 'POST',
    path: '/v1/network-plan',
    good: { name: 'net' },
    nasty: [
      [INVALID, ['a', 7, true, [], [plan({})], null, {}, proto(plan({}))]],
      [
        INVALID,
        [...values.filter(value => value !== 'a'), '', '-a', '.', 'a b', 'a;b', 'a\n', '../a', '\u202ea', '$(a)'].map(
          name => ({ name }),
        ),
      ],
      [INVALID, ['a'.repeat(129), 'a\u0000', '\ud800', '--driver=host'].map(name => ({ name }))],
      [
        INVALID,
        [null, 7, [], {}, '', 'a'.repeat(256)].flatMap(text => [plan({ network: text }), plan({ master: text })]),
      ],
      [
        INVALID,
        [null, 7, 'a', {}, [7], [null], [''], Array.from({ length: 17 }, () => '10.30.0.0/24')].map(subnets =>
          plan({ subnets }),
        ),
      ],
      [INVALID, [null, 0, 'true', [], {}].map(ipv6 => plan({ ipv6 }))],
      [INVALID, [null, 7, 'a', ['a'], { a: 7 }, { a: null }, { a: ['b'] }].map(options => plan({ options }))],
      ['DOCKER_OPTION_UNKNOWN', [{ a: 'b' }, { 'a b': 'c' }].map(options => plan({ options }))],
      [
        'DOCKER_BODY_INVALID',
        [{ parent: '' }, { 'com.docker.network.driver.mtu': '-1' }].map(options => plan({ options })),
      ],
      [
        'SUBNET_UNKNOWN',
        ['10.99.0.0/24', '0.0.0.0/0', '10.30.0.0/33', '../..', '\u0000', '::ffff:10.30.0.0/120'].map(cidr =>
          plan({ subnets: [cidr] }),
        ),
      ],
      ['SUBNET_UNKNOWN', [plan({ subnets: ['10.30.0.0/24', 'nothing'] })]],
      ['NETWORK_NOT_ON_VM', ['nothing', "' OR 1=1", '\u202e'].map(network => plan({ network }))],
      ['MASTER_UNKNOWN', ['eth9', '../eth0', 'eth0; reboot'].map(master => plan({ master }))],
    ],
  },
];

async function operator(t: TestContext) {
  const { rig, engine } = await inhabited(t);
  const connection = await RawConnection.open(rig.control);
  t.after(() => connection.close());
  const ask = async (method: string, path: string, body: unknown) => {
    const bytes = body instanceof Raw ? body.text : JSON.stringify(body);
    connection.send(rawRequest({ method, path }, { Host: 'kuryr' }, bytes));
    const answer = await connection.answer();
    return { status: answer.status, body: JSON.parse(answer.body) };
  };
  return { rig, engine, ask };
}

function assertRefused({ status, body }: { status: number; body: unknown }, code: string, where: string): void {
  const { error } = body as { error?: { code: string; text: string; todo: string } };
  assert.equal(error?.code, code, `${where}: ${JSON.stringify(body)}`);
  assert.ok(status >= 400, where);
  assert.ok(error.text !== '' && error.todo !== '', where);
}

for (const { method, path, good, nasty } of routes) {
  const count = notJson.length + 1 + nasty.reduce((sum, [, bodies]) => sum + bodies.length, 0);
  test(`answers ${count} nasty bodies of ${method} ${path} with a code, changes nothing, and serves on`, async t => {
    assert.ok(count >= 20);
    const { rig, ask } = await operator(t);
    const before = rig.state();
    const tooLarge: Value = ['too large', new Raw(`"${'a'.repeat(1 << 20)}"`)];
    assertRefused(await ask(method, path, tooLarge[1]), 'BODY_TOO_LARGE', path);
    for (const [what, body] of notJson) assertRefused(await ask(method, path, body), 'BODY_NOT_JSON', what);
    for (const [code, bodies] of nasty)
      for (const body of bodies) {
        const where = `${method} ${path} ${body instanceof Raw ? body.text : JSON.stringify(body)}`.slice(0, 300);
        const answer = await ask(method, path, body);
        if (code === undefined) assert.equal(answer.status, 200, where);
        else assertRefused(answer, code, where);
        assert.deepEqual(rig.state(), before, where);
      }
    assert.equal(Reflect.get({}, 'polluted'), undefined);
    assert.equal((await ask(method, path, good)).status, 200);
    assert.deepEqual(rig.state(), before);
  });
}

test('answers wrong methods and unknown routes of the control socket by a code', async t => {
  const { rig, ask } = await operator(t);
  const before = rig.state();
  for (const { path, good } of routes)
    for (const method of ['PUT', 'DELETE', 'PATCH', 'OPTIONS'])
      assertRefused(await ask(method, path, good), 'CONTROL_ROUTE_UNKNOWN', `${method} ${path}`);
  for (const path of [
    '/',
    '/v1',
    '/v1/',
    '/v1/gc/',
    '/v1/gc?dryRun=false',
    '/v1/../v1/gc',
    '//v1/gc',
    '/v2/gc',
    '/constructor',
  ])
    assertRefused(await ask('POST', path, { dryRun: false }), 'CONTROL_ROUTE_UNKNOWN', path);
  assertRefused(await ask('GET', '/v1/gc', { dryRun: false }), 'CONTROL_ROUTE_UNKNOWN', 'GET /v1/gc');
  assert.deepEqual(rig.state(), before);
});
