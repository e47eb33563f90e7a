import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { download, mirror, STANDING_STILL } from '../../../guest/apt.ts';
import { cacheFolder } from '../../../guest/cache.ts';
import { command } from '../../../guest/command.ts';
import { withLock } from '../../../guest/lock.ts';
import type { Say } from '../../../guest/say.ts';
import { packages, recipeHash, releaseOf, type Suite, type TreeName } from './recipe.ts';

/** Where a tree is, once it is made. */
export function treePath(name: TreeName): string {
  return join(cacheFolder(), 'trees', `${name}-${recipeHash(name)}`);
}

/**
 * Gives the absolute path of a Debian tree with all that the lab runs, making it first if need be (about two minutes
 * and 1.5 GB for bookworm). Nothing of it is installed into the machine. Callers in other processes wait for the one
 * that builds; a build that was interrupted is thrown away by the next. Needs root. @throws Error
 */
export async function ensureTree(name: TreeName, say: Say): Promise<string> {
  const done = treePath(name);
  if (existsSync(done)) return done;
  if (process.getuid?.() !== 0) {
    throw new Error(
      `the lab's Debian tree (${done}) is not there yet, and only root can make it: run this as root once`,
    );
  }
  const trees = join(cacheFolder(), 'trees');
  await mkdir(trees, { recursive: true });
  const waiting = (): void => say(`waiting for another process that builds the ${name} tree`);
  return await withLock(join(trees, `${name}.lock`), waiting, async () => {
    if (existsSync(done)) return done;
    for (const stale of (await readdir(trees)).filter(each => each.startsWith(`.${name}-`))) {
      await rm(join(trees, stale), { recursive: true, force: true });
    }
    const building = join(trees, `.${name}-${recipeHash(name)}`);
    const from = Date.now();
    say(`${name} tree: building ${done} (once; some minutes)`);
    await build(name, building, say);
    await rename(building, done);
    say(`${name} tree: ready after ${Math.round((Date.now() - from) / 1000)} s`);
    return done;
  });
}

async function build(name: TreeName, root: string, say: Say): Promise<void> {
  const archive = await mirror();
  const suite = releaseOf(name);
  const { program, folder } = await debootstrap(suite, say);
  say(`${name} tree: base system from ${archive}`);
  await inside(['sh', program, '--variant=minbase', '--include=ca-certificates', suite, root, archive], {
    DEBOOTSTRAP_DIR: folder,
  });
  // no service of the tree may start while its packages are set up
  await writeFile(join(root, 'usr/sbin/policy-rc.d'), '#!/bin/sh\nexit 101\n');
  await chmod(join(root, 'usr/sbin/policy-rc.d'), 0o755);
  const wanted = packages[name];
  say(`${name} tree: ${wanted.length} packages and what they need`);
  const apt = `apt-get -q -o Acquire::Retries=3 -o APT::Sandbox::User=root -o Acquire::Languages=none -o ${STANDING_STILL}`;
  const script = `mount -t proc proc "$0/proc"
    exec chroot "$0" sh -ec '${apt} update
      ${apt} install -y --no-install-recommends -o Dpkg::Options::=--force-unsafe-io ${wanted.join(' ')}
      apt-get clean; rm -rf /var/lib/apt/lists/*'`;
  await inside(['sh', '-ec', script, root], { DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' }, progress(name, say));
}

/** Runs in mount and pid namespaces of its own: mounts and strays of the build end with it, however it ends. */
async function inside(argv: string[], env: Record<string, string>, line?: (text: string) => void): Promise<void> {
  const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
  await command(['unshare', '--mount', '--pid', '--fork', '--kill-child', ...argv], {
    env: { ...env, PATH: path },
    ...(line === undefined ? {} : { line }),
  });
}

/** Turns apt's output into a line for every hundred packages. */
function progress(name: TreeName, say: Say): (text: string) => void {
  let total = 0;
  let unpacked = 0;
  let set = 0;
  return text => {
    total = Number(/, (\d+) newly installed/.exec(text)?.[1] ?? total);
    if (text.startsWith('Unpacking ') && ++unpacked % 100 === 0) say(`${name} tree: unpacked ${unpacked} of ${total}`);
    if (text.startsWith('Setting up ') && ++set % 100 === 0) say(`${name} tree: set up ${set} of ${total}`);
  };
}

/** debootstrap: the machine's own, else the package unpacked into the cache, never installed. */
async function debootstrap(suite: Suite, say: Say): Promise<{ program: string; folder: string }> {
  const scripts = `usr/share/debootstrap/scripts/${suite}`;
  if (existsSync('/usr/sbin/debootstrap') && existsSync(`/${scripts}`)) {
    return { program: '/usr/sbin/debootstrap', folder: '/usr/share/debootstrap' };
  }
  const tools = join(cacheFolder(), 'tools');
  const at = join(tools, 'debootstrap');
  if (!existsSync(at)) {
    say('fetching debootstrap (unpacked into the cache, not installed)');
    const work = join(tools, `.debootstrap-${process.pid}`);
    await mkdir(work, { recursive: true });
    try {
      for (const deb of await download(['debootstrap'], 'trixie', work))
        await command(['dpkg-deb', '-x', deb, join(work, 'unpacked')]);
      await rename(join(work, 'unpacked'), at).catch(error => {
        if (!existsSync(at)) throw error;
      });
    } catch (cause) {
      throw new Error('the lab needs debootstrap: install that package, or run on a system with apt-get', { cause });
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  }
  return { program: join(at, 'usr/sbin/debootstrap'), folder: join(at, 'usr/share/debootstrap') };
}
