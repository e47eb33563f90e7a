import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { Bench, program } from './bench.ts';
import { layout } from './layout.ts';
import { localPlace } from './place.ts';

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

  it('starts and enables nothing in an upgrade that was stopped or disabled, and says so', async () => {
    await bench.install();
    for (const unit of ['kuryr.socket', 'kuryr.service']) {
      bench.io.active.delete(unit);
      bench.io.enabled.delete(unit);
    }
    bench.release(2);
    assert.deepEqual(await bench.install(), ['kuryr.socket', 'kuryr.service']);
    assert.equal(bench.io.files.get(program)?.text, 'kuryr.mjs 2');
    assert.deepEqual([bench.io.active.size, bench.io.enabled.size], [0, 0]);
    assert.ok(bench.said.includes('leave kuryr.socket and kuryr.service stopped'));
    // The service alone: its socket still listens.
    bench.io.active.set('kuryr.socket', 'active');
    bench.release(3);
    assert.deepEqual(await bench.install(), ['kuryr.service']);
    assert.deepEqual([...bench.io.active], [['kuryr.socket', 'active']]);
  });

  it('starts in an upgrade what had failed, or had waited for its credential', async () => {
    await bench.install();
    for (const unit of ['kuryr.socket', 'kuryr.service']) bench.io.active.set(unit, 'failed');
    assert.deepEqual(await bench.install(), []);
    assert.equal(bench.io.active.get('kuryr.service'), 'active');
    bench.io.active.clear();
    bench.io.unmet.add('kuryr.socket').add('kuryr.service');
    assert.deepEqual(await bench.install(), []);
    assert.equal(bench.io.active.get('kuryr.socket'), 'active');
  });

  it('puts units back as they were when an upgrade does not start', async () => {
    await bench.install();
    bench.release(2);
    for (const [unit, was] of [
      ['kuryr.service', 'failed'],
      ['kuryr.socket', 'active'],
    ] as const)
      bench.io.active.set(unit, was);
    bench.io.enabled.delete('kuryr.service');
    bench.io.answers.push({ to: 'systemctl restart kuryr.service', code: 1, output: 'Job failed' });
    await assert.rejects(bench.install(), { code: 'INSTALL_FAILED' });
    assert.deepEqual(bench.systemctl().at(-1), 'systemctl stop kuryr.service');
    assert.deepEqual([...bench.io.enabled], ['kuryr.socket']);
    assert.equal(bench.io.active.get('kuryr.socket'), 'active');
  });

  it('takes away with a first installation that fails only the run folders that came with it', async () => {
    bench.io.folders.set('/run/kuryr', 0o700);
    bench.io.files.set('/run/kuryr/guard', { text: 'of a daemon that ran by hand', mode: 0o600 });
    const before = bench.io.snapshot();
    bench.io.answers.push({ to: 'systemctl restart kuryr.service', code: 1, output: 'no' });
    await assert.rejects(bench.install(), { code: 'INSTALL_FAILED' });
    assert.deepEqual(bench.io.snapshot(), before);
  });

  it('replaces no link: it is of npm, or a mask', async () => {
    bench.io.files.set('/usr/local/bin/kuryr', { text: 'that of npm', mode: 0o755 });
    bench.io.links.set('/usr/local/bin/kuryr', '../lib/node_modules/kuryr/bin/kuryr.cjs');
    const before = bench.io.snapshot();
    const refused = { code: 'INSTALL_LINK', message: /node_modules\/kuryr\/bin.* npm uninstall/ };
    await assert.rejects(bench.install(), refused);
    await assert.rejects(bench.install({ dryRun: true }), refused);
    assert.deepEqual(bench.io.snapshot(), before);
    await bench.io.remove('/usr/local/bin/kuryr');
    bench.io.links.set('/etc/systemd/system/kuryr.service', '/dev/null');
    await assert.rejects(bench.install(), { code: 'INSTALL_LINK', message: /\/dev\/null.* unmask/ });
    bench.io.links.clear();
    // The user's own file may be anywhere.
    bench.io.files.set('/etc/kuryr/kuryr.yaml', { text: 'wait-seconds: 9\n', mode: 0o644 });
    bench.io.links.set('/etc/kuryr/kuryr.yaml', '/srv/kuryr.yaml');
    await bench.install();
    assert.equal(bench.io.links.size, 1);
  });

  it('leaves nothing of an installation that fails on the way', async () => {
    const before = bench.io.snapshot();
    bench.io.full = '/etc/systemd/network/05-kuryr.link';
    await assert.rejects(bench.install(), { code: 'INSTALL_FAILED', message: /ENOSPC/ });
    bench.io.full = undefined;
    assert.deepEqual(bench.io.snapshot(), before);
    bench.io.answers.push({ to: 'systemctl start kuryr.socket', code: 1, output: 'no' });
    await assert.rejects(bench.install(), { code: 'INSTALL_FAILED' });
    assert.deepEqual(bench.io.snapshot(), before);
    assert.ok(bench.systemctl().includes('systemctl disable --now kuryr.service kuryr.socket'));
  });

  it('undoes the rest where one thing cannot be undone, lets go of namespaces, and tells what went wrong first', async () => {
    const before = bench.io.snapshot();
    bench.io.files.set('/proc/self/mounts', { text: 'nsfs /run/kuryr/guard/ens3 nsfs rw 0 0\n', mode: 0o444 });
    bench.io.answers.push({ to: 'systemctl restart kuryr.service', code: 1, output: 'METRICS_LISTEN_FAILED' });
    const remove = bench.io.remove.bind(bench.io);
    bench.io.remove = async path => {
      if (path === '/run/lock/kuryr') throw new Error('EBUSY');
      await remove(path);
    };
    await assert.rejects(bench.install(), { code: 'INSTALL_NOT_UNDONE', message: /METRICS_LISTEN_FAILED.*EBUSY/ });
    for (const path of ['/proc/self/mounts', '/run/lock/kuryr', '/var/lib/kuryr-install']) await remove(path);
    assert.deepEqual(bench.io.snapshot(), before);
    assert.ok(bench.io.commands.includes('umount -l /run/kuryr/guard/ens3'));
    assert.ok(bench.said.some(line => /^could not: .*EBUSY/.test(line)));
  });

  it('keeps the former version until it is back, where the undo itself fails', async () => {
    await bench.install();
    const before = bench.io.snapshot();
    bench.release(2);
    bench.io.answers.push({ to: 'systemctl restart kuryr.service', code: 1, output: 'it does not start' });
    const move = bench.io.move.bind(bench.io);
    bench.io.move = async (from, to) => {
      if (from === `${program}.kuryr-former`) throw new Error('EROFS: read-only file system');
      await move(from, to);
    };
    for (const message of [/it does not start.*EROFS/, /ended on its way.*EROFS/]) {
      await assert.rejects(bench.install(), { code: 'INSTALL_NOT_UNDONE', message });
      assert.equal(bench.io.files.get(`${program}.kuryr-former`)?.text, 'kuryr.mjs 1');
      assert.equal(bench.io.files.get('/usr/local/lib/kuryr/koffi-linux-x64.node')?.text, 'koffi-linux-x64.node 1');
    }
    bench.io.move = move;
    bench.io.answers.push({ to: 'systemctl restart kuryr.service', code: 1, output: 'it does not start' });
    await assert.rejects(bench.install(), { code: 'INSTALL_FAILED' });
    bench.release(1);
    assert.deepEqual(bench.io.snapshot(), before);
  });

  it('does not say that all is undone where the former version does not start, or units stay', async () => {
    const fails = (to: string) => bench.io.answers.push({ to, code: 1, output: `no ${to}` });
    fails('systemctl restart kuryr.service');
    fails('systemctl disable');
    await assert.rejects(bench.install(), { code: 'INSTALL_NOT_UNDONE', message: /no systemctl disable/ });
    await bench.install();
    fails('systemctl restart kuryr.service');
    fails('systemctl restart kuryr.service');
    await assert.rejects(bench.install(), { code: 'INSTALL_NOT_UNDONE', message: /no systemctl restart/ });
  });

  it('leaves a daemon that was started by hand its sockets, the control socket and the plug-in one', async () => {
    const before = bench.io.snapshot();
    for (const path of ['/run/kuryr/control.sock', '/run/docker/plugins/kuryr.sock']) {
      bench.io.listening.set(path, true);
      await assert.rejects(bench.install(), { code: 'SOCKET_TAKEN', message: new RegExp(path) });
      assert.deepEqual([bench.io.snapshot(), bench.systemctl()], [before, []]);
      bench.io.listening.clear();
    }
    await bench.install();
    // By now it is systemd that listens.
    bench.io.listening.set('/run/kuryr/control.sock', true);
    await bench.install();
  });

  it('does not take for nobody whom it cannot ask', async () => {
    bench.io.listening.set('/run/docker/plugins/kuryr.sock', new Error('EMFILE: too many open files'));
    await assert.rejects(bench.install(), { code: 'INSTALL_FAILED', message: /plugins\/kuryr\.sock.*EMFILE/ });
    assert.deepEqual(bench.systemctl(), []);
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

  it('puts the modes of its files right, and leaves that of a folder that was there', async () => {
    await bench.install();
    const credential = [{ path: '/etc/kuryr/clouds.yaml', text: 'the credential' }];
    bench.io.files.set('/etc/kuryr/clouds.yaml', { text: 'the credential', mode: 0o644 });
    bench.io.files.set(program, { text: 'kuryr.mjs 1', mode: 0o600 });
    bench.io.folders.set('/etc/kuryr', 0o700);
    await bench.install({ credential });
    assert.equal(bench.io.files.get('/etc/kuryr/clouds.yaml')?.mode, 0o600);
    assert.equal(bench.io.files.get(program)?.mode, 0o644);
    assert.equal(bench.io.folders.get('/etc/kuryr'), 0o700);
  });

  it('wants no credential file for an upgrade, since it may be sealed by now, and says when it does not serve', async () => {
    await bench.install();
    await bench.io.move('/etc/kuryr/clouds.yaml', '/etc/kuryr/clouds.cred');
    bench.release(2);
    assert.deepEqual(await bench.install(), []);
    await bench.io.remove('/etc/kuryr/clouds.cred');
    assert.deepEqual(await bench.install(), ['kuryr.socket', 'kuryr.service']);
    await bench.uninstall();
    const before = bench.io.snapshot();
    await assert.rejects(bench.install(), { code: 'INSTALL_NO_CREDENTIAL' });
    assert.deepEqual(bench.io.snapshot(), before);
    bench.io.files.set('/etc/kuryr/clouds.cred', { text: 'sealed', mode: 0o600 });
    await bench.install();
  });

  it('only tells what it would do when asked to', async () => {
    const before = bench.io.snapshot();
    await bench.install({ dryRun: true, isRoot: false });
    assert.deepEqual(bench.io.snapshot(), before);
    assert.deepEqual(bench.systemctl(), []);
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
