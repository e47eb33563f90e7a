import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isKuryrError, KuryrError } from '../errors/kuryr-error.ts';
import type { ErrorCode } from '../errors/table.ts';
import { never, pairBench } from './pair-bench.ts';

const code = (wanted: ErrorCode) => (error: unknown) => isKuryrError(error, wanted);
const VIP = { mac_address: '00:00:5e:00:01:07', ip_address: '10.0.0.200', note: 'of keepalived', weight: { a: [1] } };
const MAC = 'fa:16:3e:aa:bb:cc';

test('permits the first pair with a read, a write and a read back, and the next one without the first read', async () => {
  const bench = pairBench();
  await bench.done(bench.add('10.0.0.5'));
  assert.deepEqual(bench.calls(), ['GET', 'PUT', 'GET']);
  await bench.done(bench.add('10.0.0.6'));
  assert.deepEqual(bench.calls(), ['PUT', 'GET']);
  assert.deepEqual(bench.stored(), [
    { mac_address: bench.vm.mac_address, ip_address: '10.0.0.5' },
    { mac_address: bench.vm.mac_address, ip_address: '10.0.0.6' },
  ]);
});

test('reads anew before a write when the last reading is old', async () => {
  const bench = pairBench();
  await bench.done(bench.add('10.0.0.5'));
  await bench.clock.advance(60_000);
  bench.calls();
  await bench.done(bench.add('10.0.0.6'));
  assert.deepEqual(bench.calls(), ['GET', 'PUT', 'GET']);
});

test('writes the bare address for ipvlan, and the MAC of the container for macvlan', async () => {
  const bench = pairBench();
  await bench.done(Promise.all([bench.add('10.0.0.5'), bench.add('10.0.0.6', MAC)]));
  const put = bench.neutron.calls.find(call => call.method === 'updatePort');
  assert.deepEqual(put?.args[1], {
    allowed_address_pairs: [{ ip_address: '10.0.0.5' }, { ip_address: '10.0.0.6', mac_address: MAC }],
  });
});

test('takes changes that come together, and those that come during a write, in one write', async () => {
  const bench = pairBench();
  bench.neutron.pairLimit = 100;
  const first = Array.from({ length: 20 }, (_, i) => bench.add(`10.0.0.${i + 10}`));
  const undo = bench.neutron.before('updatePort', () => {
    undo();
    later.push(...Array.from({ length: 20 }, (_, i) => bench.add(`10.0.0.${i + 50}`)));
  });
  const later: Promise<void>[] = [];
  await bench.done(Promise.all(first));
  await bench.done(Promise.all(later));
  assert.deepEqual(bench.calls(), ['GET', 'PUT', 'GET', 'PUT', 'GET']);
  assert.equal(bench.stored().length, 40);
});

test('gathers a burst that trickles in on a slow cloud into few writes', async () => {
  const bench = pairBench();
  bench.neutron.pairLimit = 100;
  bench.neutron.before('updatePort', () => bench.clock.sleep(300, never));
  const work: Promise<void>[] = [];
  for (let i = 0; i < 20; i++) {
    work.push(bench.add(`10.0.0.${i + 10}`));
    await bench.clock.advance(100);
  }
  await bench.done(Promise.all(work));
  assert.ok(bench.calls().length <= 9, 'at most four writes, each with its read, and the first read');
  assert.equal(bench.stored().length, 20);
});

test('keeps foreign entries byte for byte, unknown fields and order too, when ours come and go', async () => {
  const foreign = [VIP, { mac_address: MAC, ip_address: '192.168.0.0/16' }];
  const bench = pairBench(foreign);
  await bench.done(bench.add('10.0.0.5'));
  assert.equal(JSON.stringify(bench.stored().slice(0, 2)), JSON.stringify(foreign));
  await bench.done(bench.remove('10.0.0.5'));
  assert.equal(JSON.stringify(bench.stored()), JSON.stringify(foreign));
});

test('keeps a foreign pair that was written between our read and write', async () => {
  const bench = pairBench();
  const undo = bench.neutron.before('updatePort', () => {
    undo();
    bench.neutron.meddle(bench.vm.id, { allowed_address_pairs: [VIP] });
  });
  await bench.done(bench.add('10.0.0.5'));
  assert.deepEqual(bench.addresses(), ['10.0.0.200', '10.0.0.5']);
  assert.deepEqual(bench.calls(), ['GET', 'PUT', 'GET', 'PUT', 'GET']);
});

