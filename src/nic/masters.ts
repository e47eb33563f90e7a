import type { Kernel } from '../linux/kernel.ts';
import type { Master } from './nic.ts';

/** The kernel's routing table of everyday traffic (RT_TABLE_MAIN). */
const MAIN_TABLE = 254;

/** What the kernel says of the VM's interfaces. */
export interface MasterView {
  /** Those that may be a NIC on Neutron, in the kernel's order. */
  readonly masters: readonly Master[];
  /** Names of those that carry the IPv4 default route of the lowest metric, then IPv6; several where metrics are equal. */
  readonly defaults: readonly (readonly string[])[];
}

/**
 * Finds the interfaces that may carry containers: those that are up, have an address that is not link-local, and are a
 * plain device, carry a default route, or are named by somebody. A bridge or tunnel is no NIC unless named.
 */
export function masterView(
  kernel: Pick<Kernel, 'links' | 'addresses' | 'routes'>,
  named: ReadonlySet<string>,
): MasterView {
  const links = kernel.links('host');
  const addresses = kernel.addresses('host').filter(address => !address.linkLocal);
  const routes = kernel.routes('host').filter(route => route.destination === 'default' && route.table === MAIN_TABLE);
  const defaults = ([4, 6] as const).map(family => {
    const own = routes.filter(route => route.family === family);
    const best = Math.min(...own.map(route => route.metric));
    return own.filter(route => route.metric === best).map(route => route.ifindex);
  });
  const masters = links
    .filter(link => link.up && link.mac !== '' && link.mac !== '00:00:00:00:00:00')
    .filter(
      link =>
        (link.kind === '' && link.controller === 0) || defaults.flat().includes(link.ifindex) || named.has(link.name),
    )
    .map(({ name, ifindex, mac, mtu }) => ({
      ...{ name, ifindex, mac, mtu },
      addresses: addresses.filter(address => address.ifindex === ifindex).map(({ address }) => address),
    }))
    .filter(master => master.addresses.length > 0);
  const nameOf = (ifindex: number) => links.find(link => link.ifindex === ifindex)?.name ?? '';
  return { masters, defaults: defaults.map(family => [...new Set(family.map(nameOf))]) };
}
