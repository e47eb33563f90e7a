import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isKuryrError } from '../errors/kuryr-error.ts';
import type { ErrorCode } from '../errors/table.ts';
import type { FakeReply } from './fake-http.ts';
import { TransportError } from './http.ts';
import { BODY, client, code, lost, PORT, signal, unsent } from './neutron-bench.ts';

test('reads a port, keeping unknown fields of its pairs, and what is missing without extensions', async () => {
  const pairs = [{ ip_address: '10.0.0.9/24', mac_address: 'fa:16:3e:00:00:01', active: true, note: { a: [1] } }];
  const { neutron, network } = client({ body: { port: { ...PORT, allowed_address_pairs: pairs } } });
  const port = await neutron.port('p1', signal);
  assert.equal(JSON.stringify(port.allowed_address_pairs), JSON.stringify(pairs));
  assert.ok(!('status' in port));
  assert.equal(network[0]?.headers['x-auth-token'], 'token-1');
  const { allowed_address_pairs: _, port_security_enabled: __, ...bare } = PORT;
  const old = await client({ body: { port: bare } }).neutron.port('p1', signal);
  assert.deepEqual([old.allowed_address_pairs, old.port_security_enabled], [[], true]);
});

test('follows pages by marker at its own endpoint, whatever host the link names', async () => {
  const link = (rel: string) => ({ rel, href: 'http://elsewhere.example/v2.0/ports?marker=x' });
  const page = (id: string, rel: string) => ({ body: { ports: [{ ...PORT, id }], ports_links: [link(rel)] } });
  const { neutron, network } = client(page('a', 'next'), page('b', 'next'), page('c', 'previous'));
  const ports = await neutron.ports({ name: ['x', 'y z'], fixed_ips: 'ip_address=10.0.0.5' }, signal);
  assert.deepEqual(
    ports.map(port => port.id),
    ['a', 'b', 'c'],
  );
  const urls = network.map(request => new URL(request.url));
  assert.deepEqual(
    urls.map(url => [url.host, url.searchParams.get('marker')]),
    [
      ['neutron:9696', null],
      ['neutron:9696', 'a'],
      ['neutron:9696', 'b'],
    ],
  );
  assert.deepEqual(urls[0]?.searchParams.getAll('name'), ['x', 'y z']);
  assert.ok(urls[0]?.searchParams.getAll('fields').includes('allowed_address_pairs'));
});

test('begins a list again whose marker was deleted, and gives nothing of the first reading', async () => {
  const page = (id: string, rel: string) => ({
    body: { ports: [{ ...PORT, id }], ports_links: [{ rel, href: 'http://x/' }] },
  });
  const gone = { status: 404, body: { NeutronError: { type: 'PortNotFound', message: 'Port a could not be found.' } } };
  const { neutron, network } = client(page('a', 'next'), gone, page('b', 'next'), page('c', 'previous'));
  const ports = await neutron.ports({}, signal);
  assert.deepEqual(
    ports.map(port => port.id),
    ['b', 'c'],
  );
  const markers = network.map(request => new URL(request.url).searchParams.get('marker'));
  assert.deepEqual(markers, [null, 'a', null, 'b']);
  await assert.rejects(client(gone).neutron.ports({}, signal), code('NEUTRON_NOT_FOUND'));
});

test('ends at a server that gives the same page again and again', async () => {
  const round = { body: { subnets: [], subnets_links: [{ rel: 'next', href: 'x' }] } };
  assert.deepEqual(await client(round).neutron.subnets({}, signal), []);
  const same = { body: { ports: [PORT], ports_links: [{ rel: 'next', href: 'x' }] } };
  const { neutron, network } = client(same);
  assert.equal((await neutron.ports({}, signal)).length, 1);
  assert.equal(network.length, 2);
});

test('asks for extensions once', async () => {
  const { neutron, network } = client({ body: { extensions: [{ alias: 'port-security' }, { alias: 'net-mtu' }] } });
  await neutron.extensions(signal);
  assert.deepEqual([...(await neutron.extensions(signal))], ['port-security', 'net-mtu']);
  assert.equal(network.length, 1);
});