test('writes again what another writer dropped before the read back', async () => {
  const bench = pairBench();
  const undo = bench.neutron.after('updatePort', () => {
    undo();
    bench.neutron.meddle(bench.vm.id, { allowed_address_pairs: [VIP] });
  });
  await bench.done(bench.add('10.0.0.5'));
  assert.deepEqual(bench.addresses(), ['10.0.0.200', '10.0.0.5']);
});

test('removes again what a write of the same moment brought back', async () => {
  const bench = pairBench([VIP]);
  await bench.done(bench.add('10.0.0.5'));
  const before = bench.stored();
  const undo = bench.neutron.after('updatePort', () => {
    undo();
    bench.neutron.meddle(bench.vm.id, { allowed_address_pairs: before });
  });
  await bench.done(bench.remove('10.0.0.5'));
  assert.deepEqual(bench.addresses(), ['10.0.0.200']);
});

test('restores a standing pair that a later read finds missing, and no foreign one', async () => {
  const bench = pairBench([VIP]);
  await bench.done(bench.add('10.0.0.5'));
  bench.neutron.meddle(bench.vm.id, { allowed_address_pairs: [] });
  await bench.done(bench.writer.refresh(never));
  await bench.clock.advance(1000);
  assert.deepEqual(bench.addresses(), ['10.0.0.5']);
});

test('verifies by one read what is said to stand already, and writes nothing', async () => {
  const bench = pairBench();
  await bench.done(bench.add('10.0.0.5'));
  bench.calls();
  await bench.done(bench.add('10.0.0.5'));
  assert.deepEqual(bench.calls(), ['GET']);
});

test('goes on from a read when the answer of a write was lost, whether it took effect or not', async () => {
  const lost = new KuryrError('NEUTRON_OUTCOME_UNKNOWN', { method: 'PUT', path: '/ports', reason: 'reset' });
  for (const when of ['before', 'after'] as const) {
    const bench = pairBench();
    const undo = bench.neutron[when]('updatePort', () => {
      undo();
      throw lost;
    });
    await bench.done(bench.add('10.0.0.5'));
    assert.deepEqual(bench.addresses(), ['10.0.0.5']);
    assert.equal(bench.calls().length, when === 'before' ? 5 : 3);
  }
});

test('gives up with PAIRS_CONTENDED when each write is overtaken, and says how often it tried', async () => {
  const bench = pairBench();
  bench.neutron.before('updatePort', () => bench.neutron.meddle(bench.vm.id, {}));
  const error = await bench.done(bench.add('10.0.0.5')).catch((reason: unknown) => reason);
  assert.ok(isKuryrError(error, 'PAIRS_CONTENDED'));
  assert.equal(error.details['attempts'], 12);
  assert.equal(error.details['address'], '10.0.0.5');
});

test('ends only the wait of a waiter that gives up', async () => {
  const bench = pairBench();
  const patience = new AbortController();
  const given = bench.add('10.0.0.5', undefined, patience.signal);
  patience.abort(new Error('enough'));
  await assert.rejects(given, /enough/);
  await bench.clock.advance(1000);
  assert.deepEqual(bench.addresses(), ['10.0.0.5']);
});

test('lets the later of two opposite wishes win', async () => {
  const bench = pairBench();
  const undo = bench.neutron.before('updatePort', () => {
    undo();
    removed = bench.remove('10.0.0.5');
  });
  let removed = Promise.resolve();
  await assert.rejects(bench.done(bench.add('10.0.0.5')), code('PAIRS_SUPERSEDED'));
  await bench.done(removed);
  assert.deepEqual(bench.addresses(), []);
});

test('leaves an equal entry that the ledger does not know as ours', async () => {
  const bench = pairBench([{ ip_address: '10.0.0.5' }]);
  await bench.done(bench.writer.add({ address: '10.0.0.5' }, never));
  assert.deepEqual(bench.calls(), ['GET']);
  await bench.done(bench.remove('10.0.0.5'));
  assert.deepEqual(bench.calls(), []);
  assert.deepEqual(bench.addresses(), ['10.0.0.5']);
});

