import { guardFolder } from '../hostaccess/guard-folder.ts';
import type { Link } from '../linux/kernel.ts';
import type { DoctorContext } from './context.ts';

/** The guard that stands on a master. */
export interface StandingGuard {
  readonly link: Link;
  readonly keeps: readonly string[];
}

/** The guard on the master; undefined where none stands, or none that this user may see. */
export async function guardOf(
  { kernel, config, listFolder }: DoctorContext,
  master: Link,
): Promise<StandingGuard | undefined> {
  const folder = guardFolder(config.runDir);
  for (const name of await listFolder(folder)) {
    const netns = { path: `${folder}/${name}` };
    try {
      const link = kernel.links(netns).find(each => each.kind === 'ipvlan' && each.master === master.ifindex);
      if (link === undefined) continue;
      const held = kernel.addresses(netns).filter(({ ifindex }) => ifindex === link.ifindex);
      return { link, keeps: held.map(({ address }) => address) };
    } catch {
      // Gone meanwhile, or its making was interrupted.
    }
  }
  return undefined;
}
