import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explain, livesOf } from '../../attach/explain.ts';
import { KuryrError } from '../../errors/kuryr-error.ts';
import { fakeRefusal } from '../../linux/fake-refusal.ts';
import { HealthBoard } from '../../observe/health-board.ts';
import { Lives } from '../../observe/lives.ts';
import { MetricStore } from '../../observe/metric-store.ts';
import { refusalError } from '../../openstack/refusal.ts';
import { FakeClock } from '../../time/fake-clock.ts';
import { EngineContainers } from './engine-containers.ts';
import { FakeEngine, type FakeEngineOptions, fakeVm } from './fake-engine.ts';

const signal = new AbortController().signal;
const inspected = (endpoints: readonly string[]) =>
  JSON.stringify({
    NetworkSettings: { Networks: Object.fromEntries(endpoints.map((EndpointID, n) => [`n${n}`, { EndpointID }])) },
  });

/** An engine whose core tells of itself, over a Neutron whose requests have ids. */
function bench(options: FakeEngineOptions = {}) {
  const vm = fakeVm();
  const clock = options.clock ?? new FakeClock();
  const meter = new MetricStore();
  const lives = new Lives({ meter, clock });
  const health = new HealthBoard(() => clock.now());
  const engine = new FakeEngine({
    ...{ neutron: vm.neutron, kernel: vm.kernel, clock, observe: { meter, timeline: lives, health } },
    ...options,
  });
  let requests = 0;
  const told = [
    ['createPort', 'POST', '/ports'],
    ['updatePort', 'PUT', '/ports/{id}'],
    ['deletePort', 'DELETE', '/ports/{id}'],
  ] as const;
  for (const [name, method, route] of told)
    engine.neutron.before(name, () =>
      lives.call({ method, route, status: 200, ms: 0, requestId: `req-${++requests}` }),
    );
  const containers = new Map<string, readonly string[]>();
  const runtime = new EngineContainers(async path => {
    const found = containers.get(decodeURIComponent(path.split('/')[2] ?? ''));
    return found === undefined ? { status: 404, body: '{}' } : { status: 200, body: inspected(found) };
  });
  const parts = { ...engine.explaining, lives, health, runtime };
  const one = async (what: string) => {
    const found = await explain(parts, what, signal);
    assert.equal(found.length, 1);
    return found[0] as (typeof found)[number];
  };
  return { vm, engine, lives, meter, health, containers, parts, one };
}

const refused = (code: string) => (error: unknown) => (error as { code?: string }).code === code;
const textOf = (story: readonly { text: string; requestId: string | undefined }[]) =>
  story.map(({ text, requestId }) => (requestId === undefined ? text : `${text} ${requestId}`));

test('tells the life of a container step by step, with the requests that were sent for it', async () => {
  const { engine, one } = bench();
  const network = await engine.createNetwork(['10.30.0.0/24']);
  const { endpoint, cidrs } = await engine.run(network);
  const [address = ''] = cidrs[0]?.split('/') ?? [];
  const life = await one(address);
  assert.equal(life.attachment, endpoint.EndpointID);
  assert.deepEqual([life.state, life.whole, life.dropped], ['attached', true, 0]);
  const texts = textOf(life.story);
  for (const [n, pattern] of [
    new RegExp(`^Neutron reserved ${address} \\(port [0-9a-f-]{36}\\)$`),
    /^POST \/ports: 200 req-1$/,
    /^10.30.0.2 is permitted: /,
    /^the pairs of the VM port were written$/,
    /^PUT \/ports\/\{id\}: 200 req-2$/,
    /^the engine put it on an endpoint$/,
    /^the engine was told that the container may start/,
    /^the kernel made the ipvlan link ky\w{6} on eth0, mode l2$/,
    new RegExp(`^frames with ${address} pass: 10\\.30\\.0\\.1 answered \\(question 1\\)`),
  ].entries())
    assert.match(texts[n] ?? '', pattern, texts.join('\n'));
  assert.equal(texts.length, 9);
});

