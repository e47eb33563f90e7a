import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { FakeIo } from './fake-io.ts';
import { type InstallParts, install } from './installer.ts';
import { layout } from './layout.ts';
import { localPlace } from './place.ts';
import { type UninstallParts, uninstall } from './uninstaller.ts';

const program = '/usr/local/lib/kuryr/kuryr.mjs';

class Bench {
  readonly io = new FakeIo();
  readonly said: string[] = [];

  constructor() {
    const { files, folders } = this.io;
    for (const folder of ['/run/systemd/system', '/etc/kuryr']) folders.set(folder, 0o755);
    for (const name of ['kuryr.mjs', 'koffi-linux-x64.node', 'man/man1/kuryr.1'])
      files.set(`/built/${name}`, { text: `${name} 1`, mode: 0o600 });
    files.set('/opt/node', { text: 'node 1', mode: 0o700 });
    files.set('/etc/kuryr/clouds.yaml', { text: 'the credential', mode: 0o600 });
  }

  install(parts: Partial<InstallParts> = {}): Promise<void> {
    return install({
      ...{ io: this.io, cpu: 'x64', isRoot: true, built: '/built', node: '/opt/node', credential: [], dryRun: false },
      answers: async () => false,
      say: line => void this.said.push(line),
      ...parts,
    });
  }

  uninstall(parts: Partial<UninstallParts> = {}): Promise<void> {
    return uninstall({
      ...{ io: this.io, cpu: 'x64', isRoot: true, purge: false, force: false },
      attached: async () => 0,
      giveBack: async () => {
        this.io.commands.push('give back');
        return 0;
      },
      withdraw: async () => void this.io.commands.push('withdraw'),
      say: line => void this.said.push(line),
      ...parts,
    });
  }

  systemctl(): string[] {
    return this.io.commands.filter(line => line.startsWith('systemctl') && !line.includes('is-active'));
  }
}

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
});

