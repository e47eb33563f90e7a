import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder } from '../tree/cache.ts';
import { ensureTree, type Say } from '../tree/tree.ts';

/** A User-Mode Linux kernel that guests run. */
export interface Kernel {
  /** Path of the executable; it needs libc alone. */
  readonly binary: string;
  /** Folder with a folder for each release, as /lib/modules has. */
  readonly modules: string;
  /** What this kernel's command line needs besides. */
  readonly args: readonly string[];
}

/** Where `npm run lab:kernel` leaves the kernel it has built. */
export const ownKernelFolder = (): string => join(cacheFolder(), 'kernels', 'own');

/** The guests' kernel: the one of `npm run lab:kernel` where it was built, else Debian's user-mode-linux (6.1). */
export async function guestKernel(say: Say): Promise<Kernel> {
  const own = ownKernelFolder();
  if (existsSync(own) && process.env['KURYR_LAB_KERNEL'] !== 'debian') {
    const args = ['seccomp=auto', 'dummy.numdummies=0', 'ifb.numifbs=0'];
    return { binary: join(own, 'linux'), modules: join(own, 'modules'), args };
  }
  const tree = await ensureTree('bookworm', say);
  return debianKernel(tree);
}

/** Debian's kernel out of a bookworm tree. */
export function debianKernel(tree: string): Kernel {
  return { binary: join(tree, 'usr/bin/linux.uml'), modules: join(tree, 'usr/lib/uml/modules'), args: [] };
}