test('a write of many pairs is told to each of the attachments that it was made for, and to no other', async () => {
  const { engine, parts } = bench();
  const network = await engine.createNetwork(['10.30.0.0/24']);
  const early = await engine.run(network);
  await Promise.all([engine.run(network), engine.run(network), engine.run(network)]);
  const lives = await Promise.all(
    livesOf(parts).map(async ({ attachment }) => (await explain(parts, attachment ?? '', signal))[0]),
  );
  const puts = lives.map(life => textOf(life?.story ?? []).filter(text => text.startsWith('PUT ')));
  for (const [n, life] of lives.entries()) {
    assert.ok((puts[n]?.length ?? 0) >= 1, 'each has its write');
    if (life?.attachment === early.endpoint.EndpointID) assert.equal(puts[n]?.length, 1, 'later writes are not its');
  }
  const all = puts.flat();
  assert.ok(new Set(all).size < all.length, 'one write served several');
});

test("says what the kernel's refusal was, of an attachment that never stood, after it has gone", async () => {
  const { vm, engine, one, parts } = bench();
  const network = await engine.createNetwork(['10.30.0.0/24']);
  vm.kernel.failNext(
    'createSlave',
    fakeRefusal('MASTER_BUSY', 'make a link', 'EBUSY', { master: 'eth0', holder: 'a bridge' }),
  );
  await assert.rejects(engine.run(network));
  const [summary] = livesOf(parts);
  assert.equal(summary?.error, 'MASTER_BUSY');
  const id = summary?.attachment ?? '';
  await engine.ok('NetworkDriver.DeleteEndpoint', { NetworkID: network.id, EndpointID: id });
  await engine.settled();
  const life = await one(id);
  assert.equal(life.state, 'gone');
  assert.notEqual(life.ended, undefined);
  const failed = life.story.filter(({ error }) => error !== undefined);
  assert.deepEqual(
    failed.map(({ text, error }) => [text, error?.code]),
    [
      ['the engine was refused (Join): the container does not start', 'MASTER_BUSY'],
      ['the kernel made no link', 'MASTER_BUSY'],
    ],
  );
  assert.match(failed[1]?.error?.text ?? '', /EBUSY/);
  assert.match(life.story.at(-1)?.text ?? '', /DELETE|reservation went back/);
  assert.equal(livesOf(parts)[0]?.error, 'MASTER_BUSY', 'what came after was only giving it up');
});

test('of one that has no link it tells why, not that something was taken away', async () => {
  const { vm, engine, one, parts } = bench();
  vm.neutron.pairLimit = 0;
  const network = await engine.createNetwork(['10.30.0.0/24']);
  await assert.rejects(engine.run(network));
  const life = await one(livesOf(parts)[0]?.attachment ?? '');
  assert.equal(life.state, 'named');
  assert.deepEqual(
    life.now.map(({ state, code }) => code ?? state),
    ['holds', 'PAIR_NOT_WRITTEN', 'LINK_NOT_MADE'],
  );
  assert.deepEqual(
    life.story.flatMap(({ error }) => error?.code ?? []),
    ['PAIRS_EXHAUSTED', 'PAIRS_EXHAUSTED'],
  );
  assert.ok(life.story.some(({ text }) => text === 'a write of the pairs was refused (PAIRS_EXHAUSTED)'));
  assert.ok(life.story.every(({ error }) => !error?.text.includes('?')));
});

test('asks now what holds, and tells what does not with code and what to do', async () => {
  const { vm, engine, one } = bench();
  const { cidrs } = await engine.run(await engine.createNetwork(['10.30.0.0/24']));
  const [address = ''] = cidrs[0]?.split('/') ?? [];
  const states = async () =>
    Object.fromEntries((await one(address)).now.map(({ fact, state, code }) => [fact, code ?? state]));
  // The fake engine leaves the link in the host.
  const well = { reserved: 'holds', permitted: 'holds', reachable: 'holds', linked: 'LINK_NOT_MOVED' };
  assert.deepEqual(await states(), well);
  vm.neutron.meddle(vm.port.id, { allowed_address_pairs: [] });
  engine.reach.answer = () => ({ reachable: false, reason: 'unanswered', probes: 3 });
  assert.deepEqual(await states(), { ...well, permitted: 'PAIR_MISSING', reachable: 'FRAMES_UNANSWERED' });
  engine.reach.answer = () => ({ reachable: false, reason: 'no-target', probes: 0 });
  assert.equal((await states())['reachable'], 'unknown');
  vm.neutron.meddle(vm.port.id, { allowed_address_pairs: [{ ip_address: address, mac_address: 'fa:16:3e:99:99:99' }] });
  assert.equal((await states())['permitted'], 'PAIR_MISSING', "a pair with another MAC is not the container's");
  const [own] = vm.neutron.peekAll().filter(port => port.device_owner === 'kuryr:container');
  vm.neutron.meddle(own?.id ?? '', { device_owner: 'compute:nova' });
  assert.equal((await states())['reserved'], 'RESERVATION_GONE');
  const down = vm.neutron.before('port', () => {
    throw refusalError({ method: 'GET', path: '/ports/x', status: 503, type: '', message: 'busy', requestId: 'req-9' });
  });
  const { now } = await one(address);
  down();
  assert.deepEqual(
    now.filter(({ code }) => code === 'NEUTRON_FAILED').map(({ fact, state }) => [fact, state]),
    [
      ['reserved', 'unknown'],
      ['permitted', 'unknown'],
    ],
  );
  for (const { state, todo } of now) if (state === 'lacks') assert.notEqual(todo, undefined);
});