test('takes another text or MAC for another entry', async () => {
  const foreign = [
    { ip_address: '10.0.0.5/32', mac_address: MAC },
    { ip_address: '10.0.0.5', mac_address: MAC },
  ];
  const bench = pairBench(foreign);
  await bench.done(bench.add('10.0.0.5'));
  assert.equal(bench.stored().length, 3);
  await bench.done(bench.remove('10.0.0.5'));
  assert.deepEqual(bench.stored(), foreign);
});

test("takes X/32 for another entry than X with the port's own MAC too: OVN compares text", async () => {
  const bench = pairBench();
  const slash = { ip_address: '10.0.0.5/32', mac_address: bench.vm.mac_address };
  bench.neutron.meddle(bench.vm.id, { allowed_address_pairs: [slash] });
  await bench.done(bench.add('10.0.0.5'));
  assert.deepEqual(bench.addresses(), ['10.0.0.5/32', '10.0.0.5']);
  await bench.done(bench.remove('10.0.0.5'));
  assert.deepEqual(bench.stored(), [slash]);
});

test('writes nothing on a port without port security', async () => {
  const bench = pairBench([], true);
  await bench.done(bench.add('10.0.0.5'));
  await bench.done(bench.remove('10.0.0.5'));
  assert.deepEqual(bench.calls(), ['GET', 'GET']);
});

test('does not believe for ever that a port has no port security', async () => {
  const bench = pairBench([], true);
  await bench.done(bench.add('10.0.0.5'));
  await bench.done(bench.remove('10.0.0.5'));
  bench.neutron.meddle(bench.vm.id, { port_security_enabled: true });
  await bench.done(bench.add('10.0.0.6'));
  assert.deepEqual(bench.addresses(), ['10.0.0.6']);
});

test('permits what it skipped once port security is switched on', async () => {
  const bench = pairBench([], true);
  await bench.done(bench.add('10.0.0.5'));
  bench.neutron.meddle(bench.vm.id, { port_security_enabled: true });
  await bench.done(bench.writer.refresh(never));
  await bench.clock.advance(1000);
  assert.deepEqual(bench.addresses(), ['10.0.0.5']);
});

test('needs no pair when port security is switched off between read and write', async () => {
  const bench = pairBench();
  const undo = bench.neutron.before('updatePort', () => {
    undo();
    throw new KuryrError('PORT_SECURITY_OFF', { port: bench.vm.id, status: 409 });
  });
  bench.neutron.before('port', () => {
    if (bench.neutron.calls.some(call => call.method === 'updatePort')) {
      bench.neutron.meddle(bench.vm.id, { port_security_enabled: false });
    }
  });
  await bench.done(bench.add('10.0.0.5'));
  assert.deepEqual(bench.calls(), ['GET', 'PUT', 'GET']);
});

test('explains that pairs on a network of another project are forbidden', async () => {
  const bench = pairBench();
  bench.neutron.before('updatePort', () => {
    throw new KuryrError('NEUTRON_FORBIDDEN', { status: 403, message: 'disallowed by policy', requestId: 'req-1' });
  });
  const error = await bench.done(Promise.all([bench.add('10.0.0.5'), bench.add('10.0.0.6')])).catch(reason => reason);
  assert.ok(isKuryrError(error, 'PAIRS_FORBIDDEN'));
  assert.equal(error.details['port'], bench.vm.id);
  assert.deepEqual(bench.calls(), ['GET', 'PUT']);
});

test('refuses only the pair whose MAC the cloud refuses, and permits those that came with it', async () => {
  const bench = pairBench();
  bench.neutron.refuseForeignMacs = true;
  const work = [bench.add('10.0.0.5'), bench.add('10.0.0.6', MAC), bench.add('10.0.0.7')];
  const [first, refused, last] = await bench.done(Promise.allSettled(work));
  assert.equal(first?.status, 'fulfilled');
  assert.equal(last?.status, 'fulfilled');
  assert.ok(refused?.status === 'rejected' && isKuryrError(refused.reason, 'PAIR_MAC_REFUSED'));
  assert.deepEqual(bench.addresses(), ['10.0.0.5', '10.0.0.7']);
});

