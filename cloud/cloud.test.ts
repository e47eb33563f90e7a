import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { type CloudOptions, type EmbeddedCloud, startCloud } from './index.ts';

const signal = () => AbortSignal.timeout(10_000);

async function open(t: TestContext, options: CloudOptions = {}): Promise<EmbeddedCloud> {
  const cloud = await startCloud({ report: error => assert.fail(String(error)), ...options });
  t.after(() => cloud.close());
  return cloud;
}

interface Asked {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: whatever it answers
  readonly body: any;
}

async function ask(url: string, method: string, body?: object, token?: string): Promise<Asked> {
  const headers = { 'content-type': 'application/json', ...(token === undefined ? {} : { 'x-auth-token': token }) };
  const answer = await fetch(url, { method, headers, signal: signal(), ...(body && { body: JSON.stringify(body) }) });
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, body: text === '' ? undefined : JSON.parse(text) };
}

async function login({ authUrl }: EmbeddedCloud, user = 'demo'): Promise<string> {
  const domain = { id: 'default' };
  const identity = { methods: ['password'], password: { user: { name: user, domain, password: `${user}pw` } } };
  const answer = await ask(`${authUrl}/auth/tokens`, 'POST', {
    auth: { identity, scope: { project: { name: user, domain } } },
  });
  assert.equal(answer.status, 201);
  return answer.headers.get('x-subject-token') ?? '';
}

/** Neutron with demo's token. */
async function neutron(cloud: EmbeddedCloud) {
  const token = await login(cloud);
  return (method: string, path: string, body?: object) => ask(`${cloud.neutronUrl}/v2.0${path}`, method, body, token);
}

async function portOn(api: Awaited<ReturnType<typeof neutron>>) {
  const { body } = await api('POST', '/networks', { network: { name: 'n' } });
  const made = await api('POST', '/ports', { port: { network_id: body.network.id } });
  return made.body.port;
}

/** Holds writes, after the two that make a port, until that many are under way. */
function together(count: number): (ms: number) => Promise<void> {
  let came = 0;
  const all = Promise.withResolvers<void>();
  return async () => {
    if (++came <= 2) return;
    if (came === 2 + count) all.resolve();
    await all.promise;
  };
}

const pair = (n: number) => ({ port: { allowed_address_pairs: [{ ip_address: `10.0.0.${n}` }] } });

