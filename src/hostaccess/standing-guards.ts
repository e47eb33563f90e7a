import { dirname } from 'node:path';
import { isKuryrError } from '../errors/kuryr-error.ts';
import { FIRST_IFINDEX } from '../link/slave-links.ts';
import type { Kernel, Link } from '../linux/kernel.ts';

/** In its namespace nobody else makes links. */
export const GUARD_IFINDEX = 1000;
/** `guard/` and the master's ifindex, in whatever run folder. */
const GUARD_PATH = /\/guard\/\d+$/;

type GuardsKernel = Pick<Kernel, 'keptNetns' | 'links' | 'namespaces'>;

/** What is kept in the folder, each with its slave; without one where its making was interrupted or its master is gone. */
export function standingGuards(
  kernel: GuardsKernel,
  folder: string,
): readonly { readonly path: string; readonly link: Link | undefined }[] {
  return kernel.keptNetns(folder).map(({ path }) => ({
    path,
    link: unlessGone(() => kernel.links({ path }), []).find(({ kind }) => kind === 'ipvlan'),
  }));
}

/** Guards that a daemon with another run folder has left, as {@link guardFolder} names it. */
export function guardsElsewhere(
  kernel: Pick<Kernel, 'mountedNetns' | 'links'>,
  folder: string,
): readonly { readonly path: string; readonly link: Link }[] {
  return kernel
    .mountedNetns()
    .filter(({ path }) => GUARD_PATH.test(path) && dirname(path) !== folder)
    .flatMap(({ path }) => {
      const links = unlessGone(() => kernel.links({ path }), []);
      const link = links.find(({ kind, ifindex }) => kind === 'ipvlan' && ifindex === GUARD_IFINDEX);
      return link === undefined ? [] : [{ path, link }];
    });
}

/** Whether a container has a link on the master that Kuryr made: a lost ledger does not say so. */
export function hasContainers(kernel: GuardsKernel, master: number): boolean {
  return kernel.namespaces().some(netns =>
    unlessGone(() => kernel.links(netns), []).some(link => {
      const isOurs = link.kind === 'ipvlan' && link.masterElsewhere && link.ifindex >= FIRST_IFINDEX;
      return isOurs && link.master === master;
    }),
  );
}

/** What is read in a namespace, or something else when that is gone. */
export function unlessGone<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch (error) {
    if (isKuryrError(error, 'NETNS_GONE')) return otherwise;
    throw error;
  }
}
