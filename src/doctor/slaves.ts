import type { Link, Netns } from '../linux/kernel.ts';
import type { DoctorContext } from './context.ts';

/** An ipvlan or macvlan link on a master. */
export interface Slave {
  readonly kind: 'ipvlan' | 'macvlan';
  readonly where: string;
  readonly link: Link;
}

/** Where iproute2 and Docker keep the names of network namespaces. */
const FOLDERS = ['/run/netns', '/run/docker/netns'];

/** The master's slaves, in the host's netns and in those that have a name. A namespace that is gone meanwhile has none. */
export async function slavesOf(context: DoctorContext, master: Link): Promise<readonly Slave[]> {
  const { kernel } = context;
  const here = kernel.links('host').filter(link => link.master === master.ifindex && !link.masterElsewhere);
  const found: Slave[] = here.flatMap(link => slave(link, 'the host'));
  const named = await Promise.all(
    FOLDERS.map(async folder => (await context.listFolder(folder)).map(name => `${folder}/${name}`)),
  );
  for (const path of named.flat()) {
    const links = linksIn(context, { path }).filter(link => isSlaveOf(link, master));
    found.push(...links.flatMap(link => slave(link, path)));
  }
  return found;
}

function linksIn({ kernel }: DoctorContext, netns: Netns): readonly Link[] {
  try {
    return kernel.links(netns);
  } catch {
    return [];
  }
}

/** An ifindex alone may mean a link of a third namespace: an ipvlan link has its master's MAC besides. */
function isSlaveOf(link: Link, master: Link): boolean {
  const fits = !link.kind.startsWith('ipv') || link.mac === master.mac;
  return link.masterElsewhere && link.master === master.ifindex && fits;
}

function slave(link: Link, where: string): Slave[] {
  if (link.kind === 'ipvlan' || link.kind === 'ipvtap') return [{ kind: 'ipvlan', where, link }];
  if (link.kind === 'macvlan' || link.kind === 'macvtap') return [{ kind: 'macvlan', where, link }];
  return [];
}
