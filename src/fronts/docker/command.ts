import type { Nic } from '../../nic/nic.ts';
import type { Subnet } from '../../openstack/neutron.ts';

/** Options of `docker network create` besides those that name the network. */
export interface CommandOptions {
  readonly name: string;
  readonly subnets: readonly Subnet[];
  /** `-o` options, such as ipvlan_flag. */
  readonly options?: Readonly<Record<string, string>>;
}

/** The documented command that makes a Docker network over subnets of a NIC; it works on every engine. */
export function createCommand(nic: Nic, { name, subnets, options = {} }: CommandOptions): string[] {
  const network = `neutron.net.uuid=${nic.network.id}`;
  return [
    ...['docker', 'network', 'create', '-d', 'kuryr', '--ipam-driver', 'kuryr'],
    ...(subnets.some(subnet => subnet.ip_version === 6) ? ['--ipv6'] : []),
    ...subnets.flatMap(({ cidr, gateway_ip }) => [
      '--subnet',
      cidr,
      ...(gateway_ip === null ? [] : ['--gateway', gateway_ip]),
    ]),
    ...['-o', network, '--ipam-opt', network],
    ...Object.entries(options).flatMap(([key, value]) => ['-o', `${key}=${value}`]),
    name,
  ];
}
