import { sameCidr } from '../../address/address.ts';
import { KuryrError } from '../../errors/kuryr-error.ts';
import type { Nic, Nics } from '../../nic/nic.ts';
import type { Subnet } from '../../openstack/neutron.ts';
import { createCommand } from './command.ts';
import { chooseSubnet } from './ipam-driver.ts';
import { parseOptions } from './options.ts';

export interface PlanRequest {
  readonly name: string;
  readonly network?: string | undefined;
  readonly subnets: readonly string[];
  readonly ipv6: boolean;
  readonly master?: string | undefined;
  readonly options: Readonly<Record<string, string>>;
}

/**
 * The docker command that makes a network: subnets and gateways as Neutron has them.
 * @throws what Nics.find throws, SUBNET_UNKNOWN, SUBNET_AMBIGUOUS, DOCKER_OPTION_UNKNOWN
 */
export async function networkPlan(
  nics: Nics,
  request: PlanRequest,
  signal: AbortSignal,
): Promise<{ command: string[] }> {
  parseOptions(request.options, 'network create');
  nics.forget();
  const [named] = request.subnets;
  const isRange = named?.includes('/') === true;
  const nic = await nics.find(
    {
      master: request.master,
      network: request.network,
      subnet: isRange ? undefined : named,
      cidr: isRange ? named : undefined,
    },
    signal,
  );
  const chosen = request.subnets.map(text => subnetNamed(nic, text));
  const subnets = chosen.length > 0 ? withIpv6(nic, chosen, request.ipv6) : usual(nic, request.ipv6);
  const { name, master, options } = request;
  return { command: createCommand(nic, { name, subnets, master, options }) };
}

/** The one IPv4 subnet, and with `ipv6` the one IPv6 subnet; on an IPv6-only network that one alone. */
function usual(nic: Nic, ipv6: boolean): Subnet[] {
  const has4 = nic.subnets.some(({ ip_version }) => ip_version === 4);
  return [
    ...(has4 ? [chooseSubnet(nic, 4, undefined, {})] : []),
    ...(ipv6 || !has4 ? [chooseSubnet(nic, 6, undefined, {})] : []),
  ];
}

/** Named IPv4 subnets do not say that no IPv6 is wanted. */
function withIpv6(nic: Nic, chosen: readonly Subnet[], ipv6: boolean): readonly Subnet[] {
  const has6 = chosen.some(({ ip_version }) => ip_version === 6);
  return ipv6 && !has6 ? [...chosen, chooseSubnet(nic, 6, undefined, {})] : chosen;
}

function subnetNamed(nic: Nic, text: string): Subnet {
  const subnet = nic.subnets.find(({ id, name, cidr }) => id === text || name === text || sameCidr(cidr, text));
  if (subnet !== undefined) return subnet;
  const choices = nic.subnets.map(({ cidr, id }) => `${cidr} (${id})`);
  throw new KuryrError('SUBNET_UNKNOWN', { subnet: text, choices });
}
