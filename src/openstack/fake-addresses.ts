import ipaddr from 'ipaddr.js';

/** Addresses of a prefix that the fake hands out: up to but without an IPv4 broadcast address, at most 65,535. */
export function usableSize(cidr: string): number {
  const bits = (cidr.includes(':') ? 128 : 32) - ipaddr.parseCIDR(cidr)[1];
  return 2 ** Math.min(bits, 16) - 1;
}

/** The n-th address after a prefix's own. */
export function nthAddress(cidr: string, n: number): string {
  const bytes = ipaddr.parseCIDR(cidr)[0].toByteArray();
  for (let i = bytes.length - 1, carry = n; carry > 0 && i >= 0; i--, carry >>= 8)
    bytes[i] = (bytes[i] ?? 0) + (carry & 255);
  return ipaddr.fromByteArray(bytes).toString();
}

/** The address that SLAAC makes of a MAC in a /64 (RFC 4291, appendix A). */
export function eui64(cidr: string, mac: string): string {
  const [a = 0, b = 0, c = 0, ...rest] = mac.split(':').map(part => Number.parseInt(part, 16));
  const prefix = ipaddr.parseCIDR(cidr)[0].toByteArray().slice(0, 8);
  return ipaddr.fromByteArray([...prefix, a ^ 2, b, c, 0xff, 0xfe, ...rest]).toString();
}