describe('kuryr install', () => {
  it('puts there what the layout has, with its modes, the program and its Node too, and starts it', async () => {
    await bench.install();
    for (const entry of layout(localPlace, 'x64')) {
      const there = entry.kind === 'folder' ? bench.io.folders.get(entry.path) : bench.io.files.get(entry.path)?.mode;
      assert.equal(there, entry.mode, entry.path);
    }
    assert.equal(bench.io.files.get(program)?.text, 'kuryr.mjs 1');
    assert.equal(bench.io.files.get('/usr/local/lib/kuryr/node')?.text, 'node 1');
    assert.ok(bench.io.exists('/usr/local/share/man/man1/kuryr.1'));
    assert.deepEqual(bench.systemctl(), [
      'systemctl daemon-reload',
      'systemctl enable kuryr.socket kuryr.service',
      'systemctl reset-failed kuryr.socket kuryr.service',
      'systemctl start kuryr.socket',
      'systemctl restart kuryr.service',
    ]);
    assert.equal(bench.io.files.get('/etc/kuryr/clouds.yaml')?.text, 'the credential');
  });

  it('has network managers that run leave the links alone from now on', async () => {
    bench.io.answers.push({ to: 'systemctl is-active --quiet NetworkManager', code: 3, output: '' });
    await bench.install();
    assert.ok(bench.io.commands.includes('networkctl reload'));
    assert.ok(!bench.io.commands.some(line => line.startsWith('nmcli')));
  });

  it('changes nothing when it is done again, and leaves no draft behind', async () => {
    await bench.install();
    const before = bench.io.snapshot();
    bench.said.length = 0;
    await bench.install();
    assert.deepEqual(bench.io.snapshot(), before);
    assert.ok(!bench.said.some(line => /^(make|replace)/.test(line)), String(bench.said));
    assert.ok(
      ![...bench.io.files.keys()].some(
        path => path.includes('kuryr-') && path.startsWith('/usr/local/lib/kuryr/kuryr.mjs.'),
      ),
    );
  });

  it('upgrades the program, restarts the service while its socket stays, and keeps what the user wrote', async () => {
    await bench.install();
    bench.io.files.set('/built/kuryr.mjs', { text: 'kuryr.mjs 2', mode: 0o600 });
    bench.io.files.set('/etc/kuryr/kuryr.yaml', { text: 'wait-seconds: 9\n', mode: 0o644 });
    bench.io.commands.length = 0;
    await bench.install();
    assert.equal(bench.io.files.get(program)?.text, 'kuryr.mjs 2');
    assert.equal(bench.io.files.get('/etc/kuryr/kuryr.yaml')?.text, 'wait-seconds: 9\n');
    assert.ok(bench.systemctl().includes('systemctl restart kuryr.service'));
    assert.ok(!bench.systemctl().some(line => /(stop|restart|disable).*kuryr\.socket/.test(line)));
  });

  it('puts the former version back, and starts that, when the new one does not start', async () => {
    await bench.install();
    const before = bench.io.snapshot();
    bench.io.files.set('/built/kuryr.mjs', { text: 'kuryr.mjs 2', mode: 0o600 });
    bench.io.answers.push({ to: 'systemctl restart kuryr.service', code: 1, output: 'Job failed' });
    await assert.rejects(bench.install(), { code: 'INSTALL_FAILED' });
    bench.io.files.set('/built/kuryr.mjs', { text: 'kuryr.mjs 1', mode: 0o600 });
    assert.deepEqual(bench.io.snapshot(), before);
    assert.equal(bench.systemctl().at(-1), 'systemctl restart kuryr.service');
  });

  it('leaves nothing of an installation that fails on the way', async () => {
    const before = bench.io.snapshot();
    bench.io.full = '/etc/systemd/network/05-kuryr.link';
    await assert.rejects(bench.install(), { code: 'INSTALL_FAILED', message: /ENOSPC/ });
    bench.io.full = undefined;
    assert.deepEqual(bench.io.snapshot(), before);
    bench.io.folders.set('/run/kuryr', 0o700);
    bench.io.answers.push({ to: 'systemctl start kuryr.socket', code: 1, output: 'no' });
    await assert.rejects(bench.install(), { code: 'INSTALL_FAILED' });
    assert.deepEqual(bench.io.snapshot(), before);
    assert.ok(bench.systemctl().includes('systemctl disable --now kuryr.service kuryr.socket'));
  });

  it('undoes the rest where one thing cannot be undone, lets go of namespaces, and tells what went wrong first', async () => {
    const before = bench.io.snapshot();
    bench.io.folders.set('/run/kuryr', 0o700);
    bench.io.files.set('/proc/self/mounts', { text: 'nsfs /run/kuryr/guard/ens3 nsfs rw 0 0\n', mode: 0o444 });
    bench.io.answers.push({ to: 'systemctl restart kuryr.service', code: 1, output: 'METRICS_LISTEN_FAILED' });
    const remove = bench.io.remove.bind(bench.io);
    bench.io.remove = async path => {
      if (path === '/run/lock/kuryr') throw new Error('EBUSY');
      await remove(path);
    };
    await assert.rejects(bench.install(), { code: 'INSTALL_FAILED', message: /METRICS_LISTEN_FAILED/ });
    await remove('/proc/self/mounts');
    assert.deepEqual(bench.io.snapshot(), before);
    assert.ok(bench.io.commands.includes('umount -l /run/kuryr/guard/ens3'));
    assert.ok(bench.said.some(line => /^not undone: .*EBUSY/.test(line)));
  });

  it('leaves a daemon that was started by hand its sockets', async () => {
    const before = bench.io.snapshot();
    await assert.rejects(bench.install({ answers: async () => true }), { code: 'DAEMON_RUNNING' });
    assert.deepEqual([bench.io.snapshot(), bench.io.commands], [before, []]);
    await bench.install();
    await bench.install({ answers: async () => true });
  });

  it('is refused where a package was removed whose purge would take credential and ledger', async () => {
    bench.io.files.set('/var/lib/dpkg/info/kuryr.postrm', { text: '', mode: 0o755 });
    await assert.rejects(bench.install(), { code: 'INSTALL_PACKAGED', message: /kuryr\.postrm/ });
  });

  it('writes a credential for root alone', async () => {
    await bench.io.remove('/etc/kuryr/clouds.yaml');
    await bench.install({ credential: [{ path: '/etc/kuryr/clouds.yaml', text: 'mine' }] });
    assert.deepEqual(bench.io.files.get('/etc/kuryr/clouds.yaml'), { text: 'mine', mode: 0o600 });
  });

  it('only tells what it would do when asked to', async () => {
    const before = bench.io.snapshot();
    await bench.install({ dryRun: true, isRoot: false });
    assert.deepEqual(bench.io.snapshot(), before);
    assert.deepEqual(bench.io.commands, []);
    assert.ok(bench.said.includes(`make ${program}`));
  });

  it('is refused, with what to do, where it cannot be', async () => {
    await assert.rejects(bench.install({ isRoot: false }), { code: 'INSTALL_NOT_ROOT' });
    await bench.io.remove('/etc/kuryr/clouds.yaml');
    await assert.rejects(bench.install(), { code: 'INSTALL_NO_CREDENTIAL', todo: /kuryr credential create/ });
    bench.io.files.set('/usr/lib/kuryr/kuryr.mjs', { text: '', mode: 0o644 });
    await assert.rejects(bench.install(), { code: 'INSTALL_PACKAGED' });
    await bench.io.remove('/run/systemd/system');
    await assert.rejects(bench.install(), { code: 'INSTALL_NO_SYSTEMD' });
  });
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
