/** Networks of the test project, as a user makes them by the API. */
import type { Backend } from './backend.ts';
import type { Client } from './client.ts';
import type { User } from './identity.ts';

export interface NetworkRequest {
  name: string;
  v4?: {
    cidr: string;
    /** false: the subnet has no gateway_ip. */
    gateway?: boolean;
    hostRoutes?: { destination: string; nexthop: string }[];
    pool?: { start: string; end: string };
  };
  v6?: {
    cidr: string;
    mode: 'static' | 'slaac' | 'dhcpv6-stateless';
    gateway?: boolean;
    pool?: { start: string; end: string };
  };
  mtu?: number;
  /** true: a router of its own holds the gateways' addresses (and advertises, unless the IPv6 mode is static). */
  router?: boolean;
  portSecurity?: boolean;
  user?: User;
}

export interface NetworkSubnet {
  id: string;
  cidr: string;
  /** null: none. */
  gateway: string | null;
}

export interface Network {
  id: string;
  name: string;
  mtu: number;
  user: User;
  v4?: NetworkSubnet;
  v6?: NetworkSubnet;
  routerId?: string;
}

export async function createNetwork(client: Client, backend: Backend, request: NetworkRequest): Promise<Network> {
  const { name, v4, v6, mtu, router = false, portSecurity, user = 'demo' } = request;
  const extra = {
    ...(mtu === undefined ? {} : { mtu }),
    ...(portSecurity === undefined ? {} : { port_security_enabled: portSecurity }),
  };
  const { network } = await client.ok('POST', '/networks', { network: { name, ...extra } }, user);
  const made: Network = { id: network.id, name, mtu: network.mtu, user };
  const subnet = async (fields: object): Promise<NetworkSubnet> => {
    const answer = await client.ok('POST', '/subnets', { subnet: { network_id: made.id, ...fields } }, user);
    return { id: answer.subnet.id, cidr: answer.subnet.cidr, gateway: answer.subnet.gateway_ip };
  };
  if (v4 !== undefined) {
    made.v4 = await subnet({
      ip_version: 4,
      name: `${name}-4`,
      cidr: v4.cidr,
      ...(v4.gateway === false ? { gateway_ip: null } : {}),
      ...(v4.hostRoutes === undefined ? {} : { host_routes: v4.hostRoutes }),
      ...(v4.pool === undefined ? {} : { allocation_pools: [v4.pool] }),
    });
  }
  if (v6 !== undefined) {
    const modes = v6.mode === 'static' ? {} : { ipv6_ra_mode: v6.mode, ipv6_address_mode: v6.mode };
    made.v6 = await subnet({
      ip_version: 6,
      name: `${name}-6`,
      cidr: v6.cidr,
      ...modes,
      ...(v6.gateway === false ? { gateway_ip: null } : {}),
      ...(v6.pool === undefined ? {} : { allocation_pools: [v6.pool] }),
    });
  }
  if (router) {
    const answer = await client.ok('POST', '/routers', { router: { name: `${name}-router` } }, user);
    made.routerId = answer.router.id;
    for (const each of [made.v4, made.v6]) {
      if (!each?.gateway) continue;
      await client.ok('PUT', `/routers/${made.routerId}/add_router_interface`, { subnet_id: each.id }, user);
    }
    await backend.routed(answer.router.id);
  }
  return made;
}

/** Removes a network and all that is on it. */
export async function deleteNetwork(client: Client, { id, routerId, v4, v6, user }: Network): Promise<void> {
  if (routerId !== undefined) {
    for (const subnet of [v4, v6]) {
      if (!subnet?.gateway) continue;
      await client.ok('PUT', `/routers/${routerId}/remove_router_interface`, { subnet_id: subnet.id }, user);
    }
    await client.ok('DELETE', `/routers/${routerId}`, undefined, user);
  }
  const { ports } = await client.ok('GET', `/ports?network_id=${id}&fields=id&fields=device_owner`, undefined, 'admin');
  for (const port of ports as { id: string; device_owner: string }[]) {
    if (!port.device_owner.startsWith('network:')) await client.ok('DELETE', `/ports/${port.id}`, undefined, 'admin');
  }
  await client.ok('DELETE', `/networks/${id}`, undefined, user);
}

/** Lets pings and TCP in, from anywhere, by the project's default security group. */
export async function openDefaultGroup(client: Client, user: User): Promise<void> {
  const groups = await client.ok('GET', '/security-groups?name=default', undefined, user);
  const id = groups.security_groups[0].id;
  const rules = [
    ['IPv4', 'icmp'],
    ['IPv6', 'ipv6-icmp'],
    ['IPv4', 'tcp'],
    ['IPv6', 'tcp'],
  ].map(([ethertype, protocol]) => ({ security_group_id: id, direction: 'ingress', ethertype, protocol }));
  await client.ok('POST', '/security-group-rules', { security_group_rules: rules }, user);
}
