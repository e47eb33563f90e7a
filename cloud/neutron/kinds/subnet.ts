import {
  bounds,
  canonical,
  contains,
  eui64,
  isAutomatic,
  overlap,
  subnetsOf,
  toAddress,
  toNumber,
} from '../addresses.ts';
import { type Attributes, type Fields, open } from '../attributes.ts';
import { owns } from '../policy.ts';
import { badInput, Refusal } from '../refusal.ts';
import { type AddressRange, type Context, changed, fresh, type NetworkRow, type SubnetRow } from '../store.ts';
import {
  address,
  addressOrNone,
  anything,
  cidr,
  isAddress,
  noneToList,
  oneOf,
  shown,
  toBoolean,
  toInteger,
  toIntegerOrNone,
  uuid,
  uuidOrNone,
} from '../values.ts';
import { common, description, type Kind, name, projectOf, shownOfAll, tagFilters } from './kind.ts';
import { affinity, cut } from './subnet-pool.ts';

const MODES = ['slaac', 'dhcpv6-stateful', 'dhcpv6-stateless'];
/** max_dns_nameservers */
const MOST_NAMESERVERS = 5;

/** Entries with just these keys; the text names them as Python's sets do, in whatever order these have there. */
function withKeys(entry: unknown, keys: readonly string[], what: string): string | undefined {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry))
    return `Invalid data format for ${what}: '${shown(entry)}'`;
  const given = Object.keys(entry);
  if (given.length === keys.length && keys.every(key => given.includes(key))) return undefined;
  const list = (names: readonly string[]) => `{${names.map(key => `'${key}'`).join(', ')}}`;
  return `Validation of dictionary's keys failed. Expected keys: ${list(keys)} Provided keys: ${list(given)}`;
}

