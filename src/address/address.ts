import ipaddr from 'ipaddr.js';

/**
 * The canonical text of an address (RFC 5952 for IPv6, dotted quad for IPv4), as Neutron writes it; undefined for
 * anything else, zone ids and IPv4 shorthands among it.
 */
export function canonical(text: string): string | undefined {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ipaddr.IPv4.parse(text).toString();
  if (text.includes('%') || !ipaddr.IPv6.isValid(text)) return undefined;
  return ipaddr.IPv6.parse(text).toRFC5952String();
}

/** Whether two texts mean the same address. */
export function sameAddress(a: string, b: string): boolean {
  const left = canonical(a);
  return left !== undefined && left === canonical(b);
}

export function familyOf(address: string): 4 | 6 {
  return address.includes(':') ? 6 : 4;
}

/** `10.0.0.5/24` → address and prefix, in canonical form; undefined for anything else. */
export function parseCidr(text: string): { address: string; prefix: number } | undefined {
  const [address, bits, ...rest] = text.split('/');
  if (address === undefined || bits === undefined || rest.length > 0 || !/^\d{1,3}$/.test(bits)) return undefined;
  const canonicalAddress = canonical(address);
  const prefix = Number(bits);
  if (canonicalAddress === undefined || prefix > (familyOf(canonicalAddress) === 4 ? 32 : 128)) return undefined;
  return { address: canonicalAddress, prefix };
}

/** Whether two CIDRs mean the same range. */
export function sameCidr(a: string, b: string): boolean {
  const left = networkOf(a);
  return left !== undefined && left === networkOf(b);
}

/** Whether the address is in the range. */
export function contains(cidr: string, address: string): boolean {
  const range = parseCidr(cidr);
  const text = canonical(address);
  if (range === undefined || text === undefined || familyOf(range.address) !== familyOf(text)) return false;
  return networkOf(`${text}/${range.prefix}`) === networkOf(cidr);
}

/** The range with its host bits cleared, canonical. */
export function networkOf(cidr: string): string | undefined {
  const range = parseCidr(cidr);
  if (range === undefined) return undefined;
  const first =
    familyOf(range.address) === 4
      ? ipaddr.IPv4.networkAddressFromCIDR(`${range.address}/${range.prefix}`)
      : ipaddr.IPv6.networkAddressFromCIDR(`${range.address}/${range.prefix}`);
  return `${canonical(first.toString())}/${range.prefix}`;
}
