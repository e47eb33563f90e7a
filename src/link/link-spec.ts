import { KuryrError } from '../errors/kuryr-error.ts';
import type { LinkSpec } from './link-kind.ts';

/** How a link is wanted, in the words of Docker's own ipvlan and macvlan drivers; what is missing is Kuryr's choice. */
export interface LinkWish {
  /** `ipvlan` (the default) or `macvlan`. */
  readonly kind?: string | undefined;
  /** `ipvlan_mode` or `macvlan_mode`; l2 and bridge by default. */
  readonly mode?: string | undefined;
  /** `ipvlan_flag`; bridge by default. */
  readonly flag?: string | undefined;
}

const sides = ['bridge', 'private', 'vepa'] as const;

const l3Reason =
  "nobody answers ARP for the container on the VM's own subnet: 100 % loss both ways, unless each peer has a route to it by way of the VM";

const why: Readonly<Record<string, string>> = {
  l3: l3Reason,
  l3s: l3Reason,
  passthru: 'it takes the whole master for one container and sets it to promiscuous mode',
  source: 'it takes frames by their source MAC, which nobody fills in',
};

/** @throws LINK_MODE_UNSUPPORTED, with the reason and what works instead */
export function parseLinkSpec({ kind = 'ipvlan', mode, flag }: LinkWish): LinkSpec {
  if (kind === 'ipvlan') {
    if (mode !== undefined && mode !== 'l2') throw unsupported('ipvlan_mode', mode, 'ipvlan_mode=l2');
    return { kind, mode: 'l2', flag: sideOf('ipvlan_flag', flag) };
  }
  if (kind !== 'macvlan') throw unsupported('link', kind, 'link=ipvlan or link=macvlan');
  if (flag !== undefined) {
    throw unsupported('ipvlan_flag', flag, 'macvlan_mode', 'a macvlan link has no ipvlan flag');
  }
  return { kind, mode: sideOf('macvlan_mode', mode) };
}

/** The link's kind, mode and flag in Docker's words. */
export function describeLinkSpec(spec: {
  readonly kind: string;
  readonly mode: string;
  readonly flag?: string;
}): string {
  return spec.kind === 'ipvlan' ? `ipvlan_mode=${spec.mode}, ipvlan_flag=${spec.flag}` : `macvlan_mode=${spec.mode}`;
}

/**
 * Whether links of both kinds can stand on one master: ipvlan excludes macvlan, and all ipvlan links of a master have one
 * mode and flag; macvlan modes are each link's own.
 */
export function fitTogether(one: LinkSpec, other: LinkSpec): boolean {
  if (one.kind === 'macvlan' || other.kind === 'macvlan') return one.kind === other.kind;
  return one.flag === other.flag;
}

function sideOf(option: string, value = 'bridge'): (typeof sides)[number] {
  const side = sides.find(each => each === value);
  if (side === undefined) throw unsupported(option, value, sides.map(each => `${option}=${each}`).join(' or '));
  return side;
}

function unsupported(option: string, value: string, instead: string, reason?: string): KuryrError {
  return new KuryrError('LINK_MODE_UNSUPPORTED', {
    option,
    value,
    reason: reason ?? (Object.hasOwn(why, value) ? why[value] : 'there is no such thing'),
    instead,
  });
}