test('does not wait long for a cloud that hangs', async () => {
  const { vm, engine, one } = bench();
  const { cidrs } = await engine.run(await engine.createNetwork(['10.30.0.0/24']));
  const mend = vm.neutron.before('port', () => new Promise<void>(() => {}));
  const asked = one(cidrs[0]?.split('/')[0] ?? '');
  await engine.clock.advance(10_001);
  mend();
  assert.deepEqual(
    (await asked).now.filter(({ code }) => code === 'CLOUD_TIMEOUT').map(({ fact, state }) => [fact, state]),
    [
      ['reserved', 'unknown'],
      ['permitted', 'unknown'],
    ],
  );
});

test('finds an attachment by endpoint, sandbox, container name or id, and each of a container with two', async () => {
  const { engine, one, containers, parts } = bench();
  const network = await engine.createNetwork(['10.30.0.0/24']);
  const first = await engine.run(network);
  const second = await engine.run(network);
  const ids = [first, second].map(({ endpoint }) => endpoint.EndpointID);
  containers.set('web', ids.slice(0, 1));
  containers.set('both', ids);
  containers.set('stopped', ['']);
  assert.equal((await one('web')).attachment, ids[0]);
  assert.equal((await one(ids[1] ?? '')).attachment, ids[1]);
  assert.equal((await one(first.sandbox.split('/').at(-1) ?? '')).attachment, ids[0]);
  assert.deepEqual(
    (await explain(parts, 'both', signal)).map(({ attachment }) => attachment),
    ids,
  );
  await assert.rejects(explain(parts, '0000', signal), refused('EXPLAIN_AMBIGUOUS'));
  for (const what of ['nobody', 'stopped', '10.30.0.250', '../networks', '%2e%2e', 'ffff'])
    await assert.rejects(explain(parts, what, signal), refused('EXPLAIN_UNKNOWN'), what);
});

test('tells of an address that no endpoint has yet, and who had one that is free again', async () => {
  const { engine, one } = bench();
  const network = await engine.createNetwork(['10.30.0.0/24']);
  await engine.requestAddress(network.pools[0], '10.30.0.60');
  const loose = await one('10.30.0.60');
  assert.deepEqual([loose.attachment, loose.state], [undefined, 'loose']);
  assert.deepEqual(
    loose.now.map(({ fact }) => fact),
    ['reserved', 'permitted'],
  );
  const container = await engine.run(network, ['10.30.0.61']);
  await engine.remove(container);
  const gone = await one('10.30.0.61');
  assert.deepEqual([gone.attachment, gone.state, gone.now], [container.endpoint.EndpointID, 'gone', []]);
  assert.match(
    gone.story.map(({ text }) => text).join('\n'),
    /the link was deleted.*the reservation went back to Neutron/s,
  );
});