test('counts removals as done and fails additions when the port is gone', async () => {
  const bench = pairBench();
  await bench.done(bench.add('10.0.0.5'));
  await bench.neutron.deletePort(bench.vm.id, never);
  const work = [bench.remove('10.0.0.5'), bench.add('10.0.0.6')];
  const [removed, added] = await bench.done(Promise.allSettled(work));
  assert.equal(removed?.status, 'fulfilled');
  assert.ok(added?.status === 'rejected' && isKuryrError(added.reason, 'VM_PORT_GONE'));
});

test('fails who waits when the port cannot be read, and works again afterwards', async () => {
  const bench = pairBench();
  const undo = bench.neutron.before('port', () => {
    throw new KuryrError('CLOUD_UNREACHABLE', { method: 'GET', url: '/ports', reason: 'ECONNREFUSED' });
  });
  await assert.rejects(bench.done(bench.add('10.0.0.5')), code('CLOUD_UNREACHABLE'));
  undo();
  await bench.done(bench.add('10.0.0.5'));
  assert.deepEqual(bench.addresses(), ['10.0.0.5']);
});

test('bounds a call that is never answered', async () => {
  const bench = pairBench();
  bench.neutron.before('port', () => new Promise(() => {}));
  await assert.rejects(bench.done(bench.add('10.0.0.5')), code('CLOUD_TIMEOUT'));
});

test('ends with the reason it is closed for, and takes nothing afterwards', async () => {
  const bench = pairBench();
  bench.neutron.before('port', () => new Promise(() => {}));
  const waiting = bench.add('10.0.0.5');
  const reading = bench.writer.refresh(never);
  bench.writers.close(new Error('going down'));
  await Promise.all([assert.rejects(waiting, /going down/), assert.rejects(reading, /going down/)]);
  await assert.rejects(bench.add('10.0.0.6'), /going down/);
});

test('shows what is used and ours as last read', async () => {
  const bench = pairBench([VIP]);
  assert.equal(bench.writer.view(), undefined);
  await bench.done(bench.add('10.0.0.5'));
  assert.deepEqual(bench.writer.view(), { used: 2, ours: 1, limit: undefined });
  bench.neutron.meddle(bench.vm.id, { allowed_address_pairs: bench.stored().slice(1) });
  assert.deepEqual(await bench.done(bench.writer.refresh(never)), { used: 1, ours: 1, limit: undefined });
});

test('believes no read that began before it was asked', async () => {
  const bench = pairBench([{ ip_address: '10.0.0.5' }]);
  let added = Promise.resolve();
  const undo = bench.neutron.after('port', () => {
    undo();
    bench.neutron.meddle(bench.vm.id, { allowed_address_pairs: [] });
    added = bench.add('10.0.0.5');
  });
  await bench.done(bench.writer.refresh(never));
  await bench.done(added);
  assert.deepEqual(bench.addresses(), ['10.0.0.5']);
});

test('does what is to be alone while nothing is written, and goes on with the rest whatever comes of it', async () => {
  const { neutron, writer, add, done, addresses } = pairBench();
  let writing = false;
  const seen: boolean[] = [];
  neutron.before('updatePort', () => {
    writing = true;
  });
  neutron.after('updatePort', () => {
    writing = false;
  });
  const adding = add('10.0.0.50');
  const looks = [1, 2].map(() =>
    writer.alone(async () => {
      seen.push(writing);
      throw new Error('no answer');
    }, never),
  );
  const more = add('10.0.0.51');
  const ended = await done(Promise.allSettled([adding, more, ...looks]));
  assert.deepEqual(
    ended.map(({ status }) => status),
    ['fulfilled', 'fulfilled', 'rejected', 'rejected'],
  );
  assert.deepEqual(seen, [false, false]);
  assert.deepEqual(addresses(), ['10.0.0.50', '10.0.0.51']);
});

test('writes nothing while something is done alone, and reads anew after it', async () => {
  const { neutron, vm, writer, add, done, addresses } = pairBench();
  const gate = Promise.withResolvers<void>();
  const alone = writer.alone(async () => {
    const before = neutron.calls.length;
    await gate.promise;
    assert.equal(neutron.calls.length, before);
    neutron.meddle(vm.id, { allowed_address_pairs: [{ ip_address: '10.0.0.77' }] });
  }, never);
  const adding = add('10.0.0.50');
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  gate.resolve();
  await done(Promise.all([alone, adding]));
  assert.deepEqual(addresses(), ['10.0.0.77', '10.0.0.50']);
});
