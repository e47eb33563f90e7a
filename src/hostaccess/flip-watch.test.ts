import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fakeRefusal } from '../linux/fake-refusal.ts';
import { GuardBench } from './guard-bench.ts';

/** Two containers on a guarded master, and one who changes its link's flag, which is all links'. */
async function bed() {
  const bench = new GuardBench();
  bench.restart();
  const good = await bench.attach('good', '10.0.0.21');
  const bad = await bench.attach('bad', '10.0.0.22');
  const flip = (flag: 'private' | 'vepa' | 'bridge' = 'private') =>
    bench.kernel.setMode(bad.sandbox, bad.ifindex, 'l2', flag);
  const flagNow = () => bench.kernel.links(good.sandbox)[0]?.flag;
  return { bench, good, bad, flip, flagNow };
}

test('what a container changes of all links is put back at once, and it is named', async () => {
  const { bench, flip, flagNow } = await bed();
  flip();
  assert.equal(flagNow(), 'bridge');
  assert.deepEqual(
    bench.warnings.map(({ code, attachment }) => [code, attachment]),
    [['MASTER_FLIPPED', 'bad']],
  );
  assert.match(bench.warnings[0]?.said ?? '', /ens3 .*l2 private .*l2 bridge .*attachment bad/);
  const flips = bench.flips.of(bench.ens3.ifindex);
  assert.deepEqual([flips?.count, flips?.found, flips?.by, flips?.pause], [1, 'l2 private', 'bad', 0]);
});

test("the attachments' own flag is what is put back", async () => {
  const bench = new GuardBench();
  bench.restart();
  const { sandbox, ifindex } = await bench.attach('a', '10.0.0.21', 'private');
  bench.kernel.setMode(sandbox, ifindex, 'l2', 'bridge');
  assert.equal(bench.kernel.links(sandbox)[0]?.flag, 'private');
});

test('a container that goes on is answered ever more slowly, and forgiven after a minute', async () => {
  const { bench, flip, flagNow } = await bed();
  for (let n = 0; n < 5; n++) flip();
  assert.equal(flagNow(), 'bridge');
  assert.match(bench.warnings.at(-1)?.said ?? '', /let stand for 1 s/);
  flip();
  assert.equal(flagNow(), 'private');
  assert.equal(bench.warnings.length, 5);
  await bench.clock.advance(1000);
  assert.equal(flagNow(), 'bridge');
  assert.equal(bench.warnings.at(-1)?.['attachment'], 'bad', 'also when it is put back later');
  for (let n = 0; n < 100; n++) flip(n % 2 === 0 ? 'private' : 'vepa');
  await bench.clock.advance(2000);
  assert.equal(bench.warnings.length, 7);
  await bench.clock.advance(65_000);
  flip();
  assert.equal(flagNow(), 'bridge');
  assert.equal(bench.flips.of(bench.ens3.ifindex)?.pause, 0);
});

test('a container that makes link events in a loop is left alone in between', async () => {
  const { bench, bad, flip, flagNow } = await bed();
  let reads = 0;
  const { watch } = bench.kernel.wide;
  bench.kernel.wide.watch = function (wake, signal) {
    const reader = watch.call(this, wake, signal);
    return {
      read() {
        reads++;
        return reader.read();
      },
    };
  };
  bench.restart();
  for (let n = 0; n < 10_000; n++) bench.kernel.changeLink(bad.sandbox, bad.ifindex, { alias: `n${n}` });
  assert.ok(reads <= 202, String(reads));
  flip();
  assert.equal(flagNow(), 'private', 'not read yet');
  await bench.clock.advance(500);
  assert.equal(flagNow(), 'bridge');
});

test('events that the kernel dropped, and flips that none tells of, are found by looking', async () => {
  const { bench, bad, flagNow } = await bed();
  const silently = () => {
    for (const path of [bad.sandbox.path, bench.path, '/run/docker/netns/good'])
      Object.assign(bench.kernel.links({ path }).find(({ kind }) => kind === 'ipvlan') ?? {}, { flag: 'vepa' });
  };
  silently();
  assert.equal(flagNow(), 'vepa');
  bench.kernel.wide.lose();
  assert.equal(flagNow(), 'bridge');
  silently();
  bench.flips.sweep();
  assert.equal(flagNow(), 'bridge');
  assert.equal(bench.warnings.at(-1)?.['attachment'], undefined, 'nobody is blamed by guess');
});

test('a flip while no daemon ran is put back at its start', async () => {
  const { bench, bad, flagNow } = await bed();
  bench.stop();
  bench.kernel.setMode(bad.sandbox, bad.ifindex, 'l2', 'vepa');
  assert.equal(flagNow(), 'vepa');
  bench.restart();
  assert.equal(flagNow(), 'bridge');
});

test('other links, and other masters, are none of its business', async () => {
  const { bench } = await bed();
  const ens4 = bench.kernel.addLink('host', { name: 'ens4' });
  const other = { name: 'x', ifindex: 700, master: ens4.ifindex, mtu: 1500, alias: '' };
  bench.kernel.createSlave('host', { ...other, kind: 'ipvlan', mode: 'l2', flag: 'vepa' });
  assert.equal(bench.kernel.links('host').find(({ ifindex }) => ifindex === 700)?.flag, 'vepa');
  assert.deepEqual(bench.warnings, []);
});

test('where the kernel does not tell of other namespaces, or does not put back, it says so and goes on', async () => {
  const bench = new GuardBench();
  bench.kernel.failNext('watchLinks', fakeRefusal('NOT_PRIVILEGED', 'listen', 'EPERM', {}));
  bench.restart();
  const { sandbox, ifindex } = await bench.attach('a', '10.0.0.21');
  bench.kernel.setMode(sandbox, ifindex, 'l2', 'vepa');
  bench.kernel.failNext('setMode', fakeRefusal('KERNEL_REFUSED', 'set', 'EIO', {}));
  bench.flips.sweep();
  bench.flips.sweep();
  assert.equal(bench.warnings.length, 2, 'not at every look');
  await bench.clock.advance(30_000);
  assert.deepEqual(
    bench.warnings.map(({ code }) => code),
    ['NOT_PRIVILEGED', 'KERNEL_REFUSED', 'MASTER_FLIPPED'],
  );
});
