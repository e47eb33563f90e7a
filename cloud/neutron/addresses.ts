/** Neutron's IPAM: which addresses a port gets. */
import ipaddr from 'ipaddr.js';
import { badInput, Refusal } from './refusal.ts';
import type { AddressRange, Context, FixedIp, NetworkRow, SubnetRow } from './store.ts';

/** An entry of a request's fixed_ips, its subnet named or not. */
export interface WantedIp {
  readonly subnet_id?: string;
  readonly ip_address?: string;
}

export const canonical = (address: string): string => ipaddr.parse(address).toString();

export function toNumber(address: string): bigint {
  return ipaddr
    .parse(address)
    .toByteArray()
    .reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
}

export function toAddress(value: bigint, version: 4 | 6): string {
  const bytes = version === 4 ? 4 : 16;
  const parts = Array.from({ length: bytes }, (_, n) => Number((value >> BigInt(8 * (bytes - 1 - n))) & 255n));
  return ipaddr.fromByteArray(parts).toString();
}

/** First and last number of a CIDR; host bits are ignored. */
export function bounds(cidr: string): {
  readonly first: bigint;
  readonly last: bigint;
  readonly version: 4 | 6;
  readonly prefix: number;
} {
  const [address = '', prefix = '0'] = cidr.split('/');
  const version = address.includes(':') ? 6 : 4;
  const size = 1n << BigInt((version === 4 ? 32 : 128) - Number(prefix));
  const first = (toNumber(address) / size) * size;
  return { first, last: first + size - 1n, version, prefix: Number(prefix) };
}

export function contains(cidr: string, address: string): boolean {
  const { first, last, version } = bounds(cidr);
  if ((version === 6) !== address.includes(':')) return false;
  const value = toNumber(address);
  return first <= value && value <= last;
}

export const overlap = (one: string, other: string): boolean => {
  const [a, b] = [bounds(one), bounds(other)];
  return a.version === b.version && a.first <= b.last && b.first <= a.last;
};

/** Whether an address can be given to a port at all: not IPv4's network and broadcast addresses, nor an IPv6 subnet's first one. */
function isUsable(cidr: string, address: string): boolean {
  if (!contains(cidr, address)) return false;
  const { first, last, version, prefix } = bounds(cidr);
  const value = toNumber(address);
  if (version === 6) return prefix >= 127 || value !== first;
  return prefix >= 31 || (value !== first && value !== last);
}

/** Whether the subnet makes addresses of the port's MAC. */
export const isAutomatic = ({ ipv6_address_mode: mode }: SubnetRow): boolean =>
  mode === 'slaac' || mode === 'dhcpv6-stateless';

/** The address that SLAAC makes of a MAC (RFC 4291, appendix A). */
export function eui64(cidr: string, mac: string): string {
  const bytes = mac.split(':').map(byte => Number.parseInt(byte, 16));
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = bytes;
  const host = [a ^ 2, b, c, 0xff, 0xfe, d, e, f].reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
  return toAddress(bounds(cidr).first + host, 6);
}

export const subnetsOf = ({ tables }: Context, networkId: string): SubnetRow[] =>
  [...tables.subnets.values()].filter(subnet => subnet.network_id === networkId);

/** Addresses of a subnet that ports hold. */
function taken({ tables }: Context, subnetId: string, butPort?: string): Set<string> {
  const all = [...tables.ports.values()].filter(port => port.id !== butPort);
  return new Set(
    all
      .flatMap(port => port.fixed_ips)
      .filter(ip => ip.subnet_id === subnetId)
      .map(ip => ip.ip_address),
  );
}

export interface Allocation {
  readonly network: NetworkRow;
  readonly mac: string;
  /** The request's fixed_ips; undefined where it has none. */
  readonly wanted: readonly WantedIp[] | undefined;
  /** Some subnets are for ports of some owners alone. */
  readonly deviceOwner: string;
  /** The port that is changed, and what it has. */
  readonly port?: { readonly id: string; readonly fixed_ips: readonly FixedIp[] };
}

/**
 * The addresses a port gets. Without a word: one of an IPv4 and one of an IPv6 subnet that hand addresses out, and one of
 * every automatic subnet; these come uninvited unless all that was asked for is automatic.
 * @throws Refusal
 */
