import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isKuryrError } from '../errors/kuryr-error.ts';
import { never, pairBench } from './pair-bench.ts';

const VIP = { ip_address: '10.0.0.200' };

test('asks for the limit once, by a request that changes nothing', async () => {
  const bench = pairBench([VIP]);
  const before = bench.neutron.peek(bench.vm.id);
  assert.equal(await bench.done(bench.writer.limit(never)), 10);
  assert.equal(await bench.done(bench.writer.limit(never)), 10);
  assert.deepEqual(bench.calls(), ['PUT']);
  assert.deepEqual(bench.neutron.peek(bench.vm.id), before);
});

test('asks again for the limit of a list that is full: it may have been raised', async () => {
  const bench = pairBench([VIP]);
  bench.neutron.pairLimit = 1;
  await bench.done(bench.writer.refresh(never));
  assert.equal(await bench.done(bench.writer.limit(never)), 1);
  bench.neutron.pairLimit = 2;
  assert.equal(await bench.done(bench.writer.limit(never)), 2);
  bench.calls();
  assert.equal(await bench.done(bench.writer.limit(never)), 2);
  assert.deepEqual(bench.calls(), []);
});

test('shows nothing of a port that is to be forgotten, until it is read again', async () => {
  const bench = pairBench([VIP]);
  await bench.done(bench.writer.refresh(never));
  bench.writer.forget();
  assert.deepEqual([bench.writer.view(), bench.writers.views()], [undefined, []]);
  await bench.done(bench.add('10.0.0.5'));
  assert.deepEqual(bench.addresses(), ['10.0.0.200', '10.0.0.5']);
  assert.equal(bench.writer.view()?.used, 2);
});

test('knows no limit where it is above what it asks for', async () => {
  const bench = pairBench();
  bench.neutron.pairLimit = 5000;
  assert.equal(await bench.done(bench.writer.limit(never)), undefined);
});

test('permits those of a batch that fit, in order of arrival, and names port, use, limit and address to the rest', async () => {
  for (const known of [false, true]) {
    const bench = pairBench([VIP]);
    bench.neutron.pairLimit = 4;
    if (known) await bench.done(bench.writer.limit(never));
    const work = [5, 6, 7, 8, 9].map(n => bench.add(`10.0.0.${n}`));
    const fates = await bench.done(Promise.allSettled(work));
    assert.deepEqual(
      fates.map(fate => fate.status),
      ['fulfilled', 'fulfilled', 'fulfilled', 'rejected', 'rejected'],
    );
    const error: unknown = fates[4]?.status === 'rejected' ? fates[4].reason : undefined;
    assert.ok(isKuryrError(error, 'PAIRS_EXHAUSTED'));
    assert.deepEqual(error.details, { port: bench.vm.id, used: 4, limit: 4, address: '10.0.0.9' });
    assert.deepEqual(bench.addresses(), ['10.0.0.200', '10.0.0.5', '10.0.0.6', '10.0.0.7']);
  }
});

test('permits a pair on a list that was full, once a foreign entry has gone or the limit was raised', async () => {
  const bench = pairBench([VIP]);
  bench.neutron.pairLimit = 1;
  const full = await bench.done(bench.add('10.0.0.5')).catch((reason: unknown) => reason);
  assert.ok(isKuryrError(full, 'PAIRS_EXHAUSTED'));
  bench.neutron.meddle(bench.vm.id, { allowed_address_pairs: [] });
  await bench.done(bench.add('10.0.0.5'));
  bench.neutron.pairLimit = 2;
  await bench.done(bench.add('10.0.0.6'));
  assert.deepEqual(bench.addresses(), ['10.0.0.5', '10.0.0.6']);
});

test('takes a removal and an addition on a full list in one write', async () => {
  const bench = pairBench();
  bench.neutron.pairLimit = 1;
  await bench.done(bench.add('10.0.0.5'));
  await bench.done(bench.writer.limit(never));
  bench.calls();
  await bench.done(Promise.all([bench.remove('10.0.0.5'), bench.add('10.0.0.6')]));
  assert.deepEqual(bench.addresses(), ['10.0.0.6']);
  assert.deepEqual(bench.calls(), ['PUT', 'GET']);
});