for (const [name, trouble] of [
  ['a connection that breaks', lost],
  ['a connection that is refused', unsent],
  ['500', { status: 500 }],
  ['503', { status: 503 }],
  ['429', { status: 429 }],
] as const) {
  test(`repeats a GET, a DELETE and a PUT without revision after ${name}`, async () => {
    const get = client(trouble, trouble, { body: { port: PORT } });
    await get.through(get.neutron.port('p1', signal));
    assert.equal(get.network.length, 3);
    const del = client(trouble, { status: 204 });
    await del.through(del.neutron.deletePort('p1', signal));
    assert.deepEqual(del.shown(), ['DELETE /ports/p1', 'DELETE /ports/p1']);
    const put = client(trouble, { body: { port: PORT } });
    await put.through(put.neutron.updatePort('p1', { name: 'x' }, undefined, signal));
    assert.equal(put.network.length, 2);
  });
}

test('waits longer from try to try, and gives up after five', async () => {
  const times: number[] = [];
  const { neutron, through, clock } = client(() => {
    times.push(clock.monotonic());
    return { status: 500 };
  });
  await assert.rejects(through(neutron.port('p1', signal)), code('NEUTRON_FAILED'));
  const waits = times.slice(1).map((time, i) => time - (times[i] ?? 0));
  assert.deepEqual(waits, [100, 200, 400, 800]);
});

test('waits as long as Retry-After asks, but not for more than it has', async () => {
  const { neutron, through, clock } = client(
    { status: 429, headers: { 'retry-after': '7' } },
    { body: { port: PORT } },
  );
  const start = clock.monotonic();
  await through(neutron.port('p1', signal));
  assert.equal(clock.monotonic() - start, 7_000);
  const slow = client({ status: 503, headers: { 'retry-after': '3600' } });
  await assert.rejects(slow.neutron.port('p1', signal), code('NEUTRON_FAILED'));
  assert.equal(slow.network.length, 1);
});

test('repeats nothing where a certificate is wrong', async () => {
  const { neutron, network } = client(new TransportError(true, 'CERT_HAS_EXPIRED', 'certificate has expired'));
  await assert.rejects(neutron.port('p1', signal), code('CLOUD_UNTRUSTED'));
  assert.equal(network.length, 1);
});

test('counts a port that is gone already as deleted', async () => {
  await client({ status: 404, body: { NeutronError: { type: 'PortNotFound', message: 'x' } } }).neutron.deletePort(
    'p',
    signal,
  );
});

test('sends If-Match, and reports a write whose answer is lost instead of repeating it', async () => {
  for (const trouble of [lost, { status: 502 }, { status: 500 }]) {
    const { neutron, network, through } = client(trouble);
    const write = through(neutron.updatePort('p1', { name: 'x' }, 7, signal));
    await assert.rejects(write, code('NEUTRON_OUTCOME_UNKNOWN'));
    assert.deepEqual(
      network.map(request => request.headers['if-match']),
      ['revision_number=7'],
    );
    assert.equal(network[0]?.body, '{"port":{"name":"x"}}');
  }
});

test('repeats a write with a revision that was certainly not begun', async () => {
  for (const trouble of [unsent, { status: 503 }, { status: 429 }]) {
    const { neutron, network, through } = client(trouble, { body: { port: PORT } });
    await through(neutron.updatePort('p1', { name: 'x' }, 7, signal));
    assert.equal(network.length, 2);
  }
});

test('creates a port once where the first answer is lost: it is found by its name', async () => {
  const { neutron, shown, through } = client(lost, { body: { ports: [PORT] } });
  assert.equal((await through(neutron.createPort(BODY, signal))).id, 'p1');
  assert.equal(shown().length, 2);
  assert.match(shown()[1] ?? '', /^GET \/ports\?limit=500&name=n&device_id=d&network_id=net&/);
});

test('sends a POST again when the look-up finds nothing, and keeps one port when both took effect', async () => {
  const two = { body: { ports: [{ ...PORT, id: 'p2' }, PORT] } };
  const steps = [
    lost,
    { body: { ports: [] } },
    { status: 201, body: { port: { ...PORT, id: 'p2' } } },
    two,
    { status: 204 },
  ];
  const { neutron, shown, through } = client(...steps);
  assert.equal((await through(neutron.createPort(BODY, signal))).id, 'p1');
  assert.deepEqual(
    shown().map(line => line.replace(/\?.*/, '')),
    ['POST /ports', 'GET /ports', 'POST /ports', 'GET /ports', 'DELETE /ports/p2'],
  );
});

