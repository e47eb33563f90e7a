/** Neutron's IPAM: which addresses a port gets. */
import ipaddr from 'ipaddr.js';
import { badInput, Refusal } from './refusal.ts';
import type { Context, FixedIp, NetworkRow, SubnetRow } from './store.ts';

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
  const bytes = mac.split(/[:-]/).map(byte => Number.parseInt(byte, 16));
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = bytes;
  const host = [a ^ 2, b, c, 0xff, 0xfe, d, e, f].reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
  return toAddress(bounds(cidr).first + host, 6);
}

export const subnetsOf = ({ tables }: Context, networkId: string): SubnetRow[] =>
  [...tables.subnets.values()].filter(subnet => subnet.network_id === networkId);

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
  const supply = new Supply(context, network.id, port?.id);
  const automatic = (subnet: SubnetRow) => supply.take(subnet, eui64(subnet.cidr, mac));
  if (wanted === undefined) {
    for (const version of [4, 6]) {
      const able = subnets.filter(subnet => subnet.ip_version === version && !isAutomatic(subnet));
      if (able.length > 0) supply.takeAny(able);
    }
  } else {
    const asked = wanted.map(want => resolve(want, subnets, network, context));
    for (const { subnet, address } of asked) if (address !== undefined) supply.take(subnet, canonical(address));
    const kept = Map.groupBy(port?.fixed_ips ?? [], ip => ip.subnet_id);
    for (const { subnet } of asked.filter(one => one.address === undefined)) {
      // What the port has of that subnet already is as good as another.
      const old = kept.get(subnet.id)?.find(ip => !supply.holds(ip));
      if (isAutomatic(subnet)) {
        if (!supply.serves(subnet)) automatic(subnet);
      } else if (old === undefined) supply.takeAny([subnet]);
      else supply.take(subnet, old.ip_address);
    }
    const allAutomatic = asked.length > 0 && asked.every(({ subnet }) => isAutomatic(subnet));
    if (allAutomatic || (port !== undefined && wanted.length === 0)) return supply.given();
  }
  for (const subnet of subnets.filter(isAutomatic)) if (!supply.serves(subnet)) automatic(subnet);
  return supply.given();
}

/** How many free addresses the next one is drawn from: neighbours in time are no neighbours in number. */
const WINDOW = 64;

/** What is free on a network, and what one port has got of it so far. */
class Supply {
  readonly #context: Context;
  readonly #networkId: string;
  /** Whose addresses count as free. */
  readonly #portId: string | undefined;
  readonly #given: FixedIp[] = [];
  readonly #used = new Map<string, Set<string>>();
  /** Free addresses of a subnet that the next one is drawn from, and those after them. */
  readonly #windows = new Map<string, { readonly free: string[]; readonly later: Generator<string> }>();

  constructor(context: Context, networkId: string, portId: string | undefined) {
    this.#context = context;
    this.#networkId = networkId;
    this.#portId = portId;
  }

  /** IPv4 first, else in the order they were taken in. */
  given(): FixedIp[] {
    const isFour = (ip: FixedIp) => !ip.ip_address.includes(':');
    return [...this.#given.filter(isFour), ...this.#given.filter(ip => !isFour(ip))];
  }

  serves = (subnet: SubnetRow): boolean => this.#given.some(ip => ip.subnet_id === subnet.id);

  holds = (ip: FixedIp): boolean =>
    this.#given.some(got => got.subnet_id === ip.subnet_id && got.ip_address === ip.ip_address);

  /** @throws Refusal where somebody else has it */
  take(subnet: SubnetRow, address: string): void {
    const used = this.#usedOf(subnet);
    if (used.has(address)) {
      const text = `IP address ${address} already allocated in subnet ${subnet.id}`;
      throw new Refusal(409, 'IpAddressAlreadyAllocated', text);
    }
    used.add(address);
    this.#given.push({ subnet_id: subnet.id, ip_address: address });
  }

  /** @throws Refusal where none of the subnets has any */
  takeAny(subnets: readonly SubnetRow[]): void {
    for (const subnet of subnets) {
      const { free, later } = this.#windowOf(subnet);
      while (free.length < WINDOW) {
        const { value, done } = later.next();
        if (done) break;
        free.push(value);
      }
      const [chosen] = free.splice(this.#context.pick(free.length), 1);
      if (chosen === undefined) continue;
      this.take(subnet, chosen);
      return;
    }
    const text = `No more IP addresses available on network ${this.#networkId}.`;
    throw new Refusal(409, 'IpAddressGenerationFailure', text);
  }

  #usedOf({ id }: SubnetRow): Set<string> {
    const known = this.#used.get(id);
    if (known !== undefined) return known;
    const others = [...this.#context.tables.ports.values()].filter(port => port.id !== this.#portId);
    const ips = others.flatMap(port => port.fixed_ips).filter(ip => ip.subnet_id === id);
    const used = new Set(ips.map(ip => ip.ip_address));
    this.#used.set(id, used);
    return used;
  }

  #windowOf(subnet: SubnetRow) {
    const known = this.#windows.get(subnet.id);
    if (known !== undefined) return known;
    const made = { free: [], later: freeOf(subnet, this.#usedOf(subnet)) };
    this.#windows.set(subnet.id, made);
    return made;
  }
}

/** The free addresses of a subnet's pools, in order, as they are found. */
function* freeOf(
  { allocation_pools: pools, ip_version: version }: SubnetRow,
  used: ReadonlySet<string>,
): Generator<string> {
  for (const { start, end } of pools) {
    const last = toNumber(end);
    for (let value = toNumber(start); value <= last; value++) {
      const address = toAddress(value, version);
      if (!used.has(address)) yield address;
    }
  }
}
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