test('after a restart of the daemon it says that the story begins there, and what the ledger knows', async () => {
  const before = bench();
  const network = await before.engine.createNetwork(['10.30.0.0/24']);
  const { endpoint } = await before.engine.run(network);
  before.engine.stop();
  const { neutron, kernel, ledger, clock } = before.engine;
  const after = bench({ neutron, kernel, ledger, clock });
  const untold = await after.one(endpoint.EndpointID);
  assert.deepEqual([untold.whole, untold.story, untold.state], [false, [], 'attached']);
  assert.equal(untold.addresses.length, 1);
  const running = after.engine.upkeep.run();
  await clock.advance(5000);
  const life = await after.one(endpoint.EndpointID);
  assert.equal(life.whole, false);
  assert.match(life.story[0]?.text ?? '', /^the daemon started, found it running/);
  assert.match(life.story.at(-1)?.text ?? '', /^frames with .* pass/);
  assert.doesNotMatch(
    after.meter.text(),
    /kuryr_attach_stage_seconds_count\{stage="(reach|join)"/,
    'a start is no attach',
  );
  after.engine.stop();
  await running;
});

test('counts attaches and detaches by stage and outcome, and the time from written to reachable', async () => {
  const { vm, engine, meter } = bench();
  const network = await engine.createNetwork(['10.30.0.0/24']);
  await engine.remove(await engine.run(network));
  vm.kernel.failNext('createSlave', fakeRefusal('MASTER_BUSY', 'make a link', 'EBUSY', { master: 'eth0' }));
  await assert.rejects(engine.run(network));
  const text = meter.text();
  for (const stage of ['reserve', 'permit', 'link', 'reach', 'join'])
    assert.match(text, new RegExp(`^kuryr_attach_stage_seconds_count\\{stage="${stage}",outcome="ok"\\} [1-9]`, 'm'));
  for (const stage of ['detach', 'unlink', 'forbid', 'free'])
    assert.match(text, new RegExp(`^kuryr_detach_stage_seconds_count\\{stage="${stage}",outcome="ok"\\} 1`, 'm'));
  assert.match(text, /^kuryr_attach_stage_seconds_count\{stage="link",outcome="failed"\} 1$/m);
  assert.match(text, /^kuryr_stage_failures_total\{stage="join",code="MASTER_BUSY"\} 1$/m);
  assert.match(text, /^kuryr_written_to_reachable_seconds_count 1$/m);
  assert.doesNotMatch(text, /10\.30\.0|[0-9a-f]{12}-|fa:16:3e/, 'no address, no id');
});

test('what the rules of the credential forbid is told by what it keeps from being done', async () => {
  const { vm, engine, health } = bench();
  const codes = () => health.report().problems.map(({ code }) => code);
  const missing = new KuryrError('ACCESS_RULE_MISSING', { method: 'PUT', path: '/ports/x', status: 401, rule: 'none' });
  const network = await engine.createNetwork(['10.30.0.0/24']);
  await engine.run(network);
  const watching = engine.cloudWatch.run();
  vm.neutron.meddle(vm.port.id, { security_groups: ['web'] });
  let allowed: readonly string[] = [vm.port.id];
  vm.neutron.before('updatePort', ({ args }) => {
    if (!allowed.includes(String(args[0]))) throw missing;
  });
  await engine.clock.advance(301_000);
  assert.deepEqual(codes(), ['GROUPS_NOT_FOLLOWED'], 'containers start all the same');
  await engine.run(network);
  allowed = [];
  await assert.rejects(engine.run(network));
  assert.deepEqual(codes(), ['PAIRS_FORBIDDEN', 'GROUPS_NOT_FOLLOWED']);
  allowed = vm.neutron.peekAll().map(({ id }) => id);
  await engine.clock.advance(301_000);
  await engine.run(network);
  assert.deepEqual(codes(), []);
  engine.stop();
  await watching;
});

test('a VM port that is gone, and releases that do not come to their end, are health values until they mend', async () => {
  const { vm, engine, health } = bench();
  const codes = () => health.report().problems.map(({ code }) => code);
  const network = await engine.createNetwork(['10.30.0.0/24']);
  const container = await engine.run(network);
  const gone = vm.neutron.before('port', () => {
    throw refusalError({ method: 'GET', path: '/ports/x', status: 404, type: 'PortNotFound', message: 'gone' });
  });
  await engine.clock.advance(11_000);
  await engine.refused('IpamDriver.RequestAddress', { PoolID: 'none' });
  await assert.rejects(engine.run(network));
  assert.deepEqual(codes(), ['VM_PORT_GONE']);
  gone();
  const busy = vm.neutron.before('updatePort', () => {
    throw refusalError({ method: 'PUT', path: '/ports/x', status: 409, type: 'Odd', message: 'no' });
  });
  await engine.ok('NetworkDriver.DeleteEndpoint', container.endpoint);
  await engine.clock.advance(60_000);
  assert.deepEqual(codes(), ['RELEASES_STUCK']);
  busy();
  await engine.settled();
  assert.deepEqual(codes(), []);
});
