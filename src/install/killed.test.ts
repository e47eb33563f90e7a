import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Bench, program } from './bench.ts';

/** From that step on, the nth or one of that name, nothing is done any more, as of one that was killed. Gives how many it came to. */
async function killedAt(bench: Bench, at: number | string, work: () => Promise<unknown>): Promise<number> {
  let steps = 0;
  let isDead = false;
  bench.io.onStep = step => {
    steps += 1;
    isDead ||= steps === at || step === at;
    if (isDead) throw new Error('killed');
  };
  await work().catch(() => undefined);
  bench.io.onStep = () => {};
  return steps;
}

const credential = [{ path: '/etc/kuryr/clouds.yaml', text: 'another' }];
const broken = { to: 'systemctl restart kuryr.service', code: 1, output: 'it does not start' };

/** A machine before the installation that is killed. */
async function machine(version: number): Promise<Bench> {
  const bench = new Bench();
  if (version > 1) await bench.install();
  bench.release(version);
  return bench;
}

/** What is the user's own, as it stands. */
const configuration = ({ io }: Bench) => [...io.files].filter(([path]) => /^\/etc\/kuryr\/[a-z]+\.yaml$/.test(path));

/** Everything is done by then, and nobody has said so. */
const unsaid = 'remove /var/lib/kuryr-install';

for (const [what, version] of [
  ['a first installation', 1],
  ['an upgrade', 2],
] as const) {
  describe(`${what} that is killed`, () => {
    it('is put right by the next, wherever it was', async () => {
      const whole = await machine(version);
      const last = await killedAt(whole, Number.POSITIVE_INFINITY, () => whole.install({ credential }));
      assert.ok(last > 25, String(last));
      for (let n = 1; n <= last; n++) {
        const bench = await machine(version);
        await killedAt(bench, n, () => bench.install({ credential }));
        await bench.install({ credential });
        assert.deepEqual(bench.io.snapshot(), whole.io.snapshot(), `killed at step ${n}`);
      }
    });

    it('is undone by the next that fails, wherever it was, as far as it did not count', async () => {
      const before = await machine(version);
      const whole = await machine(version);
      const last = await killedAt(whole, Number.POSITIVE_INFINITY, () => whole.install({ credential }));
      for (let n = 1; n <= last; n++) {
        const bench = await machine(version);
        const since = bench.io.since.get('kuryr.service');
        await killedAt(bench, n, () => bench.install({ credential }));
        const counts = bench.io.since.get('kuryr.service') !== since;
        const own = configuration(bench);
        bench.io.answers.push(broken);
        await assert.rejects(bench.install({ credential }), { code: 'INSTALL_FAILED' });
        assert.deepEqual(configuration(bench), own, `killed at step ${n}`);
        for (const each of [bench, before, whole]) for (const [path] of configuration(each)) each.io.files.delete(path);
        assert.deepEqual(bench.io.snapshot(), (counts ? whole : before).io.snapshot(), `killed at step ${n}`);
      }
    });

    it('leaves nothing behind an uninstall, wherever it was, with --purge or without', async () => {
      const before = new Bench();
      for (const purge of [true, false]) {
        for (let n = 1; n < 80; n++) {
          const bench = await machine(version);
          bench.release(1);
          await killedAt(bench, n, () => bench.install({ credential }));
          const own = configuration(bench);
          if (!bench.io.exists('/usr/local/lib/kuryr') && !bench.io.exists('/var/lib/kuryr-install')) continue;
          await bench.uninstall({ purge, force: true });
          const left = [...bench.io.files.keys()].filter(path => !before.io.files.has(path));
          assert.deepEqual(
            left.filter(path => path !== '/etc/kuryr/kuryr.yaml' || purge),
            [],
            `killed at step ${n}`,
          );
          assert.ok(
            !bench.io.exists('/usr/local/lib') && !bench.io.exists('/etc/NetworkManager'),
            `killed at step ${n}`,
          );
          assert.deepEqual(configuration(bench), purge ? [] : own);
        }
      }
    });
  });
}

