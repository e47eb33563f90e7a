import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { download } from './apt.ts';
import { cacheFolder } from './cache.ts';
import { command } from './command.ts';
import { withLock } from './lock.ts';
import type { Say } from './say.ts';

/** A User-Mode Linux kernel that guests run. */
export interface Kernel {
  /** Path of the executable; it needs libc alone. */
  readonly binary: string;
  /** Folder with a folder for each release, as /lib/modules has. */
  readonly modules: string;
  /** Root of a tree whose libc it is run with; the guest's may be older. */
  readonly libc: string;
  /** What this kernel's command line needs besides. */
  readonly args: readonly string[];
}

/** Debian release whose user-mode-linux package (7.2) has the seccomp mode; 6.1 of bookworm has ptrace only. */
export const kernelRelease = 'forky';

/** The kernel of Debian's user-mode-linux package in a tree of its release. */
export const kernelIn = (root: string): Kernel => ({
  binary: join(root, 'usr/bin/linux.uml'),
  modules: join(root, 'usr/lib/uml/modules'),
  libc: root,
  args: [],
});

/** The same, of a release whose kernel has the seccomp mode. */
export const packagedKernel = (root: string): Kernel => ({ ...kernelIn(root), args: ['seccomp=auto'] });

/**
 * Unpacks a newer Debian's user-mode-linux package and the libc it was linked with, once, into the cache; gives the folder,
 * for {@link packagedKernel}. @throws Error
 */
export async function fetchedKernel(say: Say): Promise<string> {
  const done = join(cacheFolder(), 'kernels', kernelRelease);
  if (existsSync(done)) return done;
  const kernels = join(done, '..');
  await mkdir(kernels, { recursive: true });
  const waiting = (): void => say('waiting for another process that fetches the guests’ kernel');
  return await withLock(join(kernels, `${kernelRelease}.lock`), waiting, async () => {
    if (existsSync(done)) return done;
    say(`fetching the guests' kernel (user-mode-linux of ${kernelRelease})`);
    const work = join(kernels, `.${kernelRelease}`);
    await rm(work, { recursive: true, force: true });
    await mkdir(join(work, 'root'), { recursive: true });
    for (const deb of await download(['user-mode-linux', 'libc6'], kernelRelease, work)) {
      await command(['dpkg-deb', '-x', deb, join(work, 'root')]);
    }
    await rename(join(work, 'root'), done);
    await rm(work, { recursive: true, force: true });
    return done;
  });
}
