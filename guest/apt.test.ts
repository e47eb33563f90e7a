import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { download, downloadAll } from './apt.ts';

// Says what it was asked, and leaves a package for each that is named.
const aptGet = `#!/bin/sh
echo "$@" >>"$ASKED"
for state; do case $state in Dir::Etc::sourcelist=*) cat "\${state#*=}" >>"$SOURCES" ;; esac; done
while [ "$1" != download ] && [ $# -gt 0 ]; do shift; done
for name in "$@"; do [ $name = download ] || : >\${name}_1.0_all.deb; done
`;

describe('packages of Debian', () => {
  let folder: string;
  let keyring: string;
  const path = process.env['PATH'];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kuryr-apt-'));
    keyring = join(folder, 'keyring.gpg');
    await writeFile(keyring, '');
    await mkdir(join(folder, 'bin'));
    await mkdir(join(folder, 'work'));
    await writeFile(join(folder, 'bin/apt-get'), aptGet, { mode: 0o755 });
    process.env['PATH'] = `${join(folder, 'bin')}:${path}`;
    process.env['ASKED'] = join(folder, 'asked');
    process.env['SOURCES'] = join(folder, 'sources');
  });
  afterEach(async () => {
    process.env['PATH'] = path;
    delete process.env['ASKED'];
    delete process.env['SOURCES'];
    await rm(folder, { recursive: true });
  });

  const asked = async (): Promise<string[]> =>
    (await readFile(join(folder, 'asked'), 'utf8').catch(() => '')).trim().split('\n').filter(Boolean);

  it('come several at a time, by one look at the lists', async () => {
    const work = join(folder, 'work');
    assert.deepEqual(await download(['libc6', 'user-mode-linux'], 'forky', work, keyring), [
      join(work, 'libc6_1.0_all.deb'),
      join(work, 'user-mode-linux_1.0_all.deb'),
    ]);
    const calls = await asked();
    assert.equal(calls.filter(line => line.endsWith(' update')).length, 1);
    assert.equal(calls.length, 2);
  });

  it('are believed by the signature of Debian alone', async () => {
    await download(['libc6'], 'forky', join(folder, 'work'), keyring);
    const sources = await readFile(join(folder, 'sources'), 'utf8');
    assert.match(sources, new RegExp(`^deb \\[signed-by=${keyring}\\] http`));
    assert.doesNotMatch(sources, /trusted/);
  });

  it('are all that a system lacks, or all there is', async () => {
    const work = join(folder, 'work');
    await downloadAll(['network-manager'], 'trixie', work, { keyring, installed: '/tree/status' });
    await downloadAll(['network-manager'], 'trixie', work, { keyring });
    const installs = (await asked()).filter(line => line.includes(' install '));
    assert.deepEqual(
      installs.map(line => /Dir::State::status=(\S+)/.exec(line)?.[1]),
      ['/tree/status', join(work, 'status')],
    );
  });

  it('are not fetched where nothing could verify them, and the package that could is named', async () => {
    await rm(keyring);
    const refused = /keyring\.gpg nothing .* can be verified: .*apt-get install debian-archive-keyring/;
    await assert.rejects(download(['libc6'], 'forky', join(folder, 'work'), keyring), refused);
    await assert.rejects(downloadAll(['bash'], 'trixie', join(folder, 'work'), { keyring }), refused);
    assert.deepEqual(await asked(), []);
  });
});
