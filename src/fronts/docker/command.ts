import type { Nic } from '../../nic/nic.ts';
import type { Subnet } from '../../openstack/neutron.ts';

/** Options of `docker network create` besides those that name the network. */
export interface CommandOptions {
  readonly name: string;
  readonly subnets: readonly Subnet[];
  /** The master, where several NICs are on the network. */
  readonly master?: string | undefined;
  /** `-o` options, such as ipvlan_flag. */
  readonly options?: Readonly<Record<string, string>>;
}

/** The documented command that makes a Docker network over subnets of a NIC; it works on every engine. */
export function createCommand(nic: Nic, { name, subnets, master, options = {} }: CommandOptions): string[] {
  // Both drivers have to be told, each by its own flag.
  const said = [`neutron.net.uuid=${nic.network.id}`, ...(master === undefined ? [] : [`parent=${master}`])];
  return [
    ...['docker', 'network', 'create', '-d', 'kuryr', '--ipam-driver', 'kuryr'],
    ...(subnets.some(subnet => subnet.ip_version === 6) ? ['--ipv6'] : []),
    // Docker 28 and newer; older engines cannot do without IPv4.
    ...(subnets.some(subnet => subnet.ip_version === 4) ? [] : ['--ipv4=false']),
    ...subnets.flatMap(({ cidr, gateway_ip }) => [
      '--subnet',
      cidr,
      ...(gateway_ip === null ? [] : ['--gateway', gateway_ip]),
    ]),
    ...said.flatMap(option => ['-o', option, '--ipam-opt', option]),
    ...Object.entries(options).flatMap(([key, value]) => ['-o', `${key}=${value}`]),
    name,
  ];
}
