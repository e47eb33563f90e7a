import * as v from 'valibot';
import { KuryrError } from '../../errors/kuryr-error.ts';
import type { NicQuery } from '../../nic/nic.ts';

/** What a user may say with `-o` (network) and `--ipam-opt` (pool); the neutron.* names are those of the Python Kuryr. */
export interface DockerOptions {
  readonly network?: string | undefined;
  readonly subnet4?: string | undefined;
  readonly subnet6?: string | undefined;
  readonly parent?: string | undefined;
  readonly link?: string | undefined;
  readonly ipvlanMode?: string | undefined;
  readonly ipvlanFlag?: string | undefined;
  readonly macvlanMode?: string | undefined;
  readonly mtu?: number | undefined;
}

/** Each option's field; a uuid wins over a name. */
const known = {
  'neutron.net.uuid': 'network',
  'neutron.net.name': 'network',
  'neutron.subnet.uuid': 'subnet4',
  'neutron.subnet.name': 'subnet4',
  'neutron.subnet.v6.uuid': 'subnet6',
  'neutron.subnet.v6.name': 'subnet6',
  parent: 'parent',
  link: 'link',
  ipvlan_mode: 'ipvlanMode',
  ipvlan_flag: 'ipvlanFlag',
  macvlan_mode: 'macvlanMode',
  'com.docker.network.driver.mtu': 'mtu',
} as const satisfies Record<string, keyof DockerOptions>;

const text = v.pipe(v.string(), v.minLength(1), v.maxLength(255));

/** @throws DOCKER_OPTION_UNKNOWN, DOCKER_BODY_INVALID */
export function parseOptions(given: unknown, verb: string): DockerOptions {
  const options = given ?? {};
  if (typeof options !== 'object' || Array.isArray(options))
    throw new KuryrError('DOCKER_BODY_INVALID', { verb, reason: 'options are not an object' });
  const found: Record<string, string | number> = {};
  for (const [name, value] of Object.entries(options)) {
    const field = Object.hasOwn(known, name) ? known[name as keyof typeof known] : undefined;
    if (field === undefined) {
      if (name.startsWith('com.docker.')) continue;
      throw new KuryrError('DOCKER_OPTION_UNKNOWN', { option: name.slice(0, 100), known: Object.keys(known) });
    }
    const parsed = v.safeParse(text, value);
    if (!parsed.success) throw new KuryrError('DOCKER_BODY_INVALID', { verb, reason: `${name} is not a plain text` });
    if (field === 'mtu') found[field] = mtu(parsed.output, verb);
    else if (name.endsWith('.uuid') || found[field] === undefined) found[field] = parsed.output;
  }
  return found;
}

/** The NIC and subnet that the options of a pool mean. */
export function queryOf(options: DockerOptions, family: 4 | 6, cidr: string | undefined): NicQuery {
  return {
    master: options.parent,
    network: options.network,
    subnet: family === 4 ? options.subnet4 : options.subnet6,
    cidr,
    family,
  };
}

function mtu(value: string, verb: string): number {
  // 68: the smallest MTU of IPv4 (RFC 791); 65535: its largest packet.
  const size = Number(value);
  if (!Number.isInteger(size) || size < 68 || size > 65_535)
    throw new KuryrError('DOCKER_BODY_INVALID', { verb, reason: 'com.docker.network.driver.mtu is not 68 to 65535' });
  return size;
}
