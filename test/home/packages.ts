import { cp, mkdtemp, realpath, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { command } from '../../guest/command.ts';
import type { Say } from '../../guest/say.ts';
import { makeDeb, makeNpm } from '../../tools/package/make.ts';

/** The Debian package of this checkout, the same under a later version, and the npm package. */
export interface Packages {
  /** A folder of this machine, and the files' names in it. */
  readonly folder: string;
  readonly current: string;
  readonly next: string;
  readonly npm: string;
  readonly versions: { readonly current: string; readonly next: string };
  remove(): Promise<void>;
}

/** Both are compressed little: what is tried need not be small. */
export async function makePackages(say: Say): Promise<Packages> {
  const folder = await mkdtemp(join(tmpdir(), 'kuryr-packages-'));
  const current = join(folder, 'kuryr.deb');
  const made = await makeDeb(folder, process.arch === 'arm64' ? 'arm64' : 'x64', 0, say);
  await cp(made, current);
  await rm(made);
  const version = (await command(['dpkg-deb', '-f', current, 'Version'])).trim();
  const later = `${version}+later`;
  const unpacked = join(folder, 'unpacked');
  await command(['dpkg-deb', '-R', current, unpacked]);
  await command(['sed', '-i', `s/^Version: .*/Version: ${later}/`, join(unpacked, 'DEBIAN/control')]);
  await command(['dpkg-deb', '-Znone', '--root-owner-group', '-b', unpacked, join(folder, 'kuryr-later.deb')]);
  await rm(unpacked, { recursive: true });
  await rename(await makeNpm(folder, say), join(folder, 'kuryr.tgz'));
  return {
    ...{
      folder,
      current: 'kuryr.deb',
      next: 'kuryr-later.deb',
      npm: 'kuryr.tgz',
      versions: { current: version, next: later },
    },
    remove: () => rm(folder, { recursive: true }),
  };
}

/** The folder of the npm that this machine has, whole: it needs nothing but a Node. */
export async function npmFolder(): Promise<string> {
  const program = process.env['npm_execpath'] ?? (await command(['sh', '-c', 'command -v npm'])).trim();
  return dirname(dirname(await realpath(program)));
}
