/**
 * What Neutron's back ends let out of a port that has port security: frames whose source is one of the port's own fixed
 * addresses with its MAC, or one of its allowed address pairs, and neighbour messages that claim only these.
 */
import ipaddr from 'ipaddr.js';

/** What the cloud holds of a port, as far as the filter needs it. */
export interface SecuredPort {
  readonly mac_address: string;
  readonly fixed_ips: readonly { readonly ip_address: string }[];
  readonly allowed_address_pairs: readonly { readonly ip_address: string; readonly mac_address?: string }[];
  readonly port_security_enabled: boolean;
}

/** Bytes that a packet's source must begin with. */
interface Source {
  readonly mac: Buffer;
  readonly address: Buffer;
  readonly prefix: number;
}

const ARP = 0x0806;
const IPV4 = 0x0800;
const IPV6 = 0x86dd;
const VLAN = [0x8100, 0x88a8];
const UDP = 17;
const ICMPV6 = 58;
/** Hop-by-hop options, routing and destination options: each begins with what follows it and its own length. */
const EXTENSIONS = [0, 43, 60];
/** ICMPv6 types that a host without an address sends from `::`: MLD reports and the probe for a duplicate address. */
const UNADDRESSED = [131, 135, 143];
const SOLICITATION = 135;
const ADVERTISEMENT = 136;
const TOO_SHORT = 'a neighbour message too short';

/** The filter of one port. */
export class PortSecurity {
  readonly #on: boolean;
  readonly #macs: readonly Buffer[];
  readonly #sources: readonly Source[];

  constructor(port: SecuredPort) {
    this.#on = port.port_security_enabled;
    const own = port.fixed_ips.map(({ ip_address }) => ({ mac: port.mac_address, cidr: ip_address }));
    const pairs = port.allowed_address_pairs.map(({ ip_address, mac_address = port.mac_address }) => ({
      mac: mac_address,
      cidr: ip_address,
    }));
    const all = [...own, ...pairs];
    const macs = new Set([port.mac_address, ...all.map(({ mac }) => mac)]);
    const linkLocal = all.filter(({ cidr }) => cidr.includes(':')).map(({ mac }) => ({ mac, cidr: linkLocalOf(mac) }));
    this.#macs = [...macs].map(macBytes);
    this.#sources = [...all, ...linkLocal].map(({ mac, cidr }) => ({ mac: macBytes(mac), ...cidrBytes(cidr) }));
  }

  /** Why the frame, Ethernet header first, may not leave the port; undefined where it may. */
  refuses(frame: Buffer): string | undefined {
    if (!this.#on) return undefined;
    if (frame.length < 14) return 'a frame too short';
    const type = frame.readUInt16BE(12);
    if (VLAN.includes(type)) return 'a VLAN tag';
    if (!this.#macs.some(mac => same(frame, 6, mac))) return `source MAC ${macText(frame, 6)}`;
    if (type === ARP) return this.#arp(frame);
    if (type === IPV4) return this.#ipv4(frame);
    if (type === IPV6) return this.#ipv6(frame);
    return undefined;
  }

  #arp(frame: Buffer): string | undefined {
    if (frame.length < 42) return 'an ARP message too short';
    if (this.#permits(frame, 22, 28, 4) && frame.compare(frame, 6, 12, 22, 28) === 0) return undefined;
    return `an ARP message that claims ${ipv4Text(frame, 28)}`;
  }

  #ipv4(frame: Buffer): string | undefined {
    if (frame.length < 34) return 'an IPv4 packet too short';
    if (this.#permits(frame, 6, 26, 4) || isDhcpQuestion(frame)) return undefined;
    return `source address ${ipv4Text(frame, 26)}`;
  }

  #ipv6(frame: Buffer): string | undefined {
    if (frame.length < 54) return 'an IPv6 packet too short';
    const at = icmpv6At(frame);
    const type = at === undefined ? undefined : frame[at];
    const unaddressed = type !== undefined && UNADDRESSED.includes(type) && isFromNowhere(frame);
    if (!unaddressed && !this.#permits(frame, 6, 22, 16)) return `source address ${ipv6Text(frame, 22)}`;
    if (at === undefined || (type !== SOLICITATION && type !== ADVERTISEMENT)) return undefined;
    return this.#neighbour(frame, at, type);
  }

  /** Judges what a neighbour message, which begins at that place, claims: its target, and its sender's MAC. */
  #neighbour(frame: Buffer, at: number, type: number): string | undefined {
    const target = at + 8;
    const option = at + 24;
    if (frame.length < option) return TOO_SHORT;
    if (type === ADVERTISEMENT && !this.#permits(frame, 6, target, 16))
      return `a neighbour advertisement that claims ${ipv6Text(frame, target)}`;
    if (frame[option] !== (type === ADVERTISEMENT ? 2 : 1)) return undefined;
    if (frame.length < option + 8) return TOO_SHORT;
    if (frame.compare(frame, 6, 12, option + 2, option + 8) === 0) return undefined;
    return `a neighbour message that claims MAC ${macText(frame, option + 2)}`;
  }

  /** Whether MAC and address at these places are a source of the port's. */
  #permits(frame: Buffer, mac: number, address: number, bytes: number): boolean {
    return this.#sources.some(
      source =>
        source.address.length === bytes &&
        same(frame, mac, source.mac) &&
        inside(frame, address, source.address, source.prefix),
    );
  }
}

