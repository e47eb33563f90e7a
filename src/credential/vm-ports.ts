import { isKuryrError, KuryrError } from '../errors/kuryr-error.ts';
import type { Neutron, Port } from '../openstack/neutron.ts';

/** Which VMs a credential is for; what is named several times counts once. */
export interface VmsWanted {
  readonly ports: readonly string[];
  /** Ids of servers, with all their ports. */
  readonly servers: readonly string[];
  /** Names or ids of networks, with the ports of all VMs on them. */
  readonly networks: readonly string[];
}

/** Nova's mark on a VM's port. */
const isVm = ({ device_owner }: Port) => device_owner.startsWith('compute:');

/** The ports that the daemons of these VMs write to. @throws CREDENTIAL_PORTS_MISSING, what Neutron's calls throw */
export async function vmPorts(
  neutron: Pick<Neutron, 'port' | 'ports' | 'networks'>,
  { ports, servers, networks }: VmsWanted,
  signal: AbortSignal,
): Promise<readonly Port[]> {
  const missing = (reason: string) => new KuryrError('CREDENTIAL_PORTS_MISSING', { reason });
  const byId = async (id: string) => {
    try {
      return [await neutron.port(id, signal)];
    } catch (error) {
      throw isKuryrError(error, 'NEUTRON_NOT_FOUND') ? missing(`the project has no port ${id}`) : error;
    }
  };
  const ofServer = async (id: string) => {
    const found = await neutron.ports({ device_id: id }, signal);
    if (found.length === 0) throw missing(`no port belongs to a server ${id}`);
    return found;
  };
  const ofNetwork = async (wanted: string) => {
    const filters = [{ id: wanted }, { name: wanted }];
    const [ids, names] = await Promise.all(filters.map(filter => neutron.networks(filter, signal)));
    const network = ids?.[0] ?? (names?.length === 1 ? names[0] : undefined);
    if (network === undefined) throw missing(`${names?.length === 0 ? 'no' : 'not just one'} network is ${wanted}`);
    const found = (await neutron.ports({ network_id: network.id }, signal)).filter(isVm);
    if (found.length === 0) throw missing(`no VM is on the network ${wanted}`);
    return found;
  };
  const found = (await Promise.all([...ports.map(byId), ...servers.map(ofServer), ...networks.map(ofNetwork)])).flat();
  if (found.length === 0) throw missing('none was named');
  return [...new Map(found.map(port => [port.id, port])).values()];
}