export function allocate(context: Context, { network, mac, wanted, deviceOwner, port }: Allocation): FixedIp[] {
  const serves = ({ service_types: types }: SubnetRow) => types.length === 0 || types.includes(deviceOwner);
  const subnets = subnetsOf(context, network.id).filter(serves);
  const automatic = subnets.filter(isAutomatic);
  const given: FixedIp[] = [];
  const add = (subnet: SubnetRow, address: string) => given.push({ subnet_id: subnet.id, ip_address: address });
  if (wanted === undefined) {
    for (const version of [4, 6]) {
      const able = subnets.filter(subnet => subnet.ip_version === version && !isAutomatic(subnet));
      if (able.length > 0) add(...anyOf(context, able, given, network.id));
    }
  } else {
    const asked = wanted.map(want => resolve(want, subnets, network, context));
    const kept = (port?.fixed_ips ?? []).slice();
    for (const { subnet, address } of asked.filter(one => one.address !== undefined)) {
      const text = canonical(address as string);
      if (taken(context, subnet.id, port?.id).has(text)) throw allocated(text, subnet.id);
      add(subnet, text);
    }
    for (const { subnet } of asked.filter(one => one.address === undefined)) {
      if (isAutomatic(subnet)) {
        if (!given.some(ip => ip.subnet_id === subnet.id)) add(subnet, eui64(subnet.cidr, mac));
        continue;
      }
      const before = kept.findIndex(
        ip => ip.subnet_id === subnet.id && !given.some(got => got.ip_address === ip.ip_address),
      );
      const [old] = before < 0 ? [] : kept.splice(before, 1);
      if (old !== undefined) add(subnet, old.ip_address);
      else add(...anyOf(context, [subnet], given, network.id));
    }
    const allAutomatic = asked.length > 0 && asked.every(({ subnet }) => isAutomatic(subnet));
    if (allAutomatic || (port !== undefined && wanted.length === 0)) return inOrder(given);
  }
  for (const subnet of automatic) {
    if (!given.some(ip => ip.subnet_id === subnet.id)) add(subnet, eui64(subnet.cidr, mac));
  }
  return inOrder(given);
}

/** IPv4 first, else as they were asked for. */
const inOrder = (ips: readonly FixedIp[]): FixedIp[] => {
  const [four, six] = [ips.filter(ip => !ip.ip_address.includes(':')), ips.filter(ip => ip.ip_address.includes(':'))];
  return [...four, ...six];
};

const allocated = (address: string, subnetId: string): Refusal =>
  new Refusal(409, 'IpAddressAlreadyAllocated', `IP address ${address} already allocated in subnet ${subnetId}`);

function resolve(want: WantedIp, subnets: readonly SubnetRow[], network: NetworkRow, { tables }: Context) {
  const { subnet_id: id, ip_address: address } = want;
  if (id === undefined && address === undefined) throw badInput('IP allocation requires subnet_id or ip_address');
  const subnet =
    id === undefined ? subnets.find(one => isUsable(one.cidr, address ?? '')) : subnets.find(one => one.id === id);
  if (subnet === undefined) {
    if (id !== undefined) {
      if (!tables.subnets.has(id)) throw new Refusal(404, 'SubnetNotFound', `Subnet ${id} could not be found.`);
      throw badInput(`Failed to create port on network ${network.id}, because fixed_ips included invalid subnet ${id}`);
    }
    const text = `IP address ${address} is not a valid IP for any of the subnets on the specified network.`;
    throw new Refusal(400, 'InvalidIpForNetwork', text);
  }
  if (address !== undefined) {
    if (!isUsable(subnet.cidr, address)) {
      throw new Refusal(400, 'InvalidIpForSubnet', `IP address ${address} is not a valid IP for the specified subnet.`);
    }
    if (isAutomatic(subnet)) {
      const text = `IPv6 address ${address} cannot be directly assigned to a port on subnet ${subnet.id} as the subnet is configured for automatic addresses`;
      throw new Refusal(400, 'AllocationOnAutoAddressSubnet', text);
    }
  }
  return { subnet, address };
}

/** How many free addresses the next one is drawn from: neighbours in time are no neighbours in number. */
const WINDOW = 64n;

/** A free address of the pools of one of the subnets. @throws Refusal */
function anyOf(
  context: Context,
  subnets: readonly SubnetRow[],
  given: readonly FixedIp[],
  networkId: string,
): [SubnetRow, string] {
  for (const subnet of subnets) {
    const used = taken(context, subnet.id);
    for (const ip of given) if (ip.subnet_id === subnet.id) used.add(ip.ip_address);
    const free: string[] = [];
    for (const pool of subnet.allocation_pools) {
      for (const address of range(pool, subnet.ip_version)) {
        if (!used.has(address)) free.push(address);
        if (BigInt(free.length) >= WINDOW) break;
      }
    }
    const chosen = free[context.pick(free.length)];
    if (chosen !== undefined) return [subnet, chosen];
  }
  throw new Refusal(409, 'IpAddressGenerationFailure', `No more IP addresses available on network ${networkId}.`);
}

function* range({ start, end }: AddressRange, version: 4 | 6): Generator<string> {
  const last = toNumber(end);
  for (let value = toNumber(start); value <= last; value++) yield toAddress(value, version);
}