describe('an uninstall that is killed', () => {
  it('is ended by the next, wherever it was', async () => {
    const before = new Bench();
    for (const [path] of configuration(before)) before.io.files.delete(path);
    for (let n = 1; n < 80; n++) {
      const bench = await machine(1);
      await bench.install();
      await killedAt(bench, n, () => bench.uninstall({ purge: true }));
      await bench.uninstall({ purge: true, force: true }).catch(() => undefined);
      assert.deepEqual(bench.io.files, before.io.files, `killed at step ${n}`);
    }
  });
});

describe('an installation that is under way', () => {
  it('is not taken for one that was killed', async () => {
    const bench = new Bench();
    const stat = (start: number, state = 'S') => `4711 (node (a) b) ${state} ${'1 '.repeat(18)}${start} 0 0`;
    bench.io.files.set('/proc/self/stat', { text: stat(9000), mode: 0o444 });
    bench.io.files.set('/proc/4711/stat', { text: stat(9000), mode: 0o444 });
    await killedAt(bench, 20, () => bench.install());
    const before = bench.io.snapshot();
    const refused = { code: 'INSTALL_UNDER_WAY', message: /4711/ };
    await assert.rejects(bench.install(), refused);
    await assert.rejects(bench.uninstall({ force: true }), refused);
    assert.deepEqual(bench.io.snapshot(), before);
    // Dead, and not waited for yet; or another process that has its number by now.
    bench.io.files.set('/proc/4711/stat', { text: stat(9000, 'Z'), mode: 0o444 });
    await bench.install({ dryRun: true });
    bench.io.files.set('/proc/4711/stat', { text: stat(9001), mode: 0o444 });
    await bench.install();
  });

  it('is taken away by an uninstall, where it was killed before there was a daemon to ask', async () => {
    const bench = new Bench();
    await killedAt(bench, 'systemctl daemon-reload', () => bench.install());
    const attached = () => Promise.reject(Object.assign(new Error('silent'), { code: 'DAEMON_NOT_RUNNING' }));
    await bench.uninstall({ attached });
    assert.ok(!bench.io.exists(program));
  });

  it('may be gone on with by the program that it put there', async () => {
    const bench = new Bench();
    await killedAt(bench, 'systemctl daemon-reload', () => bench.install());
    bench.release(2);
    await bench.install({ built: '/usr/local/lib/kuryr', node: '/usr/local/lib/kuryr/node' });
    assert.equal(bench.io.files.get(program)?.text, 'kuryr.mjs 1');
    assert.deepEqual([...bench.io.active.keys()], ['kuryr.socket', 'kuryr.service']);
  });
});

describe('the record of one that was killed long ago', () => {
  const edited = [
    ['/etc/kuryr/kuryr.yaml', { text: 'wait-seconds: 9\n', mode: 0o644 }],
    ['/etc/kuryr/clouds.yaml', { text: 'rotated', mode: 0o600 }],
  ] as const;

  for (const version of [1, 2])
    it(`takes back nothing of version ${version}, which has served since, when the next upgrade fails`, async () => {
      const bench = await machine(version);
      await killedAt(bench, unsaid, () => bench.install({ credential }));
      for (const [path, file] of edited) bench.io.files.set(path, file);
      const before = bench.io.snapshot() as { files: Map<string, unknown> };
      for (const path of before.files.keys())
        if (/kuryr-(install|former)$|\.kuryr-former/.test(path)) before.files.delete(path);
      bench.io.commands.length = 0;
      bench.release(3);
      bench.io.answers.push(broken);
      await assert.rejects(bench.install(), { code: 'INSTALL_FAILED' });
      bench.release(version);
      assert.deepEqual(bench.io.snapshot(), before);
      assert.ok(!bench.systemctl().some(line => line.includes('disable')));
    });

  it('has no say in configuration and credential, whatever comes next', async () => {
    for (const next of ['install', 'fail', 'uninstall'] as const) {
      const bench = await machine(2);
      await killedAt(bench, 'systemctl daemon-reload', () => bench.install({ credential }));
      for (const [path, file] of edited) bench.io.files.set(path, file);
      const own = configuration(bench);
      if (next === 'fail') bench.io.answers.push(broken);
      await (next === 'uninstall' ? bench.uninstall({ force: true }) : bench.install().catch(() => undefined));
      assert.deepEqual(configuration(bench), own, next);
    }
  });
});
