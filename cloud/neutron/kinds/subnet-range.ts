/** A subnet's range, its gateway, and the pools its addresses come from. */
import { bounds, canonical, contains, overlap, subnetsOf, toAddress, toNumber } from '../addresses.ts';
import type { Fields } from '../attributes.ts';
import { owns } from '../policy.ts';
import { badInput, Refusal } from '../refusal.ts';
import type { AddressRange, Context, NetworkRow, SubnetRow } from '../store.ts';
import { cidr, isAddress, shown } from '../values.ts';
import { affinity, cut } from './subnet-pool.ts';

/** max_dns_nameservers */
export const MOST_NAMESERVERS = 5;
/** max_subnet_host_routes */
const MOST_ROUTES = 20;

const badSubnets = (text: string): Refusal => new Refusal(400, 'BadRequest', `Bad subnets request: ${text}.`);

/** The pool that is named, or the default one where that is asked for. @throws Refusal */
export function poolOf(fields: Fields, version: 4 | 6, context: Context): string | null {
  if (fields['use_default_subnetpool'] !== true) return (fields['subnetpool_id'] as string | undefined) ?? null;
  const pools = [...context.tables.subnetpools.values()];
  const standard = pools.find(
    pool => pool.is_default && pool.ip_version === version && (pool.shared || owns(context, pool)),
  );
  if (standard === undefined) throw badSubnets(`No default subnetpool found for IPv${version}`);
  return standard.id;
}

/** The subnet's range, given or cut out of a pool. @throws Refusal */
export function rangeOf(fields: Fields, version: 4 | 6, network: NetworkRow, context: Context): string {
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

export function judgeModes(fields: Fields, version: 4 | 6, range: string): void {
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
export function gatewayOf(
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
  if (String(asked).includes(':') !== (version === 6))
    throw badInput(`gateway_ip '${asked}' does not match the ip_version '${version}'`);
  const gateway = canonical(String(asked));
  const value = toNumber(gateway);
  if (version === 4 && prefix < 31 && (value === first || value === last))
    throw badInput('Gateway is not valid on subnet');
  return gateway;
}

export function assertOutside(gateway: string, pools: readonly AddressRange[]): void {
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
export function poolsOf(range: string, gateway: string | null): AddressRange[] {
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

/** @throws Refusal where another subnet of the network has some of its addresses */
export function assertApart(range: string, network: NetworkRow, context: Context): void {
  if (!subnetsOf(context, network.id).some(sibling => overlap(sibling.cidr, range))) return;
  throw badInput(`Requested subnet with cidr: ${range} for network: ${network.id} overlaps with another subnet`);
}

/** @throws Refusal */
export function judgePools(pools: readonly AddressRange[], range: string, gateway: string | null): AddressRange[] {
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

export function judgeRoutes(value: unknown, version: 4 | 6, what: string): SubnetRow['host_routes'] {
  const routes = value as SubnetRow['host_routes'];
  if (routes.length > MOST_ROUTES) {
    const text = `Unable to complete operation for ${what}. The number of host routes exceeds the limit ${MOST_ROUTES}.`;
    throw new Refusal(400, 'HostRoutesExhausted', text);
  }
  for (const { destination, nexthop } of routes) {
    const wrong = [
      ['nexthop', nexthop],
      ['destination', destination],
    ].find(([, text]) => text?.includes(':') !== (version === 6));
    if (wrong !== undefined) throw badInput(`${wrong[0]} '${wrong[1]}' does not match the ip_version '${version}'`);
  }
  return routes;
}

export function judgeNameservers(value: unknown, version: 4 | 6, what: string): string[] {
  const servers = value as string[];
  if (servers.length <= MOST_NAMESERVERS) {
    const other = servers.find(server => server.includes(':') !== (version === 6));
    if (other === undefined) return servers;
    throw badInput(`dns_nameserver '${other}' does not match the ip_version '${version}'`);
  }
  const text = `Unable to complete operation for ${what}. The number of DNS nameservers exceeds the limit ${MOST_NAMESERVERS}.`;
  throw new Refusal(400, 'DNSNameServersExhausted', text);
}
