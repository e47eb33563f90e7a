import { sameAddress } from '../address/address.ts';
import { KuryrError } from '../errors/kuryr-error.ts';
import type { Neutron, Port } from '../openstack/neutron.ts';
import type { Master, Nic, VmPort } from './nic.ts';

/** A master with its NIC, or why its VM port is not known (VM_PORT_UNKNOWN, VM_PORT_AMBIGUOUS). */
export type NicEntry =
  | { readonly master: Master; readonly nic: Nic }
  | { readonly master: Master; readonly nic: undefined; readonly problem: KuryrError };

/** Ids of the VM's ports as the cloud tells the VM itself; undefined where it does not. */
export type OwnPorts = (signal: AbortSignal) => Promise<readonly string[] | undefined>;

/** Addresses of one NIC that are asked for: a query must stay short enough for every proxy, and one match is enough. */
const MAX_ADDRESSES = 16;

/** Finds the VM ports of all masters, their networks and subnets: three calls, however many there are. */
export async function lookUp(
  masters: readonly Master[],
  neutron: Pick<Neutron, 'ports' | 'networks' | 'subnets'>,
  ownPorts: OwnPorts,
  signal: AbortSignal,
): Promise<readonly NicEntry[]> {
  if (masters.length === 0) return [];
  const addresses = masters.flatMap(master => master.addresses.slice(0, MAX_ADDRESSES));
  const filter = {
    fixed_ips: addresses.map(address => `ip_address=${address}`),
    mac_address: masters.map(master => master.mac),
  };
  const ports = await neutron.ports(filter, signal);
  const candidates = masters.map(master => ({ master, fitting: ports.filter(port => fits(port, master)) }));
  const ambiguous = candidates.some(({ fitting }) => fitting.length > 1);
  const own = ambiguous ? await ownPorts(signal) : undefined;
  const matched = candidates.map(({ master, fitting }) => ({ master, port: choose(master, fitting, own) }));
  const found = matched.flatMap(({ port }) => (port instanceof KuryrError ? [] : [port.network_id]));
  const networkIds = [...new Set(found)];
  const [networks, subnets] =
    networkIds.length === 0
      ? [[], []]
      : await Promise.all([
          neutron.networks({ id: networkIds }, signal),
          neutron.subnets({ network_id: networkIds }, signal),
        ]);
  return matched.map(({ master, port }) => {
    if (port instanceof KuryrError) return { master, nic: undefined, problem: port };
    const network = networks.find(({ id }) => id === port.network_id);
    if (network === undefined) {
      const reason = `the network ${port.network_id} of port ${port.id} is not shown to this credential`;
      return { master, nic: undefined, problem: unknown(master, reason) };
    }
    const own = subnets.filter(({ network_id }) => network_id === network.id);
    return { master, nic: { master, port: vmPort(port), network, subnets: own } };
  });
}

/** The master's port. Several can have its address and MAC, on different networks; then the VM must know its own. */
function choose(master: Master, fitting: readonly Port[], own: readonly string[] | undefined): Port | KuryrError {
  const [first, second] = fitting;
  if (first === undefined) {
    const reason = `no port that this credential sees has its MAC ${master.mac} and one of ${master.addresses.join(', ')}`;
    return unknown(master, reason);
  }
  if (second === undefined) return first;
  const [mine, another] = fitting.filter(port => own?.includes(port.id));
  if (mine !== undefined && another === undefined) return mine;
  const choices = fitting.map(port => `${port.id} on network ${port.network_id}`);
  return new KuryrError('VM_PORT_AMBIGUOUS', { master: master.name, choices });
}

function fits(port: Port, master: Master): boolean {
  return (
    port.mac_address.toLowerCase() === master.mac.toLowerCase() &&
    port.fixed_ips.some(({ ip_address }) => master.addresses.some(address => sameAddress(address, ip_address)))
  );
}

function unknown(master: Master, reason: string): KuryrError {
  return new KuryrError('VM_PORT_UNKNOWN', { master: master.name, reason });
}

function vmPort(port: Port): VmPort {
  return {
    id: port.id,
    networkId: port.network_id,
    projectId: port.project_id,
    mac: port.mac_address,
    fixedIps: port.fixed_ips.map(({ ip_address }) => ip_address),
    securityGroups: port.security_groups,
    portSecurity: port.port_security_enabled,
  };
}
