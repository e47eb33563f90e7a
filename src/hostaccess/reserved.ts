import { canonical } from '../address/address.ts';
import type { Kernel, Netns } from '../linux/kernel.ts';
import type { Nic } from '../nic/nic.ts';

/** The VM's own addresses on a master, link-local ones too: containers could take them as well. */
export function ownAddresses(kernel: Pick<Kernel, 'addresses'>, master: number): readonly string[] {
  return kernel
    .addresses('host')
    .filter(({ ifindex }) => ifindex === master)
    .map(({ address }) => address);
}

/** The gateways of the NIC's subnets. */
export function gatewaysOf({ subnets }: Pick<Nic, 'subnets'>): readonly string[] {
  return subnets.map(({ gateway_ip }) => canonical(gateway_ip ?? '')).filter(address => address !== undefined);
}

/** What a guard that stands already holds besides the VM's addresses, as long as nobody has said which gateways there are. */
export function foreignGatewaysOf(kernel: Pick<Kernel, 'addresses'>, guard: Netns, master: number): readonly string[] {
  const own = new Set(ownAddresses(kernel, master));
  return kernel
    .addresses(guard)
    .map(({ address }) => address)
    .filter(address => !own.has(address) && address !== '127.0.0.1' && address !== '::1');
}
