import { eui64, isAutomatic } from '../addresses.ts';
import { type Attribute, type Attributes, open } from '../attributes.ts';
import { owns } from '../policy.ts';
import { Refusal } from '../refusal.ts';
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
  textList,
  toBoolean,
  toInteger,
  toIntegerOrNone,
  uuid,
  uuidOrNone,
} from '../values.ts';
import { common, description, type Kind, name, projectOf, shownOfAll, tagFilters } from './kind.ts';
import {
  assertApart,
  assertOutside,
  gatewayOf,
  judgeModes,
  judgeNameservers,
  judgePools,
  judgeRoutes,
  MOST_NAMESERVERS,
  poolOf,
  poolsOf,
  rangeOf,
} from './subnet-range.ts';

const MODES = ['slaac', 'dhcpv6-stateful', 'dhcpv6-stateless'];

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
  if (value.length > MOST_NAMESERVERS) return undefined;
  for (const [index, server] of value.entries()) {
    if (!isAddress(server))
      return `'${shown(server)}' is not a valid nameserver. '${shown(server)}' is not a valid IP address`;
    if (value.indexOf(server) < index) return `Duplicate nameserver '${server}'`;
  }
  return undefined;
}

/** Of `ipv6_ra_mode` and `ipv6_address_mode`. */
const mode: Attribute = {
  post: true,
  put: false,
  standard: { value: null },
  validate: oneOf(...MODES),
  filter: true,
  sort: true,
  enumerated: true,
};

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
  ipv6_ra_mode: mode,
  ipv6_address_mode: mode,
  service_types: { post: true, put: true, standard: { value: [] }, validate: textList },
  segment_id: { filter: true, sort: true, hidden: true },
  shared: { filter: true, convert: toBoolean },
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

  unshown: (row, { tables }) => ({ shared: tables.networks.get(row.network_id)?.shared ?? false }),

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
      host_routes: judgeRoutes(fields['host_routes'], version, 'new subnet'),
      dns_nameservers: judgeNameservers(fields['dns_nameservers'], version, 'new subnet'),
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
        fields['host_routes'] === undefined
          ? row.host_routes
          : judgeRoutes(fields['host_routes'], row.ip_version, row.id),
      dns_nameservers:
        fields['dns_nameservers'] === undefined
          ? row.dns_nameservers
          : judgeNameservers(fields['dns_nameservers'], row.ip_version, row.id),
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

const portsOf = (network: NetworkRow, { tables }: Context) =>
  [...tables.ports.values()].filter(port => port.network_id === network.id);