describe('the embedded cloud', () => {
  it('tells of its ports and of each change', async t => {
    const cloud = await open(t);
    const api = await neutron(cloud);
    // The project's default group is made with the first request.
    await api('GET', '/networks');
    let changes = 0;
    const end = cloud.onChange(() => changes++);
    const port = await portOn(api);
    assert.equal(changes, 2);
    assert.deepEqual(
      cloud.ports().map(({ id }) => id),
      [port.id],
    );
    end();
    await api('DELETE', `/ports/${port.id}`);
    assert.equal(changes, 2);
    assert.deepEqual(cloud.ports(), []);
  });

  it('ends writes at the same moment as the union, with the same If-Match too', async t => {
    const cloud = await open(t, { pause: together(3) });
    const api = await neutron(cloud);
    const port = await portOn(api);
    const answers = await Promise.all([1, 2, 3].map(n => api('PUT', `/ports/${port.id}`, pair(n))));
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200, 200],
    );
    assert.equal(cloud.ports()[0]?.allowed_address_pairs.length, 3);
  });

  it('lets the first of writes with the same If-Match win where that is asked', async t => {
    const cloud = await open(t, { races: 'first-wins', pause: together(3) });
    const token = await login(cloud);
    const port = await portOn(await neutron(cloud));
    const write = (n: number) =>
      fetch(`${cloud.neutronUrl}/v2.0/ports/${port.id}`, {
        method: 'PUT',
        headers: { 'x-auth-token': token, 'if-match': 'revision_number=1' },
        body: JSON.stringify(pair(n)),
        signal: signal(),
      });
    const answers = await Promise.all([1, 2, 3].map(write));
    assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 412, 412]);
    assert.equal(cloud.ports()[0]?.allowed_address_pairs.length, 1);
  });

  it('takes as long as a real one where that is asked', async t => {
    const paused: number[] = [];
    const pause = async (ms: number) => void paused.push(ms);
    const cloud = await open(t, { latency: 'measured', random: () => 0, pause });
    const api = await neutron(cloud);
    const { id } = await portOn(api);
    await api('GET', `/ports/${id}`);
    await api('POST', '/networks', { networks: [{}, {}, {}] });
    // The medians: of a network, a port, a look at it, and three networks at once.
    assert.deepEqual(paused, [150, 217, 20, 3 * 150]);
  });

  it('lets a token end on its own clock', async t => {
    let now = Date.parse('2026-01-01T00:00:00Z');
    const cloud = await open(t, { tokenSeconds: 3, now: () => now });
    const api = await neutron(cloud);
    assert.equal((await api('GET', '/networks')).status, 200);
    now += 4_000;
    assert.equal((await api('GET', '/networks')).status, 401);
  });

  it('lets a revoked token go on for as long as Neutron does not ask for it again', async t => {
    let now = Date.parse('2026-01-01T00:00:00Z');
    const cloud = await open(t, { now: () => now });
    const token = await login(cloud);
    const networks = async () => (await ask(`${cloud.neutronUrl}/v2.0/networks`, 'GET', undefined, token)).status;
    assert.equal(await networks(), 200);
    const headers = { 'x-auth-token': token, 'x-subject-token': token };
    const revoked = await fetch(`${cloud.authUrl}/auth/tokens`, { method: 'DELETE', headers, signal: signal() });
    assert.equal(revoked.status, 204);
    now += 5 * 60_000 - 1;
    assert.equal(await networks(), 200);
    now += 1;
    assert.equal(await networks(), 401);
  });

  it('keeps its state in a file for its owner alone, over a restart', async t => {
    const folder = await mkdtemp(join(tmpdir(), 'kuryr-cloud-'));
    t.after(() => rm(folder, { recursive: true }));
    const file = join(folder, 'state.json');
    const before = await startCloud({ file });
    const token = await login(before);
    const port = await portOn(await neutron(before));
    await before.close();
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    assert.deepEqual(await readdir(folder), ['state.json']);
    const after = await open(t, { file });
    const again = await ask(`${after.neutronUrl}/v2.0/ports/${port.id}`, 'GET', undefined, await login(after));
    assert.deepEqual(again.body.port, port);
    assert.equal(
      (await ask(`${after.neutronUrl}/v2.0/ports`, 'GET', undefined, token)).status,
      200,
      'a token lives on',
    );
  });

  it('numbers rules after a restart on from those that there are', async t => {
    const folder = await mkdtemp(join(tmpdir(), 'kuryr-cloud-'));
    t.after(() => rm(folder, { recursive: true }));
    const file = join(folder, 'state.json');
    const before = await startCloud({ file });
    await (await neutron(before))('GET', '/security-groups');
    await before.close();
    const api = await neutron(await open(t, { file }));
    await api('POST', '/security-groups', { security_group: { name: 'g' } });
    const { body } = await api('GET', '/security-groups');
    const numbers = body.security_groups.flatMap((group: { security_group_rules: { standard_attr_id: number }[] }) =>
      group.security_group_rules.map(rule => rule.standard_attr_id),
    );
    // Four of the default group, two of the new one.
    assert.equal(new Set(numbers).size, 6);
    assert.equal(numbers.length, 6);
  });

  for (const text of ['clouds: {}', '{"name":"x","precious":true}', 'null', '[]']) {
    it(`does not start on a file that is another’s, and leaves it as it is: ${text}`, async t => {
      const folder = await mkdtemp(join(tmpdir(), 'kuryr-cloud-'));
      t.after(() => rm(folder, { recursive: true }));
      const file = join(folder, 'state.json');
      await writeFile(file, text);
      await assert.rejects(startCloud({ file }), /is no state of an embedded cloud/);
      assert.equal(await readFile(file, 'utf8'), text);
    });
  }

  it('goes on, and says so, where its file cannot be written', async t => {
    const folder = await mkdtemp(join(tmpdir(), 'kuryr-cloud-'));
    const { promise: told, resolve: report } = Promise.withResolvers<unknown>();
    const cloud = await open(t, { file: join(folder, 'state.json'), report });
    const api = await neutron(cloud);
    await rm(folder, { recursive: true });
    await api('POST', '/networks', { network: { name: 'n' } });
    assert.match(String(await told), /ENOENT/);
    assert.equal((await api('GET', '/networks')).body.networks.length, 1);
    await mkdir(folder);
    t.after(() => rm(folder, { recursive: true }));
  });

  it('refuses a body that is nested too deep to be shown again', async t => {
    const cloud = await open(t);
    const api = await neutron(cloud);
    const deep = JSON.parse(`${'['.repeat(3000)}${']'.repeat(3000)}`);
    const answer = await api('POST', '/networks', { network: { availability_zone_hints: deep } });
    assert.equal(answer.status, 400);
    assert.equal((await api('GET', '/networks')).status, 200);
  });

  it('adds the sub-ports of two requests of the same moment, and none to a trunk that goes meanwhile', async t => {
    const cloud = await open(t);
    const api = await neutron(cloud);
    const parent = await portOn(api);
    const [one, two, three] = await Promise.all(
      [1, 2, 3].map(async () => (await api('POST', '/ports', { port: { network_id: parent.network_id } })).body.port),
    );
    const { trunk } = (await api('POST', '/trunks', { trunk: { port_id: parent.id } })).body;
    const add = (port: { id: string }, segmentation_id: number) => {
      const sub_ports = [{ port_id: port.id, segmentation_type: 'vlan', segmentation_id }];
      return api('PUT', `/trunks/${trunk.id}/add_subports`, { sub_ports });
    };
    await Promise.all([add(one, 1), add(two, 2)]);
    assert.equal((await api('GET', `/trunks/${trunk.id}`)).body.trunk.sub_ports.length, 2);
    const [gone] = await Promise.all([api('DELETE', `/trunks/${trunk.id}`), add(three, 3)]);
    assert.equal(gone.status, 204);
    assert.equal((await api('GET', `/trunks/${trunk.id}`)).status, 404);
  });

  it('finds the next free range of a huge pool at once', async t => {
    const cloud = await open(t);
    const api = await neutron(cloud);
    const { subnetpool } = (
      await api('POST', '/subnetpools', { subnetpool: { name: 'p', prefixes: ['fd00::/8'], min_prefixlen: 9 } })
    ).body;
    const { network } = (await api('POST', '/networks', { network: { name: 'n' } })).body;
    const cut = (fields: object) =>
      api('POST', '/subnets', {
        subnet: { network_id: network.id, ip_version: 6, subnetpool_id: subnetpool.id, ...fields },
      });
    assert.equal((await cut({ cidr: 'fd00::/9' })).status, 201);
    assert.equal((await cut({ prefixlen: 64 })).body.subnet.cidr, 'fd80::/64');
  });

  it('loses an answer after the deed, and cuts a connection before it', async t => {
    const cloud = await open(t);
    const api = await neutron(cloud);
    const port = await portOn(api);
    const faults = (...texts: string[]) => ask(`${cloud.origin}/embedded/faults`, 'PUT', { faults: texts });
    const pairs = () => cloud.ports()[0]?.allowed_address_pairs.length;
    await faults('PUT /networking/* cut times=1', 'PUT /networking/* lose times=1');
    await assert.rejects(api('PUT', `/ports/${port.id}`, pair(1)));
    assert.equal(pairs(), 0);
    await assert.rejects(api('PUT', `/ports/${port.id}`, pair(1)));
    assert.equal(pairs(), 1);
    assert.equal((await api('PUT', `/ports/${port.id}`, pair(2))).status, 200);
  });

  it('is told its faults by a call, says which are left, and refuses what it does not understand', async t => {
    const cloud = await open(t, { faults: ['GET * 503 times=1'] });
    const url = `${cloud.origin}/embedded/faults`;
    assert.deepEqual((await ask(url, 'GET')).body, { faults: ['GET * 503 times=1'] });
    const refused = await ask(url, 'PUT', { faults: ['nonsense'] });
    assert.equal(refused.status, 400);
    assert.match(refused.body.error.message, /METHOD PATH WHAT/);
    assert.equal((await ask(`${cloud.neutronUrl}/`, 'GET')).status, 503);
    assert.equal((await ask(`${cloud.neutronUrl}/`, 'GET')).status, 200);
    assert.deepEqual((await ask(url, 'GET')).body, { faults: [] });
  });

  it('holds back an answer as long as it is told', async t => {
    const paused: number[] = [];
    const cloud = await open(t, { faults: ['GET /networking/* delay/250'], pause: async ms => void paused.push(ms) });
    assert.equal((await ask(`${cloud.neutronUrl}/`, 'GET')).status, 200);
    assert.deepEqual(paused, [250]);
  });

  it('keeps none of a bulk request of which one is refused', async t => {
    const cloud = await open(t);
    const api = await neutron(cloud);
    const port = await portOn(api);
    const ports = [
      { network_id: port.network_id },
      { network_id: port.network_id, fixed_ips: [{ ip_address: '10.0.0.1' }] },
    ];
    assert.equal((await api('POST', '/ports', { ports })).status, 400);
    assert.deepEqual(
      cloud.ports().map(({ id }) => id),
      [port.id],
    );
  });

  it('answers a body that is too large, and goes on', async t => {
    const cloud = await open(t);
    const api = await neutron(cloud);
    const answer = await api('POST', '/networks', { network: { name: 'x'.repeat(3 * 1024 * 1024) } });
    assert.equal(answer.status, 413);
    assert.equal((await api('GET', '/networks')).status, 200);
  });
});