function validatePools(value: unknown): string | undefined {
  if (!Array.isArray(value)) return `Invalid data format for IP pool: '${shown(value)}'`;
  for (const entry of value) {
    const { start, end } = (entry ?? {}) as Partial<AddressRange>;
    const problem = withKeys(entry, ['end', 'start'], 'IP pool') ?? address(start) ?? address(end);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function validateRoutes(value: unknown): string | undefined {
  if (!Array.isArray(value)) return `Invalid data format for hostroute: '${shown(value)}'`;
  for (const entry of value) {
    const { destination, nexthop } = (entry ?? {}) as { destination?: unknown; nexthop?: unknown };
    const problem = withKeys(entry, ['nexthop', 'destination'], 'hostroute') ?? cidr(destination) ?? address(nexthop);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function validateNameservers(value: unknown): string | undefined {
  if (!Array.isArray(value)) return `Invalid data format for nameserver: '${shown(value)}'`;
  for (const [index, server] of value.entries()) {
    if (!isAddress(server))
      return `'${shown(server)}' is not a valid nameserver. '${shown(server)}' is not a valid IP address`;
    if (value.indexOf(server) < index) return `Duplicate nameserver '${server}'`;
  }
  return undefined;
}

const attributes: Attributes = {
  ...common,
  name,
  ip_version: {
    post: true,
    put: false,
    convert: toInteger,
    convertFirst: true,
    validate: oneOf(4, 6),
    filter: true,
    sort: true,
  },
  network_id: { post: true, put: false, validate: uuid, filter: true, sort: true },
  subnetpool_id: { post: true, put: false, standard: open, validate: uuidOrNone, filter: true, sort: true },
  use_default_subnetpool: { post: true, put: false, standard: { value: false }, convert: toBoolean },
  prefixlen: { post: true, put: false, standard: open, convert: toIntegerOrNone },
  cidr: { post: true, put: false, standard: open, validate: anything, filter: true, sort: true },
  gateway_ip: { post: true, put: true, standard: open, validate: addressOrNone, filter: true, sort: true },
  allocation_pools: { post: true, put: true, standard: open, validate: validatePools },
  dns_nameservers: {
    post: true,
    put: true,
    standard: { value: [] },
    convert: noneToList,
    convertFirst: true,
    validate: validateNameservers,
  },
  host_routes: {
    post: true,
    put: true,
    standard: { value: [] },
    convert: noneToList,
    convertFirst: true,
    validate: validateRoutes,
  },
  enable_dhcp: { post: true, put: true, standard: { value: true }, convert: toBoolean, filter: true, sort: true },
  ipv6_ra_mode: {
    post: true,
    put: false,
    standard: { value: null },
    validate: oneOf(...MODES),
    filter: true,
    enumerated: true,
  },
  ipv6_address_mode: {
    post: true,
    put: false,
    standard: { value: null },
    validate: oneOf(...MODES),
    filter: true,
    enumerated: true,
  },
  service_types: { post: true, put: true, standard: { value: [] }, validate: anything },
  segment_id: { filter: true, sort: true },
  shared: { filter: true },
  description,
  ...tagFilters,
};

export const subnet: Kind<SubnetRow> = {
  name: 'subnet',
  plural: 'subnets',
  path: 'subnets',
  attributes,
  tags: true,
  table: tables => tables.subnets,
  missing: id => new Refusal(404, 'SubnetNotFound', `Subnet ${id} could not be found.`),
  visible: (row, context) => owns(context, row) || (context.tables.networks.get(row.network_id)?.shared ?? false),

  create(fields, named, context) {
    const projectId = projectOf(named, context);
    const { tables } = context;
    const network = tables.networks.get(String(fields['network_id']));
    if (network === undefined || !(owns(context, network) || network.shared)) {
      throw new Refusal(404, 'NetworkNotFound', `Network ${fields['network_id']} could not be found.`);
    }
    const version = fields['ip_version'] as 4 | 6;
    const range = rangeOf(fields, version, network, context);
    judgeModes(fields, version, range);
    const pools = fields['allocation_pools'] as AddressRange[] | undefined;
    const poolId = poolOf(fields, version, context);
    const gateway = gatewayOf(fields['gateway_ip'], { range, fromPool: poolId !== null }, pools);
    assertApart(range, network, context);
    const row: SubnetRow = {
      ...fresh(context, projectId, 0),
      name: String(fields['name']),
      description: String(fields['description']),
      tags: [],
      network_id: network.id,
      ip_version: version,
      subnetpool_id: poolId,
      enable_dhcp: fields['enable_dhcp'] === true,
      ipv6_ra_mode: fields['ipv6_ra_mode'] as string | null,
      ipv6_address_mode: fields['ipv6_address_mode'] as string | null,
      gateway_ip: gateway,
      cidr: range,
      allocation_pools: pools === undefined ? poolsOf(range, gateway) : judgePools(pools, range, gateway),
      host_routes: judgeRoutes(fields['host_routes'], version),
      dns_nameservers: judgeNameservers(fields['dns_nameservers'], 'new subnet'),
      service_types: fields['service_types'] as string[],
    };
    const grown = row.service_types.length > 0 ? 1 : 0;
    if (isAutomatic(row))
      for (const port of portsOf(network, context)) {
        const ip = { subnet_id: row.id, ip_address: eui64(row.cidr, port.mac_address) };
        if (!port.device_owner.startsWith('network:'))
          tables.ports.set(port.id, changed(port, context, { fixed_ips: [...port.fixed_ips, ip] }));
      }
    tables.networks.set(network.id, changed(network, context, {}));
    return { ...row, revision_number: grown };
  },

  update(row, fields, context) {
    const asked = fields['allocation_pools'] as AddressRange[] | undefined;
    const pools = asked ?? row.allocation_pools;
    const gateway =
      fields['gateway_ip'] === undefined
        ? row.gateway_ip
        : gatewayOf(fields['gateway_ip'], { range: row.cidr, fromPool: false }, pools);
    if (gateway !== null) assertOutside(gateway, pools);
    const next = {
      ...fields,
      gateway_ip: gateway,
      allocation_pools: asked === undefined ? row.allocation_pools : judgePools(asked, row.cidr, gateway),
      host_routes:
        fields['host_routes'] === undefined ? row.host_routes : judgeRoutes(fields['host_routes'], row.ip_version),
      dns_nameservers:
        fields['dns_nameservers'] === undefined
          ? row.dns_nameservers
          : judgeNameservers(fields['dns_nameservers'], row.id),
    };
    return { row: changed(row, context, next) };
  },

  remove(row, context) {
    const { tables } = context;
    const holders = [...tables.ports.values()].filter(port => port.fixed_ips.some(ip => ip.subnet_id === row.id));
    // Addresses of an automatic subnet go with it; so do those of the cloud's own DHCP ports.
    const stays = holders.some(port => !isAutomatic(row) && port.device_owner !== 'network:dhcp');
    if (stays) {
      const text = `Unable to complete operation on subnet ${row.id}: One or more ports have an IP allocation from this subnet.`;
      throw new Refusal(409, 'SubnetInUse', text);
    }
    for (const port of holders) {
      tables.ports.set(
        port.id,
        changed(port, context, { fixed_ips: port.fixed_ips.filter(ip => ip.subnet_id !== row.id) }),
      );
    }
    tables.subnets.delete(row.id);
    const network = tables.networks.get(row.network_id);
    if (network !== undefined) tables.networks.set(network.id, changed(network, context, {}));
  },

  view: (row, { isAdmin }) => ({
    ...row,
    ...shownOfAll(row),
    ...(isAdmin ? { segment_id: null } : {}),
  }),
};

/** @throws Refusal where another subnet of the network has some of its addresses */
function assertApart(range: string, network: NetworkRow, context: Context): void {
  if (!subnetsOf(context, network.id).some(sibling => overlap(sibling.cidr, range))) return;
  throw badInput(`Requested subnet with cidr: ${range} for network: ${network.id} overlaps with another subnet`);
}

const portsOf = (network: NetworkRow, { tables }: Context) =>
  [...tables.ports.values()].filter(port => port.network_id === network.id);

const badSubnets = (text: string): Refusal => new Refusal(400, 'BadRequest', `Bad subnets request: ${text}.`);

/** The pool that is named, or the default one where that is asked for. @throws Refusal */
function poolOf(fields: Fields, version: 4 | 6, context: Context): string | null {
  if (fields['use_default_subnetpool'] !== true) return (fields['subnetpool_id'] as string | undefined) ?? null;
  const pools = [...context.tables.subnetpools.values()];
  const standard = pools.find(
    pool => pool.is_default && pool.ip_version === version && (pool.shared || owns(context, pool)),
  );
  if (standard === undefined) throw badSubnets(`No default subnetpool found for IPv${version}`);
  return standard.id;
}

/** The subnet's range, given or cut out of a pool. @throws Refusal */
function rangeOf(fields: Fields, version: 4 | 6, network: NetworkRow, context: Context): string {
  const { cidr: asked, prefixlen, enable_dhcp: dhcp } = fields;
  if (asked !== undefined && asked !== null && prefixlen !== undefined && prefixlen !== null) {
    throw badSubnets('cidr and prefixlen must not be supplied together');
  }
  const siblings = subnetsOf(context, network.id);
  const poolId = poolOf(fields, version, context);
  if (poolId !== null) {
    return cut(poolId, { version, cidr: asked, prefixlen, networkId: network.id }, context);
  }
  if (asked === undefined || asked === null)
    throw badSubnets('a subnetpool must be specified in the absence of a cidr');
  // An address alone is a range of one.
  const full = isAddress(asked) ? `${asked}/${asked.includes(':') ? 128 : 32}` : asked;
  if (cidr(full) !== undefined) throw badInput(`${shown(asked)} is not in a CIDR format`);
  const { first, prefix, version: its } = bounds(String(full));
  if (its !== version) throw badInput(`cidr '${asked}' does not match the ip_version '${version}'`);
  const range = `${toAddress(first, version)}/${prefix}`;
  if (dhcp === true) judgeForDhcp(range, version, first, prefix);
  if (siblings.some(sibling => sibling.ip_version === version && sibling.subnetpool_id !== null)) throw affinity();
  return range;
}

function judgeForDhcp(range: string, version: 4 | 6, first: bigint, prefix: number): void {
  const [start = ''] = range.split('/');
  if (contains(version === 4 ? '224.0.0.0/4' : 'ff00::/8', start))
    throw badInput('Multicast IP subnet is not supported if enable_dhcp is True');
  if (contains(version === 4 ? '127.0.0.0/8' : '::1/128', start))
    throw badInput('Loopback IP subnet is not supported if enable_dhcp is True');
  if (first === 0n) throw badInput(`First IP '${start}' of network is not supported if enable_dhcp is True.`);
  if (prefix > (version === 4 ? 30 : 126))
    throw badInput('Subnet has a prefix length that is incompatible with DHCP service enabled');
}

function judgeModes(fields: Fields, version: 4 | 6, range: string): void {
  const { ipv6_ra_mode: ra, ipv6_address_mode: mode, enable_dhcp: dhcp } = fields;
  if (version === 4) {
    const set = ra !== null ? 'ipv6_ra_mode' : mode !== null ? 'ipv6_address_mode' : undefined;
    if (set !== undefined) throw badInput(`${set} is not valid when ip_version is 4`);
    return;
  }
  if (ra === null && mode === null) return;
  if (dhcp !== true) throw badInput('ipv6_ra_mode or ipv6_address_mode cannot be set when enable_dhcp is set to False');
  if (ra !== null && mode !== null && ra !== mode) {
    throw badInput(
      `ipv6_ra_mode set to '${ra}' with ipv6_address_mode set to '${mode}' is not valid. If both attributes are set, they must be the same value`,
    );
  }
  if ((mode ?? ra) !== 'dhcpv6-stateful' && bounds(range).prefix !== 64) {
    throw badInput(
      `Invalid CIDR ${range} for IPv6 address mode. OpenStack uses the EUI-64 address format, which requires the prefix to be /64`,
    );
  }
}

/**
 * Where none is named: the first address after the range's own, but for an IPv6 range that was given, where it is that.
 * @throws Refusal
 */
function gatewayOf(
  asked: unknown,
  { range, fromPool }: { readonly range: string; readonly fromPool: boolean },
  pools: readonly AddressRange[] | undefined,
): string | null {
  if (asked === null) return null;
  const { first, last, version, prefix } = bounds(range);
  if (asked === undefined) {
    const gateway = toAddress(version === 4 || fromPool ? first + 1n : first, version);
    if (pools !== undefined) assertOutside(gateway, pools);
    return gateway;
  }
  const gateway = canonical(String(asked));
  const value = toNumber(gateway);
  if (version === 4 && prefix < 31 && (value === first || value === last))
    throw badInput('Gateway is not valid on subnet');
  return gateway;
}

function assertOutside(gateway: string, pools: readonly AddressRange[]): void {
  const value = toNumber(gateway);
  for (const { start, end } of pools) {
    if (gateway.includes(':') !== start.includes(':') || value < toNumber(start) || value > toNumber(end)) continue;
    throw new Refusal(
      409,
      'GatewayConflictWithAllocationPools',
      `Gateway ip ${gateway} conflicts with allocation pool ${start}-${end}.`,
    );
  }
}

/** All but what IPv4 or IPv6 keep for themselves and the gateway. */
function poolsOf(range: string, gateway: string | null): AddressRange[] {
  const { first, last, version, prefix } = bounds(range);
  const tiny = prefix >= (version === 4 ? 31 : 127);
  const from = tiny ? first : first + 1n;
  const to = tiny || version === 6 ? last : last - 1n;
  const held = gateway === null || !contains(range, gateway) ? undefined : toNumber(gateway);
  const parts =
    held === undefined || held < from || held > to
      ? [[from, to]]
      : [
          [from, held - 1n],
          [held + 1n, to],
        ];
  return parts.flatMap(([start = 0n, end = 0n]) =>
    start > end ? [] : [{ start: toAddress(start, version), end: toAddress(end, version) }],
  );
}

/** @throws Refusal */
function judgePools(pools: readonly AddressRange[], range: string, gateway: string | null): AddressRange[] {
  const { first, last, version } = bounds(range);
  for (const pool of pools) {
    const [start, end] = [toNumber(pool.start), toNumber(pool.end)];
    if (start > end || pool.start.includes(':') !== (version === 6)) {
      throw new Refusal(400, 'InvalidAllocationPool', `The allocation pool ${shown(pool)} is not valid.`);
    }
    const least = version === 4 ? first + 1n : first;
    if (start < least || end > (version === 4 ? last - 1n : last)) {
      const text = `The allocation pool ${pool.start}-${pool.end} spans beyond the subnet cidr ${range}.`;
      throw new Refusal(400, 'OutOfBoundsAllocationPool', text);
    }
  }
  const ordered = [...pools].sort((one, other) => (toNumber(one.start) < toNumber(other.start) ? -1 : 1));
  for (const [index, pool] of ordered.entries()) {
    const next = ordered[index + 1];
    if (next === undefined || toNumber(pool.end) < toNumber(next.start)) continue;
    const text = `Found overlapping allocation pools: ${pool.start}-${pool.end} ${next.start}-${next.end} for subnet ${range}.`;
    throw new Refusal(409, 'OverlappingAllocationPools', text);
  }
  if (gateway !== null) assertOutside(gateway, ordered);
  return ordered.map(({ start, end }) => ({ start: canonical(start), end: canonical(end) }));
}

function judgeRoutes(value: unknown, version: 4 | 6): SubnetRow['host_routes'] {
  const routes = value as SubnetRow['host_routes'];
  for (const { destination, nexthop } of routes) {
    const wrong = [
      ['nexthop', nexthop],
      ['destination', destination],
    ].find(([, text]) => text?.includes(':') !== (version === 6));
    if (wrong !== undefined) throw badInput(`${wrong[0]} '${wrong[1]}' does not match the ip_version '${version}'`);
  }
  return routes;
}

function judgeNameservers(value: unknown, what: string): string[] {
  const servers = value as string[];
  if (servers.length <= MOST_NAMESERVERS) return servers;
  const text = `Unable to complete operation for ${what}. The number of DNS nameservers exceeds the limit ${MOST_NAMESERVERS}.`;
  throw new Refusal(400, 'DNSNameServersExhausted', text);
}
