import assert from 'node:assert/strict';
import { dirname } from 'node:path';
import { describe, it } from 'node:test';
import { optionNames, options } from '../config/options.ts';
import { readConfig } from '../config/read-config.ts';
import { linkName } from '../link/slave-links.ts';
import { type Entry, layout } from './layout.ts';
import { localPlace, packagePlace } from './place.ts';

const both = [layout(packagePlace, 'x64'), layout(localPlace, 'arm64')];

function textOf(entries: readonly Entry[], end: string): string {
  const entry = entries.find(({ path }) => path.endsWith(end));
  assert.ok(entry?.kind === 'text', end);
  return entry.text;
}

describe('the layout of an installation', () => {
  it("puts the package into the distribution, and what a user installs into the machine's own folders", () => {
    const [packaged, local] = both.map(entries => entries.map(({ path }) => path));
    assert.ok(
      packaged?.every(path => /^\/(usr\/(lib|bin)|etc\/kuryr|var\/lib\/kuryr)/.test(path)),
      String(packaged),
    );
    assert.ok(
      local?.every(path => /^\/(usr\/local|etc|var\/lib\/kuryr)/.test(path)),
      String(local),
    );
    assert.ok(packaged?.includes('/usr/lib/systemd/system/kuryr.service'));
    assert.ok(local?.includes('/etc/systemd/system/kuryr.socket'));
  });

  it('names each path once, a folder before what is in it', () => {
    for (const entries of both) {
      const paths = entries.map(({ path }) => path);
      assert.equal(new Set(paths).size, paths.length);
      for (const { path, kind } of entries) {
        if (kind !== 'folder') continue;
        const inside = paths.findIndex(each => dirname(each) === path);
        assert.ok(inside === -1 || inside > paths.indexOf(path), path);
      }
    }
  });

  it('ships no credential, and nothing that others may write', () => {
    for (const { path, mode } of both.flat()) {
      assert.doesNotMatch(path, /clouds/);
      assert.equal(mode & 0o022, 0, path);
    }
  });

  it('has a configuration that sets nothing, and that a release with another option need not change', async () => {
    const text = textOf(both[0] ?? [], 'kuryr.yaml');
    const { origins } = await readConfig({ flags: {}, env: {}, readFile: async () => text });
    assert.deepEqual(new Set(Object.values(origins).map(({ kind }) => kind)), new Set(['default']));
    const named = optionNames.filter(name => new RegExp(`^# ${name}:`, 'm').test(text));
    assert.deepEqual(named, []);
    const [conffile, ...others] = both[0]?.filter(entry => entry.kind === 'text' && entry.conffile) ?? [];
    assert.deepEqual([conffile?.path, others], ['/etc/kuryr/kuryr.yaml', []]);
  });

  it('listens where Docker and the commands look by default, for root alone', () => {
    for (const entries of both) {
      const socket = textOf(entries, 'kuryr.socket');
      for (const path of [options['docker-socket'].fallback.value, `${options['run-dir'].fallback.value}/control.sock`])
        assert.ok(socket.includes(`\nListenStream=${path}\n`), path);
      assert.match(socket, /^SocketMode=0600$/m);
      assert.match(socket, /^Before=docker.service$/m);
    }
  });

  it('starts the program of its own place', () => {
    assert.match(
      textOf(both[0] ?? [], '.service'),
      /^ExecStart=\/usr\/lib\/kuryr\/node .*\/usr\/lib\/kuryr\/kuryr.mjs run$/m,
    );
    // Whatever the file says by now: what runs is to hear of it.
    assert.match(
      textOf(both[0] ?? [], '.service'),
      /^ExecReload=\/usr\/lib\/kuryr\/node \S+ reload --run-dir \/run\/kuryr$/m,
    );
    assert.match(textOf(both[1] ?? [], '.service'), /^ExecStart=\/usr\/local\/lib\/kuryr\/node /m);
    assert.match(textOf(both[1] ?? [], '/bin/kuryr'), /^exec \/usr\/local\/lib\/kuryr\/node \S+\/kuryr.mjs "\$@"$/m);
    for (const entries of both) {
      const started = /^ExecStart=(\S+) .*?(\S+) run$/m.exec(textOf(entries, '.service'))?.slice(1, 3);
      for (const path of started ?? ['?'])
        assert.ok(entries.some(entry => entry.kind === 'built' && entry.path === path));
    }
  });

  it('keeps network managers off links of every name that Kuryr gives', () => {
    const pattern = (glob: string) => new RegExp(`^${glob.replaceAll('?', '.')}$`);
    for (const [end, key] of [
      ['.network', /^Name=(.*)$/m],
      ['.link', /^OriginalName=(.*)$/m],
      ['90-kuryr.conf', /^match-device=(.*)$/m],
      ['90-kuryr.rules', /KERNEL=="(.*?)"/],
    ] as const) {
      const globs =
        key
          .exec(textOf(both[0] ?? [], end))?.[1]
          ?.replaceAll('interface-name:', '')
          .split(/[ ;|]/) ?? [];
      for (const name of [linkName(0x4b000000), linkName(0x7fffffff), 'kyd01234567'])
        assert.ok(
          globs.some(glob => pattern(glob).test(name)),
          `${end}: ${name}`,
        );
      for (const name of ['eth0', 'kyoto', 'ky0']) assert.ok(!globs.some(glob => pattern(glob).test(name)), name);
    }
  });
});
