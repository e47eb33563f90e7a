import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { Bench, program } from './bench.ts';

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
});

describe('kuryr uninstall', () => {
  it('leaves the machine as it was, but for configuration, credential and ledger', async () => {
    const before = bench.io.snapshot();
    await bench.install();
    bench.io.folders.set('/run/kuryr', 0o700);
    bench.io.files.set('/var/lib/kuryr/ledger', { text: 'x', mode: 0o600 });
    await bench.uninstall();
    assert.deepEqual(
      [...bench.io.files.keys()].filter(path => /kuryr/.test(path) && !path.startsWith('/built')),
      ['/etc/kuryr/clouds.yaml', '/etc/kuryr/kuryr.yaml', '/var/lib/kuryr/ledger'],
    );
    await bench.install();
    bench.io.folders.set('/run/kuryr', 0o700);
    await bench.uninstall({ purge: true });
    assert.ok(!bench.io.exists('/etc/kuryr') && !bench.io.exists('/var/lib/kuryr'));
    bench.io.folders.set('/etc/kuryr', 0o755);
    bench.io.files.set('/etc/kuryr/clouds.yaml', { text: 'the credential', mode: 0o600 });
    assert.deepEqual(bench.io.snapshot(), before);
  });

  it('takes away the folders that it made, and no others, empty though they are', async () => {
    bench.io.folders.set('/etc/systemd/network', 0o755);
    await bench.install();
    const made = bench.io.files.get('/usr/local/lib/kuryr/folders-made')?.text.split('\n') ?? [];
    assert.ok(made.includes('/usr/local/share/man/man1') && made.includes('/etc/NetworkManager'), String(made));
    for (const folder of made.slice(0, -1)) bench.io.folders.set(folder, 0o755);
    bench.io.files.set('/etc/NetworkManager/conf.d/another.conf', { text: '', mode: 0o644 });
    await bench.install();
    await bench.uninstall({ purge: true });
    for (const [folder, stays] of [
      ['/usr/local/share/man/man1', false],
      ['/usr/local/share', false],
      ['/etc/systemd/network', true],
      ['/etc/NetworkManager/conf.d', true],
    ] as const)
      assert.equal(bench.io.folders.has(folder), stays, folder);
  });

  it('leaves what another installation put into its place', async () => {
    await bench.install();
    bench.io.links.set('/usr/local/bin/kuryr', '../lib/node_modules/kuryr/bin/kuryr.cjs');
    await bench.uninstall({ purge: true });
    assert.ok(bench.io.files.has('/usr/local/bin/kuryr') && !bench.io.exists(program));
  });

  it('has the daemon give back what it holds before it is stopped, and the socket stopped after it', async () => {
    await bench.install();
    bench.io.commands.length = 0;
    await bench.uninstall();
    assert.deepEqual(
      bench.io.commands.filter(line => /give|withdraw|disable/.test(line)),
      ['give back', 'withdraw', 'systemctl disable --now kuryr.service', 'systemctl disable --now kuryr.socket'],
    );
  });

  it('lets go of namespaces that a guard was kept in', async () => {
    await bench.install();
    bench.io.files.set('/proc/self/mounts', {
      text: 'nsfs /run/kuryr/guard/2 nsfs rw 0 0\nnsfs /run/netns/a nsfs rw 0 0\n',
      mode: 0o444,
    });
    await bench.uninstall();
    assert.deepEqual(
      bench.io.commands.filter(line => line.startsWith('umount')),
      ['umount -l /run/kuryr/guard/2'],
    );
  });

  it('is refused while containers are attached, networks are left or the daemon is silent, unless forced', async () => {
    await bench.install();
    const before = bench.io.snapshot();
    const silent = () => Promise.reject(Object.assign(new Error('silent'), { code: 'DAEMON_NOT_RUNNING' }));
    await assert.rejects(bench.uninstall({ attached: async () => 2 }), { code: 'UNINSTALL_ATTACHED' });
    await assert.rejects(bench.uninstall({ attached: silent }), { code: 'DAEMON_NOT_RUNNING' });
    bench.io.answers.push({ to: 'docker network ls', code: 0, output: 'lan\n' });
    await assert.rejects(bench.uninstall(), { code: 'UNINSTALL_NETWORKS', message: /lan/ });
    assert.deepEqual(bench.io.snapshot(), before);
    await bench.uninstall({ attached: async () => 2, giveBack: silent, force: true });
    assert.ok(!bench.io.exists(program));
  });

  it('takes nothing away while something is still held in the cloud, unless forced', async () => {
    await bench.install();
    const before = bench.io.snapshot();
    const held = { purge: true, giveBack: async () => 2 };
    await assert.rejects(bench.uninstall(held), { code: 'UNINSTALL_HELD', message: /^2 / });
    assert.deepEqual(bench.io.snapshot(), before);
    await bench.uninstall({ ...held, force: true });
    assert.ok(!bench.io.exists('/var/lib/kuryr'));
  });

  it('is refused to all but root, for a package, and where nothing is installed', async () => {
    await assert.rejects(bench.uninstall(), { code: 'INSTALL_MISSING' });
    await assert.rejects(bench.uninstall({ isRoot: false }), { code: 'INSTALL_NOT_ROOT' });
    bench.io.files.set('/usr/lib/kuryr/kuryr.mjs', { text: '', mode: 0o644 });
    await assert.rejects(bench.uninstall(), { code: 'INSTALL_PACKAGED' });
  });
});
