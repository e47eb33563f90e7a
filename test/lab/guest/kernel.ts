import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { download } from '../tree/apt.ts';
import { cacheFolder } from '../tree/cache.ts';
import { command } from '../tree/command.ts';
import { withLock } from '../tree/lock.ts';
import { ensureTree, type Say } from '../tree/tree.ts';

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

/** Which one to take: KURYR_LAB_KERNEL says so, else the first that is there or can be had. */
type Kind = 'own' | 'package' | 'bookworm';

/** Where `npm run lab:kernel` leaves the kernel it has built. */
export const ownKernelFolder = (): string => join(cacheFolder(), 'kernels', 'own');

/** Debian release whose user-mode-linux package (7.2) has the seccomp mode; 6.1 of bookworm has ptrace only. */
const release = 'forky';

/**
 * The guests' kernel: that of `npm run lab:kernel` where it was built, else a newer Debian's user-mode-linux package,
 * unpacked into the cache, else that of the bookworm tree, which needs four to seven times the CPU.
 */
export async function guestKernel(say: Say): Promise<Kernel> {
  const kind = process.env['KURYR_LAB_KERNEL'] as Kind | undefined;
  if (kind === 'own' || (kind === undefined && existsSync(ownKernelFolder()))) {
    const own = ownKernelFolder();
    const args = ['seccomp=auto', 'dummy.numdummies=0', 'ifb.numifbs=0'];
    const libc = await ensureTree('bookworm', say);
    return { binary: join(own, 'linux'), modules: join(own, 'modules'), libc, args };
  }
  if (kind !== 'bookworm') {
    try {
      const root = await packagedKernel(say);
      return { ...kernelIn(root), args: ['seccomp=auto'] };
    } catch (error) {
      if (kind === 'package') throw error;
      say(`guests will be slow, on bookworm's kernel: no user-mode-linux of ${release}: ${(error as Error).message}`);
    }
  }
  return kernelIn(await ensureTree('bookworm', say));
}

const kernelIn = (root: string): Kernel => ({
  binary: join(root, 'usr/bin/linux.uml'),
  modules: join(root, 'usr/lib/uml/modules'),
  libc: root,
  args: [],
});

/** Unpacks the kernel's package and the libc it was linked with, once; gives the folder. */
async function packagedKernel(say: Say): Promise<string> {
  const kernels = join(cacheFolder(), 'kernels');
  const done = join(kernels, release);
  if (existsSync(done)) return done;
  await mkdir(kernels, { recursive: true });
  const waiting = (): void => say('waiting for another process that fetches the guests’ kernel');
  return await withLock(join(kernels, `${release}.lock`), waiting, async () => {
    if (existsSync(done)) return done;
    say(`fetching the guests' kernel (user-mode-linux of ${release})`);
    const work = join(kernels, `.${release}`);
    await rm(work, { recursive: true, force: true });
    await mkdir(join(work, 'root'), { recursive: true });
    for (const name of ['user-mode-linux', 'libc6']) {
      await command(['dpkg-deb', '-x', await download(name, release, work), join(work, 'root')]);
    }
    await rename(join(work, 'root'), done);
    await rm(work, { recursive: true, force: true });
    return done;
  });
}
