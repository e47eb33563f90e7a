import type { Body, Exchange, Retyped } from './replay.ts';

/** What Kuryr refuses on purpose of what the captured users typed, by their command and the verb. */
export const refusedOnPurpose: Readonly<Record<string, string>> = {
  'A4 create opts: IpamDriver.RequestPool': 'DOCKER_OPTION_UNKNOWN',
  'A4 create opts: NetworkDriver.CreateNetwork': 'DOCKER_OPTION_UNKNOWN',
  'A6 create range aux: IpamDriver.RequestPool': 'DOCKER_RANGE_UNSUPPORTED',
  'A6 create range aux: NetworkDriver.CreateNetwork': 'DOCKER_IPAM_MISSING',
  'A9 stub net default ipam: NetworkDriver.CreateNetwork': 'DOCKER_IPAM_MISSING',
  'A9b stub net default ipam auto: NetworkDriver.CreateNetwork': 'DOCKER_IPAM_MISSING',
  'A13 null ipam: NetworkDriver.CreateNetwork': 'DOCKER_IPAM_MISSING',
  'A17 config-from: NetworkDriver.CreateNetwork': 'DOCKER_OPTION_UNKNOWN',
  'B3 run ip ip6 mac: NetworkDriver.CreateEndpoint': 'DOCKER_MAC_CHOSEN',
  'W1 create: NetworkDriver.GwAllocCheck': 'DOCKER_VERB_UNKNOWN',
  'W1 create: NetworkDriver.CreateNetwork': 'DOCKER_OPTION_UNKNOWN',
  'W1b create with gw: NetworkDriver.GwAllocCheck': 'DOCKER_VERB_UNKNOWN',
};

/** What is refused even when the users type for Kuryr. */
export const refusedRetyped: Readonly<Record<string, string>> = {
  'A9 stub net default ipam: NetworkDriver.CreateNetwork': 'DOCKER_IPAM_MISSING',
  'A9b stub net default ipam auto: NetworkDriver.CreateNetwork': 'DOCKER_IPAM_MISSING',
  'A13 null ipam: NetworkDriver.CreateNetwork': 'DOCKER_IPAM_MISSING',
  'B3b run same ip: IpamDriver.RequestAddress': 'ADDRESS_IN_USE',
  'W1 create: NetworkDriver.GwAllocCheck': 'DOCKER_VERB_UNKNOWN',
  'W1b create with gw: NetworkDriver.GwAllocCheck': 'DOCKER_VERB_UNKNOWN',
};

/** Options that Kuryr knows for those that were made up, no --ip-range and no --mac-address. */
export const retyped: Retyped = (verb, body) => {
  if (verb === 'IpamDriver.RequestPool') return { ...body, SubPool: '', Options: {} };
  if (verb === 'NetworkDriver.CreateEndpoint')
    return { ...body, Interface: { ...(body['Interface'] as Body), MacAddress: '' } };
  if (verb !== 'NetworkDriver.CreateNetwork') return body;
  const options = body['Options'] as Body;
  const generic = options['com.docker.network.generic'] as Body;
  const known = 'parent' in generic ? { parent: 'eth1', ipvlan_mode: 'l2' } : {};
  return { ...body, Options: { ...options, 'com.docker.network.generic': known } };
};

/** What is known of the refusals so far, and what follows from each: an engine of a lost daemon sends the same. */
export class Refusals {
  readonly #onPurpose: Readonly<Record<string, string>>;
  readonly #networks = new Set<unknown>();
  readonly #endpoints = new Set<unknown>();
  readonly counted = new Map<string, number>();

  constructor(onPurpose: Readonly<Record<string, string>>) {
    this.#onPurpose = onPurpose;
  }

  expected({ mark, verb, sent }: Exchange): string | undefined {
    if (verb === 'IpamDriver.RequestAddress' && sent['PoolID'] === 'never-given') return 'DOCKER_POOL_UNKNOWN';
    const endpointVerb = verb === 'NetworkDriver.CreateEndpoint' || verb === 'NetworkDriver.Join';
    if (endpointVerb && this.#networks.has(sent['NetworkID'])) return 'DOCKER_NETWORK_UNKNOWN';
    if (verb === 'NetworkDriver.Join' && this.#endpoints.has(sent['EndpointID'])) return 'ATTACHMENT_UNKNOWN';
    return this.#onPurpose[`${mark}: ${verb}`];
  }

  note({ verb, sent }: Exchange, code: string): void {
    if (verb === 'NetworkDriver.CreateNetwork') this.#networks.add(sent['NetworkID']);
    if (verb === 'NetworkDriver.CreateEndpoint') this.#endpoints.add(sent['EndpointID']);
    this.counted.set(code, (this.counted.get(code) ?? 0) + 1);
  }
}
