import type { Details } from '../errors/details.ts';
import type { Link, SlaveSpec } from './kernel.ts';

/**
 * Who keeps a master from taking a slave (the kernel says only EBUSY): a bridge or bond that it is a port of, or slaves
 * of the other kind, since ipvlan and macvlan exclude each other on one master.
 * @param links those of the master's namespace
 * @returns the details of MASTER_BUSY
 */
export function holderOf(links: readonly Link[], spec: Pick<SlaveSpec, 'kind' | 'master'>): Details {
  const master = links.find(link => link.ifindex === spec.master);
  const name = master?.name ?? `with ifindex ${spec.master}`;
  const controller = links.find(link => link.ifindex === master?.controller);
  if (controller !== undefined) {
    return {
      master: name,
      holder: `it is a port of the ${controller.kind} ${controller.name}`,
      advice: `Name ${controller.name} as the master, or take ${name} out of it.`,
    };
  }
  const other = spec.kind === 'ipvlan' ? 'macvlan' : 'ipvlan';
  const advice = `Use ${other} for this network too, or remove the ${other} links, or use another NIC: a master carries only one kind.`;
  const slaves = links.filter(
    link => link.master === spec.master && !link.masterElsewhere && /^(ipvlan|ipvtap|macvlan|macvtap)$/.test(link.kind),
  );
  const clashing = slaves.filter(link => !link.kind.startsWith(spec.kind.slice(0, 4)));
  if (clashing.length > 0) {
    return {
      master: name,
      holder: `it carries ${clashing.map(link => `${link.kind} ${link.name}`).join(', ')}`,
      advice,
    };
  }
  return { master: name, holder: `another program holds it, such as a ${other} link in a container`, advice };
}
