import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder } from '../../../guest/cache.ts';
import { fetchedKernel, type Kernel, kernelIn, kernelRelease, packagedKernel } from '../../../guest/kernel.ts';
import type { Say } from '../../../guest/say.ts';
import { ensureTree } from '../tree/tree.ts';

/** Which one to take: KURYR_LAB_KERNEL says so, else the first that is there or can be had. */
type Kind = 'own' | 'package' | 'bookworm';

/** Where `npm run lab:kernel` leaves the kernel it has built. */
export const ownKernelFolder = (): string => join(cacheFolder(), 'kernels', 'own');

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
      return packagedKernel(await fetchedKernel(say));
    } catch (error) {
      if (kind === 'package') throw error;
      say(
        `guests will be slow, on bookworm's kernel: no user-mode-linux of ${kernelRelease}: ${(error as Error).message}`,
      );
    }
  }
  return kernelIn(await ensureTree('bookworm', say));
}
