import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KuryrError } from '../errors/kuryr-error.ts';
import type { Post } from '../hostaccess/guard-post.ts';
import type { HostAccessState } from '../hostaccess/host-access.ts';
import { memoryLedger } from '../ledger/memory-ledger.ts';
import { HealthBoard } from '../observe/health-board.ts';
import type { HealthCode } from '../observe/health-codes.ts';
import { FakeClock } from '../time/fake-clock.ts';
import { type HealthSources, watchSources } from './health-sources.ts';
import { Observatory } from './observatory.ts';

test('a ledger that cannot be written is an error until a write succeeds', async () => {
  const observe = new Observatory(new FakeClock());
  const memory = memoryLedger();
  let isFull = true;
  const ledger = observe.watching({
    ...memory,
    write: changes =>
      isFull
        ? Promise.reject(new KuryrError('LEDGER_UNWRITABLE', { file: 'ledger', reason: 'ENOSPC' }))
        : memory.write(changes),
  });
  await assert.rejects(ledger.write({ a: 1 }), { code: 'LEDGER_UNWRITABLE' });
  const { status, problems } = observe.health.report();
  assert.deepEqual([status, problems[0]?.text], ['error', 'The ledger cannot be written: ENOSPC.']);
  isFull = false;
  await ledger.write({ a: 1 });
  assert.equal(ledger.get('a'), 1);
  assert.equal(observe.health.report().status, 'ok');
});

test('a ledger that is proved to be writable again is well, without any other write', async () => {
  const observe = new Observatory(new FakeClock());
  const ledger = observe.watching(memoryLedger());
  observe.health.set('LEDGER_UNWRITABLE', { reason: 'ENOSPC' });
  await ledger.prove();
  assert.equal(observe.health.report().status, 'ok');
});

test('a request to the cloud is counted by kind and status, and judged', async () => {
  const observe = new Observatory(new FakeClock());
  const call = {
    service: 'network',
    method: 'PUT',
    route: '/ports/{id}',
    ms: 250,
    requestId: 'req-1',
    date: undefined,
  } as const;
  observe.call({ ...call, status: 412, lost: undefined }, true);
  for (let n = 0; n < 2; n++) observe.call({ ...call, status: undefined, lost: 'ECONNREFUSED' }, true);
  const text = observe.meter.text();
  const kind = 'service="network",method="PUT",resource="/ports/{id}"';
  assert.ok(text.includes(`kuryr_cloud_calls_total{${kind},status="412"} 1\n`), text);
  assert.ok(text.includes(`kuryr_cloud_calls_total{${kind},status="none"} 2\n`));
  assert.ok(text.includes(`kuryr_cloud_call_seconds_bucket{${kind},le="0.25"} 3\n`));
  assert.ok(!text.includes('req-1'));
  assert.equal(observe.health.report().problems[0]?.code, 'NEUTRON_UNREACHABLE');
});

test('with another credential what was said of the former one is forgotten, and no more', () => {
  const observe = new Observatory(new FakeClock());
  const sent = { service: 'network', method: 'POST', route: '/ports', ms: 5 } as const;
  const refused = { ...sent, status: 401, lost: undefined, requestId: undefined, date: undefined } as const;
  const codes = () => observe.health.report().problems.map(({ code }) => code);
  observe.call({ ...refused, service: 'identity', route: '/auth/tokens' }, true);
  observe.health.set('GROUPS_NOT_FOLLOWED', { subject: 'p1', reason: 'ACCESS_RULE_MISSING' });
  observe.health.set('PAIRS_FORBIDDEN', { subject: 'p1' });
  observe.call(refused, true);
  assert.deepEqual(codes(), ['CREDENTIAL_REFUSED']);
  observe.renewed();
  assert.deepEqual(codes(), ['PAIRS_FORBIDDEN'], 'it is looked at again');
  observe.call(refused, true);
  assert.deepEqual(codes(), ['PAIRS_FORBIDDEN'], 'one may be a token that has ended');
});

test('a request of a credential that is not in use is counted, and says nothing of the one that is', () => {
  const observe = new Observatory(new FakeClock());
  const sent = { service: 'identity', method: 'POST', route: '/auth/tokens', ms: 5, status: 401 } as const;
  const call = { ...sent, lost: undefined, requestId: undefined, date: undefined };
  observe.call(call, false);
  assert.equal(observe.health.report().status, 'ok');
  assert.ok(observe.meter.text().includes('kuryr_cloud_calls_total{service="identity"'));
  observe.call(call, true);
  assert.equal(observe.health.report().problems[0]?.code, 'CREDENTIAL_REFUSED');
});

test('what guards, host access, pairs and probes know of themselves is shown as it is now', () => {
  const error = (code: 'GUARD_FAILED' | 'GUARD_INCOMPLETE' | 'HOST_ACCESS_LACKING' | 'SERVICES_CLASH') =>
    new KuryrError(code);
  const slave = { master: { name: 'eth0', ifindex: 2 } } as Post['slave'];
  const guards = (fault?: KuryrError) => ({ posts: [{ slave, fault } as Post] });
  const access = (state: HostAccessState, shieldFault?: KuryrError) => ({ hostAccess: { state, shieldFault } });
  const pairs = (used: number) => ({ views: () => [{ port: 'p1', view: { used, ours: used, limit: 10 } }] });
  const flips = (at: number) => ({
    of: () => ({ count: 2, at, found: 'l3 bridge', by: undefined, streak: 1, pause: 0 }),
  });
  const clock = new FakeClock();
  const well: HealthSources = {
    ...{ attachments: { unanswered: 0 }, guards: guards(), flips: { of: () => undefined }, clock },
    ...{ hostAccess: { state: { is: 'unused' }, shieldFault: undefined }, writers: pairs(9) },
  };
  const lacking = { is: 'lacking', error: error('HOST_ACCESS_LACKING') } as const;
  const working = { is: 'working', foreign: [], lack: error('SERVICES_CLASH') } as const;
  const cases: readonly (readonly [change: Partial<HealthSources>, codes: readonly HealthCode[]])[] = [
    [{}, []],
    [{ guards: guards(error('GUARD_FAILED')) }, ['GUARD_FAILED']],
    [{ guards: guards(error('GUARD_INCOMPLETE')) }, ['GUARD_INCOMPLETE']],
    [{ flips: flips(clock.now() - 500_000) }, ['MASTER_FLIPPED']],
    [{ flips: flips(clock.now() - 601_000) }, []],
    [access(lacking), ['HOST_ACCESS_LACKING']],
    [access(working), ['SERVICES_LACKING']],
    [access({ is: 'off' }, error('HOST_ACCESS_LACKING')), ['SHIELD_LACKING']],
    [{ writers: pairs(10) }, ['PAIRS_FULL']],
    [{ attachments: { unanswered: 1 } }, ['FRAMES_UNSEEN']],
  ];
  for (const [change, codes] of cases) {
    const board = new HealthBoard(() => clock.now());
    watchSources(board, { ...well, ...change });
    assert.deepEqual(
      board.report().problems.map(({ code }) => code),
      codes,
    );
  }
});