/** Where the ICMPv6 message of an IPv6 packet begins; undefined where it is none. */
function icmpv6At(frame: Buffer): number | undefined {
  let next = frame[20];
  let at = 54;
  while (next !== undefined && EXTENSIONS.includes(next)) {
    next = frame[at];
    at += ((frame[at + 1] ?? 0) + 1) * 8;
  }
  return next === ICMPV6 && at < frame.length ? at : undefined;
}

/** From `::` to a multicast address of the link. */
const isFromNowhere = (frame: Buffer): boolean =>
  frame.subarray(22, 38).every(byte => byte === 0) && frame.readUInt16BE(38) === 0xff02;

/** DHCP's first question has no address yet: 0.0.0.0:68 to 255.255.255.255:67. */
function isDhcpQuestion(frame: Buffer): boolean {
  const ports = 14 + ((frame[14] ?? 0) & 15) * 4;
  if (frame.length < ports + 4 || frame[23] !== UDP) return false;
  if (frame.readUInt32BE(26) !== 0 || frame.readUInt32BE(30) !== 0xffffffff) return false;
  return frame.readUInt16BE(ports) === 68 && frame.readUInt16BE(ports + 2) === 67;
}

function same(frame: Buffer, at: number, bytes: Buffer): boolean {
  return frame.compare(bytes, 0, bytes.length, at, at + bytes.length) === 0;
}

function inside(frame: Buffer, at: number, network: Buffer, prefix: number): boolean {
  const whole = prefix >> 3;
  if (frame.compare(network, 0, whole, at, at + whole) !== 0) return false;
  const mask = (0xff00 >> (prefix & 7)) & 0xff;
  return ((frame[at + whole] ?? 0) & mask) === ((network[whole] ?? 0) & mask);
}

function cidrBytes(text: string): { address: Buffer; prefix: number } {
  if (!text.includes('/')) {
    const address = Buffer.from(ipaddr.parse(text).toByteArray());
    return { address, prefix: address.length * 8 };
  }
  const [address, prefix] = ipaddr.parseCIDR(text);
  return { address: Buffer.from(address.toByteArray()), prefix };
}

const macBytes = (mac: string): Buffer => Buffer.from(mac.replaceAll(':', ''), 'hex');

/** RFC 4291, appendix A. */
function linkLocalOf(mac: string): string {
  const bytes = macBytes(mac);
  bytes.writeUInt8(bytes.readUInt8(0) ^ 2, 0);
  const [a, b, c, d, e, f] = [...bytes].map(byte => byte.toString(16).padStart(2, '0'));
  return `fe80::${a}${b}:${c}ff:fe${d}:${e}${f}`;
}

const macText = (frame: Buffer, at: number): string => frame.toString('hex', at, at + 6).replace(/..(?!$)/g, '$&:');
const ipv4Text = (frame: Buffer, at: number): string => frame.subarray(at, at + 4).join('.');
const ipv6Text = (frame: Buffer, at: number): string =>
  ipaddr.fromByteArray([...frame.subarray(at, at + 16)]).toString();
