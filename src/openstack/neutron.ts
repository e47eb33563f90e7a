/** An allowed address pair as Neutron stores it; fields that Kuryr does not know are kept. */
export interface AddressPair {
  readonly ip_address: string;
  readonly mac_address?: string;
  readonly [field: string]: unknown;
}

export interface FixedIp {
  readonly subnet_id: string;
  readonly ip_address: string;
}

/** The fields of a port that Kuryr reads. */
export interface Port {
  readonly id: string;
  readonly name: string;
  readonly network_id: string;
  readonly project_id: string;
  readonly mac_address: string;
  readonly fixed_ips: readonly FixedIp[];
  readonly device_owner: string;
  readonly device_id: string;
  readonly security_groups: readonly string[];
  readonly allowed_address_pairs: readonly AddressPair[];
  /** True where the cloud has no port-security extension to say otherwise. */
  readonly port_security_enabled: boolean;
  readonly revision_number: number;
}

export interface Network {
  readonly id: string;
  readonly name: string;
  readonly project_id: string;
  /** Bytes; undefined where the cloud does not tell. */
  readonly mtu: number | undefined;
  readonly shared: boolean;
}

export interface HostRoute {
  readonly destination: string;
  readonly nexthop: string;
}

export type Ipv6AddressMode = 'slaac' | 'dhcpv6-stateful' | 'dhcpv6-stateless' | null;

export interface Subnet {
  readonly id: string;
  readonly name: string;
  readonly network_id: string;
  readonly ip_version: 4 | 6;
  readonly cidr: string;
  readonly gateway_ip: string | null;
  readonly host_routes: readonly HostRoute[];
  readonly ipv6_address_mode: Ipv6AddressMode;
}

/** What a reservation's POST carries; `name` must be unique, since a lost answer is looked up by it. */
export interface PortCreate {
  readonly name: string;
  readonly network_id: string;
  readonly fixed_ips: readonly { readonly subnet_id: string; readonly ip_address?: string }[];
  readonly device_owner: string;
  readonly device_id: string;
  readonly admin_state_up: boolean;
  readonly security_groups?: readonly string[];
  readonly port_security_enabled?: boolean;
  readonly tags?: readonly string[];
}

/** Query of a list call: equality per key, several values of one key are alternatives. */
export type Filter = Readonly<Record<string, string | readonly string[]>>;

/**
 * The Neutron calls that Kuryr makes. Errors are KuryrErrors: NEUTRON_* with status, Neutron's type, message and request
 * id in the details; KEYSTONE_*; CLOUD_UNREACHABLE; CLOUD_TIMEOUT. What may be repeated is repeated inside, with jitter.
 */
export interface Neutron {
  /** Aliases of the API extensions that the server lists; asked once. */
  extensions(signal: AbortSignal): Promise<ReadonlySet<string>>;
  /** @throws NEUTRON_NOT_FOUND */
  port(id: string, signal: AbortSignal): Promise<Port>;
  ports(filter: Filter, signal: AbortSignal): Promise<readonly Port[]>;
  /**
   * A POST whose answer is lost is looked up by its name before it is sent again, so at most one port comes of a call.
   * @throws ADDRESS_IN_USE, NEUTRON_QUOTA, NEUTRON_REFUSED, SUBNET_EXHAUSTED
   */
  createPort(body: PortCreate, signal: AbortSignal): Promise<Port>;
  /**
   * Writes the fields given; with `revision` only if the port still has it (`If-Match: revision_number=N`).
   * @throws NEUTRON_STALE (412), NEUTRON_NOT_FOUND, PAIRS_EXHAUSTED and others by Neutron's error type
   */
  updatePort(
    id: string,
    fields: Readonly<Record<string, unknown>>,
    revision: number | undefined,
    signal: AbortSignal,
  ): Promise<Port>;
  /** A port that is gone already counts as deleted. */
  deletePort(id: string, signal: AbortSignal): Promise<void>;
  networks(filter: Filter, signal: AbortSignal): Promise<readonly Network[]>;
  subnets(filter: Filter, signal: AbortSignal): Promise<readonly Subnet[]>;
}