test('takes the port of a slow first POST when the second is refused because of it', async () => {
  const taken = { type: 'IpAddressAlreadyAllocated', message: 'IP address 10.0.0.5 already allocated in subnet s' };
  const refused = { status: 409, body: { NeutronError: taken } };
  const { neutron, through } = client(lost, { body: { ports: [] } }, refused, { body: { ports: [PORT] } });
  assert.equal((await through(neutron.createPort(BODY, signal))).id, 'p1');
  const foreign = client(lost, { body: { ports: [] } }, refused, { body: { ports: [] } });
  await assert.rejects(foreign.through(foreign.neutron.createPort(BODY, signal)), code('ADDRESS_IN_USE'));
});

test('does not look up a POST that was certainly not sent', async () => {
  const { neutron, shown, through } = client(unsent, { status: 201, body: { port: PORT } });
  await through(neutron.createPort(BODY, signal));
  assert.deepEqual(shown(), ['POST /ports', 'POST /ports']);
});

test('says that the outcome is unknown when Neutron stays away after a lost POST', async () => {
  const { neutron, shown, through } = client(lost, unsent);
  await assert.rejects(through(neutron.createPort(BODY, signal)), code('NEUTRON_OUTCOME_UNKNOWN'));
  assert.equal(shown().filter(line => line.startsWith('POST')).length, 1);
});

test('gets a fresh token on 401 once, and then explains', async () => {
  const once = client({ status: 401 }, { body: { port: PORT } });
  await once.neutron.port('p1', signal);
  assert.deepEqual(
    once.network.map(request => request.headers['x-auth-token']),
    ['token-1', 'token-2'],
  );
  const refused = client({ status: 401, body: { error: { code: 401, message: 'The request you have made' } } });
  await assert.rejects(refused.neutron.port('p1', signal), code('NEUTRON_UNAUTHORIZED'));
  assert.deepEqual([refused.network.length, refused.tokens()], [2, 2]);
});

test('asks for another token as often as one ends before Neutron has judged it', async () => {
  const late = async () => {
    await slow.clock.advance(3_000);
    return { status: 401 };
  };
  const slow = client(late, late, late, { body: { port: PORT } });
  slow.setTokenLife(3_000);
  assert.equal((await slow.neutron.port('p1', signal)).id, 'p1');
  assert.equal(slow.tokens(), 4);
});

test('names Keystone where it is Keystone that does not answer', async () => {
  const silent = client();
  silent.muteKeystone();
  for (const call of [() => silent.neutron.port('p1', signal), () => silent.neutron.createPort(BODY, signal)]) {
    await assert.rejects(silent.through(call()), error => {
      assert.ok(isKuryrError(error, 'CLOUD_TIMEOUT'));
      return error.details['url'] === 'http://keystone/v3/auth/tokens';
    });
  }
});

test('ends at the deadline: a read as a timeout, a write as unknown', async () => {
  const silent = () => new Promise<FakeReply>(() => {});
  const read = client(silent);
  await assert.rejects(read.through(read.neutron.port('p1', signal)), code('CLOUD_TIMEOUT'));
  for (const revision of [7, undefined]) {
    const write = client(silent);
    const call = write.neutron.updatePort('p1', {}, revision, signal);
    await assert.rejects(write.through(call), code('NEUTRON_OUTCOME_UNKNOWN'));
  }
  const create = client(silent);
  await assert.rejects(create.through(create.neutron.createPort(BODY, signal)), code('NEUTRON_OUTCOME_UNKNOWN'));
});

test('ends with the caller’s reason when the caller gives up, also between tries', async () => {
  const stop = new AbortController();
  const { neutron, clock, network } = client(unsent);
  const call = assert.rejects(neutron.port('p1', stop.signal), /enough/);
  await clock.advance(50);
  stop.abort(new Error('enough'));
  await call;
  assert.equal(network.length, 1);
});

test('has eight requests under way at most', async () => {
  const gates: (() => void)[] = [];
  const slow = () => new Promise<FakeReply>(resolve => gates.push(() => resolve({ body: { port: PORT } })));
  const { neutron, clock, network } = client(slow);
  const all = Promise.all(Array.from({ length: 20 }, () => neutron.port('p1', signal)));
  await clock.advance(0);
  assert.equal(network.length, 8);
  gates[0]?.();
  await clock.advance(0);
  assert.equal(network.length, 9);
  for (let n = 1; n < 20; n++) {
    gates[n]?.();
    await clock.advance(0);
  }
  assert.equal((await all).length, 20);
});

