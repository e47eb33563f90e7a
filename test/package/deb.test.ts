import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { command } from '../../guest/command.ts';
import { layout } from '../../src/install/layout.ts';
import { packagePlace } from '../../src/install/place.ts';
import { makeDeb } from '../../tools/package/make.ts';
import { type Cpu, cpus } from '../../tools/package/natives.ts';
import { Debian } from './debian.ts';

const say = (line: string): void => console.error(line);
const folder = await mkdtemp(join(tmpdir(), 'kuryr-packages-'));
after(() => rm(folder, { recursive: true }));

describe('the Debian packages', { concurrency: 2 }, () => {
  const made = new Map<Cpu, string>();
  let debian: Debian;

  before(async () => {
    const root = Debian.open(say);
    await Promise.all(cpus.map(async cpu => made.set(cpu, await makeDeb(folder, cpu, 0, say))));
    for (const [cpu, file] of made) await command(['dpkg-deb', '-R', file, join(folder, cpu)]);
    debian = await root;
  });

  for (const cpu of cpus) {
    const unpacked = (path: string): string => join(folder, cpu, path);

    it(`${cpu}: lintian has nothing to say`, async () => {
      const name = basename(made.get(cpu) ?? '');
      const said = await debian.run(folder, `lintian --allow-root --display-info --pedantic /mnt/${name}`);
      assert.equal(said, '');
      // What it would say, it says with the reason.
      const overrides = await readFile(unpacked('usr/share/lintian/overrides/kuryr'), 'utf8');
      assert.match(overrides, /^(# .{20,}\nkuryr: \S.*\n\n?)+$/);
    });

    it(`${cpu}: holds what the layout says, a manual and the licences, all of it root's`, async () => {
      const wanted = new Map(layout(packagePlace, cpu).map(({ path, mode }) => [path, mode]));
      const lines = (await command(['dpkg-deb', '-c', made.get(cpu) ?? ''])).trim().split('\n');
      const found = lines.map(line => {
        const [letters = '', owner, , , , path = ''] = line.split(/ +/);
        assert.equal(owner, 'root/root', line);
        return { path: path.slice(1).replace(/(.)\/$/, '$1'), mode: modeOf(letters) };
      });
      for (const [path, mode] of wanted) assert.equal(found.find(each => each.path === path)?.mode, mode, path);
      const others = found.map(({ path }) => path).filter(path => !wanted.has(path) && path.includes('kuryr'));
      assert.deepEqual(others.sort(), [
        '/usr/share/doc/kuryr',
        '/usr/share/doc/kuryr/changelog.gz',
        '/usr/share/doc/kuryr/copyright',
        '/usr/share/lintian/overrides/kuryr',
        '/usr/share/man/man1/kuryr.1.gz',
        '/usr/share/man/man5/kuryr.yaml.5.gz',
        '/usr/share/man/man7/kuryr-errors.7.gz',
      ]);
      assert.equal(await readFile(unpacked('DEBIAN/conffiles'), 'utf8'), '/etc/kuryr/kuryr.yaml\n');
      await command(['md5sum', '--check', '--quiet', 'DEBIAN/md5sums'], { cwd: join(folder, cpu) });
    });

    it(`${cpu}: names the C library that Node and koffi ask for`, async () => {
      const { depends } = await fields(made.get(cpu) ?? '');
      const asked = await Promise.all(
        ['node', `koffi-linux-${cpu}.node`].map(async name => {
          const text = (await readFile(unpacked(`usr/lib/kuryr/${name}`))).toString('latin1');
          return [...text.matchAll(/\0GLIBC_2\.(\d+)(?=\0)/g)].map(([, minor]) => Number(minor));
        }),
      );
      assert.ok(asked.every(versions => versions.length > 0));
      assert.match(depends, new RegExp(`libc6 \\(>= 2\\.${Math.max(...asked.flat())}\\)`));
    });

    it(`${cpu}: has the licence of every work that is in it`, async () => {
      const text = await readFile(unpacked('usr/share/doc/kuryr/copyright'), 'utf8');
      for (const name of ['koffi', 'undici', 'pino', 'yaml', 'valibot', 'ipaddr.js', 'Node.js', 'Apache-2.0'])
        assert.match(text, new RegExp(`^License: (\\S+-)?${name}$`, 'm'));
      assert.match(text, /^Files: usr\/lib\/kuryr\/node\n.*\nLicense: Node\.js\n Node\.js is licensed for use/m);
    });

    it(`${cpu}: is small enough to be told so`, async () => {
      const { size } = await stat(made.get(cpu) ?? '');
      assert.ok(size < 36e6, `${size} bytes, compressed in haste`);
      const { installedSize } = await fields(made.get(cpu) ?? '');
      assert.ok(Number(installedSize) < 125_000, `${installedSize} KiB on the disk`);
    });
  }

  it('runs from where it is unpacked, koffi included, with its own Node', async () => {
    const cpu = process.arch === 'arm64' ? 'arm64' : 'x64';
    const program = ['env', '-i', 'usr/lib/kuryr/node', 'usr/lib/kuryr/kuryr.mjs'];
    const run = (...args: readonly string[]) => command([...program, ...args], { cwd: join(folder, cpu) });
    assert.match(await run('version'), /^kuryr \d+\.\d+\.\d+\n$/);
    // The kernel's edge comes before the cloud's, so that this error shows koffi to be loaded.
    await assert.rejects(run('run', '--cloud', 'nowhere', '--state-dir', folder, '--run-dir', folder), /\[CLOUD_\w+\]/);
  });

  it('has manual pages without a fault', async () => {
    const pages = join(folder, 'x64/usr/share/man');
    const lint = 'for page in /mnt/*/*.gz; do gzip -dc "$page" >/tmp/page; mandoc -T lint -W style /tmp/page; done';
    assert.equal(await debian.run(pages, lint), '');
    const show = 'for page in /mnt/*/*.gz; do man --warnings -E UTF-8 -l -Tutf8 -Z "$page" 2>&1 >/dev/null; done';
    assert.equal(await debian.run(pages, show), '');
    const text = await debian.run(pages, 'man -E UTF-8 -P cat -l /mnt/man1/kuryr.1.gz');
    assert.match(text, /kuryr network create NAME \[FLAGS\] \[-- DOCKER-ARGUMENTS\]/);
  });

  it('leaves the sockets alone in an upgrade, and restarts the service', async () => {
    const { calls } = await scripts('postinst configure 0.0.9');
    assert.ok(calls.includes('deb-systemd-invoke restart kuryr.service'));
    assert.deepEqual(
      calls.filter(call => /(restart|stop|reload|try).*kuryr\.socket/.test(call)),
      [],
    );
    assert.deepEqual((await scripts('prerm upgrade 0.2.0', 'postrm upgrade 0.2.0')).calls, []);
  });

  it('enables and starts both units when it is new, the sockets first', async () => {
    const { calls } = await scripts('postinst configure');
    const ofUnits = calls.filter(call => /^deb-systemd-(helper enable|invoke)/.test(call));
    assert.deepEqual(ofUnits, [
      ...['deb-systemd-helper enable kuryr.socket', 'deb-systemd-helper enable kuryr.service'],
      ...['deb-systemd-invoke start kuryr.socket', 'deb-systemd-invoke start kuryr.service'],
    ]);
    assert.ok(calls.indexOf('systemctl --system daemon-reload') < calls.indexOf(ofUnits[2] ?? ''));
  });

  it('leaves a daemon that was started by hand its sockets, and says so', async () => {
    const { calls, left } = await scripts('by-hand', 'postinst configure');
    assert.deepEqual(
      calls.filter(call => /^deb-systemd-invoke/.test(call)),
      [],
    );
    assert.ok(calls.some(call => /^said: .*started by hand: end it, then systemctl start/.test(call)));
    assert.ok(calls.includes('deb-systemd-helper enable kuryr.service'));
    assert.match(left, /control\.sock/);
    // A socket that nobody answers at is what a daemon left that was killed.
    const { calls: after } = await scripts('by-hand', 'silent', 'postinst configure');
    assert.ok(after.includes('deb-systemd-invoke start kuryr.socket'));
  });

  it('gives back what no container has before it stops the daemon, the daemon before its sockets', async () => {
    const { calls, left } = await scripts('prerm remove', 'postrm remove');
    const order = ['timeout 120 kuryr gc --withdraw', 'deb-systemd-invoke stop kuryr.service kuryr.socket'];
    assert.deepEqual(
      calls.filter(call => order.includes(call)),
      order,
    );
    assert.equal(left, 'left: clouds.yaml kuryr.yaml ledger');
  });

  it('leaves nothing after a purge, not even the credential', async () => {
    const { calls, left } = await scripts('prerm remove', 'postrm remove', 'postrm purge');
    assert.ok(calls.includes('deb-systemd-helper purge kuryr.socket kuryr.service'));
    assert.equal(left, 'left:');
  });

  it('does not go onto a machine where kuryr install put Kuryr, and its purge takes nothing of that', async () => {
    const { calls, left } = await scripts('local', 'preinst install', 'postrm purge');
    assert.ok(calls.includes('failed: preinst install'), calls.join('; '));
    assert.ok(!calls.some(call => call.startsWith('deb-systemd-helper purge')));
    assert.equal(left, 'left: clouds.yaml kuryr.yaml ledger');
  });

  /** Runs maintainer scripts on a machine that systemd runs: what they call, and which files are left. */
  async function scripts(...runs: readonly string[]) {
    const bench = await mkdtemp(join(folder, 'scripts-'));
    await mkdir(join(bench, 'bin'));
    for (const name of [
      'systemctl',
      'deb-systemd-helper',
      'deb-systemd-invoke',
      'networkctl',
      'nmcli',
      'umount',
      'timeout',
    ])
      await writeFile(join(bench, 'bin', name), `#!/bin/sh\necho "${name} $*" >>/tmp/calls\n`, { mode: 0o755 });
    // The socket's unit is not up, yet somebody serves at its place.
    const byHand = `perl -MSocket -e 'socket(S, AF_UNIX, SOCK_STREAM, 0); bind(S, pack_sockaddr_un("/run/kuryr/control.sock")) or die'
      echo 'case "$*" in *is-active*kuryr.socket) exit 3 ;; esac' >>/mnt/bin/systemctl`;
    await writeFile(join(bench, 'by-hand'), `#!/bin/sh\n${byHand}\n`, { mode: 0o755 });
    await writeFile(join(bench, 'silent'), '#!/bin/sh\necho exit 1 >>/mnt/bin/timeout\n', { mode: 0o755 });
    const local =
      'mkdir -p /usr/local; mount -t tmpfs tmpfs /usr/local; mkdir /usr/local/lib /usr/local/lib/kuryr; touch /usr/local/lib/kuryr/kuryr.mjs';
    await writeFile(join(bench, 'local'), `#!/bin/sh\n${local}\n`, { mode: 0o755 });
    for (const name of ['preinst', 'postinst', 'prerm', 'postrm'])
      await writeFile(join(bench, name), await readFile(join(folder, 'x64/DEBIAN', name)), { mode: 0o755 });
    const out = await debian.run(
      bench,
      `for folder in tmp run etc var/lib; do mount -t tmpfs tmpfs /$folder; done
       mkdir -p /run/systemd/system /run/kuryr /etc/kuryr /var/lib/kuryr
       touch /etc/kuryr/kuryr.yaml /etc/kuryr/clouds.yaml /var/lib/kuryr/ledger /tmp/calls
       PATH=/mnt/bin:$PATH
       for run in "$@"; do /mnt/$run >/dev/null 2>/tmp/said || echo "failed: $run" >>/tmp/calls; sed 's/^/said: /' /tmp/said >>/tmp/calls; done
       cat /tmp/calls
       echo left: $(ls /etc/kuryr /var/lib/kuryr /run/kuryr 2>/dev/null | grep -v : | sort)`,
      ...runs,
    );
    const [left = '', ...calls] = out.trim().split('\n').toReversed();
    return { calls: calls.toReversed(), left };
  }
});

async function fields(file: string): Promise<{ readonly depends: string; readonly installedSize: string }> {
  const field = async (name: string) => (await command(['dpkg-deb', '-f', file, name])).trim();
  return { depends: await field('Depends'), installedSize: await field('Installed-Size') };
}

/** `-rwxr-xr-x` as a number. */
function modeOf(letters: string): number {
  return [...letters.slice(1)].reduce((mode, letter) => mode * 2 + (letter === '-' ? 0 : 1), 0);
}
