import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isKuryrError, KuryrError } from '../errors/kuryr-error.ts';
import { BODY, client, code, lost, PORT, signal } from './neutron-bench.ts';
import { refusalError } from './refusal.ts';

const refusal = (type: string, message = 'no') =>
  refusalError({ method: 'GET', path: '/ports', status: 400, type, message });

test('takes no word of a refusal for a code that the language itself gives a meaning', () => {
  for (const type of ['constructor', '__proto__', 'toString']) assert.equal(refusal(type).code, 'NEUTRON_REFUSED');
});

test('a refusal’s type is as short and as plain as its message', () => {
  const { message, details } = refusal(`a\u001b[2J${'b'.repeat(10_000)}`);
  assert.ok(message.length < 1500);
  assert.doesNotMatch(String(details['type']), /\p{C}/u);
});

test('a refusal that echoes what it was sent shows no token', async () => {
  const { neutron } = client(request => ({
    status: 403,
    body: {
      NeutronError: { type: request.headers['x-auth-token'], message: `${request.headers['x-auth-token']} is bad` },
    },
  }));
  await assert.rejects(neutron.port('p1', signal), (error: unknown) => {
    assert.ok(isKuryrError(error, 'NEUTRON_FORBIDDEN'));
    assert.doesNotMatch(JSON.stringify([error.message, error.details]), /token-1/);
    return /\[secret\] is bad/.test(error.message);
  });
});

test('an answer about another port than the one asked for is none', async () => {
  const other = { body: { port: { ...PORT, id: 'p2' } } };
  await assert.rejects(client(other).neutron.port('p1', signal), (error: unknown) => {
    assert.ok(isKuryrError(error, 'CLOUD_BAD_ANSWER'));
    return /the body is not the one that was asked for/.test(error.message);
  });
  const odd = { body: { port: { ...PORT, mac_address: 'hunter2' } } };
  await assert.rejects(client(odd).neutron.port('p1', signal), (error: unknown) => {
    assert.ok(isKuryrError(error, 'CLOUD_BAD_ANSWER'));
    assert.doesNotMatch(error.message, /hunter2/);
    return /mac_address is not a MAC/.test(error.message);
  });
  await assert.rejects(client(other).neutron.updatePort('p1', {}, 1, signal), code('CLOUD_BAD_ANSWER'));
});

test('deletes no port of others when a server that ignores the query lists them all after a lost POST', async () => {
  const ports = [
    { ...PORT, id: 'a', name: 'a server', device_owner: 'compute:nova' },
    { ...PORT, id: 'b', name: 'of another', device_id: 'other' },
    { ...PORT, id: 'c', network_id: 'elsewhere' },
  ];
  const { neutron, shown, through } = client(lost, { body: { ports } }, { body: { port: PORT } }, { body: { ports } });
  const port = await through(neutron.createPort(BODY, signal));
  assert.equal(port.id, 'p1');
  assert.deepEqual(
    shown().filter(line => line.startsWith('DELETE')),
    [],
  );
});

test('takes only success for deleted: a redirect or a page of a gateway is none', async () => {
  for (const status of [301, 302, 304]) {
    const { neutron, through } = client({ status, body: '<html>' });
    await assert.rejects(through(neutron.deletePort('p1', signal)), code('CLOUD_BAD_ANSWER'));
  }
});

test('a list that never ends is no answer: neither new entries for ever, nor markers that are always gone', async () => {
  let n = 0;
  const next = [{ rel: 'next', href: 'x' }];
  const big = 'a'.repeat(1 << 20);
  const endless = client(() => ({ body: { ports: [{ ...PORT, id: `p${++n}`, name: big }], ports_links: next } }));
  await assert.rejects(endless.through(endless.neutron.ports({}, signal)), code('CLOUD_BAD_ANSWER'));
  assert.ok(endless.network.length < 80, 'no more than it may weigh was read');
  const gone = { status: 404, body: { NeutronError: { type: 'PortNotFound', message: 'gone' } } };
  const round = client(request =>
    request.url.includes('marker=') ? gone : { body: { ports: [PORT], ports_links: next } },
  );
  await assert.rejects(round.through(round.neutron.ports({}, signal)), code('CLOUD_BAD_ANSWER'));
  assert.ok(round.network.length < 30);
});

test('refuses subnets whose ranges, gateways and routes are no addresses, or of another family', async () => {
  const good = {
    id: 's',
    network_id: 'net',
    ip_version: 4,
    cidr: '10.0.0.0/24',
    gateway_ip: '10.0.0.1',
    host_routes: [],
  };
  const wrong = [
    { cidr: '::::/64' },
    { cidr: '10.0.0.0/33' },
    { cidr: 'fd00::/64' },
    { ip_version: 6 },
    { gateway_ip: 'fd00::1' },
    { gateway_ip: 'fe80::1%eth0' },
    { host_routes: [{ destination: '10.1.0.0/99', nexthop: '10.0.0.2' }] },
    { host_routes: [{ destination: '10.1.0.0/16', nexthop: 'fd00::1' }] },
  ];
  assert.equal((await client({ body: { subnets: [good] } }).neutron.subnets({}, signal)).length, 1);
  for (const change of wrong)
    await assert.rejects(
      client({ body: { subnets: [{ ...good, ...change }] } }).neutron.subnets({}, signal),
      code('CLOUD_BAD_ANSWER'),
      JSON.stringify(change),
    );
});

test('refuses MACs and addresses in another form than Neutron’s', async () => {
  const wrong = [{ mac_address: 'fa-16-3e-00-00-01' }, { fixed_ips: [{ subnet_id: 's', ip_address: 'fe80::1%eth0' }] }];
  for (const change of wrong)
    await assert.rejects(client({ body: { port: { ...PORT, ...change } } }).neutron.port('p1', signal), KuryrError);
});