test('counts requests by route', async () => {
  const { neutron, calls } = client({ body: { port: PORT } });
  await neutron.port('p1', signal);
  const told = { ms: 0, requestId: undefined, lost: undefined, date: undefined };
  assert.deepEqual(calls, [
    { ...told, service: 'identity', method: 'POST', route: '/auth/tokens', status: 201 },
    { ...told, service: 'network', method: 'GET', route: '/ports/{id}', status: 200 },
  ]);
});

test('refuses answers of another shape, naming what is wrong with them', async () => {
  for (const [body, pattern] of [
    ['<html>', /not JSON/],
    ['null', /CLOUD_BAD_ANSWER/],
    [
      { port: { ...PORT, fixed_ips: [{ subnet_id: 's', ip_address: '10.0.0.5; rm' }] } },
      /port\.fixed_ips\.0\.ip_address/,
    ],
    [{ port: { ...PORT, id: '../x' } }, /port\.id/],
    [{ port: { ...PORT, revision_number: '7' } }, /port\.revision_number/],
  ] as const) {
    await assert.rejects(client({ body }).neutron.port('p1', signal), error => {
      assert.ok(isKuryrError(error, 'CLOUD_BAD_ANSWER'));
      return pattern.test(error.message);
    });
  }
});

const refusals: readonly [number, string, string, ErrorCode, Record<string, unknown>?][] = [
  [
    409,
    'IpAddressAlreadyAllocated',
    'IP address 10.0.0.5 already allocated in subnet 9f0c3a52-6c8e-4c8e-9a40-0f3b8e0d1c11',
    'ADDRESS_IN_USE',
    { address: '10.0.0.5', subnet: '9f0c3a52-6c8e-4c8e-9a40-0f3b8e0d1c11' },
  ],
  [
    400,
    'InvalidIpForSubnet',
    'IP address 10.9.0.5 is not a valid IP for the specified subnet.',
    'ADDRESS_OUTSIDE',
    { address: '10.9.0.5' },
  ],
  [409, 'IpAddressGenerationFailure', 'No more IP addresses available on network x.', 'SUBNET_EXHAUSTED'],
  [409, 'OverQuota', "Quota exceeded for resources: ['port'].", 'NEUTRON_QUOTA'],
  [
    400,
    'AllowedAddressPairExhausted',
    'The number of allowed address pair exceeds the maximum 10.',
    'PAIRS_EXHAUSTED',
    { limit: 10, port: 'p1' },
  ],
  [400, 'DuplicateAddressPairInRequest', 'Request contains duplicate address pair', 'PAIR_DUPLICATE'],
  [400, 'InvalidVirtualMACAddress', 'Virtual MAC address x does not belong', 'PAIR_MAC_REFUSED'],
  [403, 'PolicyNotAuthorized', '(rule:update_port) is disallowed by policy', 'NEUTRON_FORBIDDEN'],
  [403, '', '', 'NEUTRON_FORBIDDEN'],
  [409, 'AddressPairAndPortSecurityRequired', 'Port Security must be enabled', 'PORT_SECURITY_OFF'],
  [412, 'RevisionNumberConstraintFailed', 'Constrained to 26, but current revision is 28', 'NEUTRON_STALE'],
  [404, 'PortNotFound', 'Port x could not be found.', 'NEUTRON_NOT_FOUND'],
  [
    400,
    'InvalidInput',
    'IPv6 address fd00::5 can not be directly assigned to a port on subnet s as the subnet is configured for automatic addresses',
    'ADDRESS_NOT_CHOOSABLE',
    { address: 'fd00::5' },
  ],
  [400, 'HTTPBadRequest', "Unrecognized attribute(s) 'x'", 'NEUTRON_REFUSED'],
  [409, 'MacAddressInUse', 'MAC address x in use', 'NEUTRON_REFUSED'],
];
for (const [status, type, message, wanted, details] of refusals) {
  test(`turns ${status} ${type || 'without a body'} into ${wanted}, with the request id`, async () => {
    const body = type === '' ? 'gone' : { NeutronError: { type, message, detail: '' } };
    const { neutron, network } = client({ status, body, headers: { 'x-openstack-request-id': 'req-42' } });
    await assert.rejects(neutron.updatePort('p1', {}, undefined, signal), error => {
      assert.ok(isKuryrError(error, wanted), String(error));
      assert.deepEqual([error.details['requestId'], error.details['status']], ['req-42', status]);
      for (const [name, value] of Object.entries(details ?? {})) assert.equal(error.details[name], value);
      return true;
    });
    assert.equal(network.length, 1);
  });
}
