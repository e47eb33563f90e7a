import type { Caller } from '../wire.ts';

/** What every resource has. Rows are never changed, only replaced: what somebody has read stays as it was. */
export interface Row {
  readonly id: string;
  readonly project_id: string;
  readonly revision_number: number;
  /** `2026-01-31T12:00:00Z` */
  readonly created_at: string;
  readonly updated_at: string;
  readonly tags: readonly string[];
  readonly description: string | null;
}

export interface NetworkRow extends Row {
  readonly name: string;
  readonly admin_state_up: boolean;
  readonly mtu: number;
  readonly shared: boolean;
  readonly port_security_enabled: boolean;
  readonly 'router:external': boolean;
  readonly is_default: boolean;
  readonly 'provider:network_type': string;
  readonly 'provider:physical_network': string | null;
  readonly 'provider:segmentation_id': number | null;
  readonly availability_zone_hints: readonly string[];
}

export interface AddressRange {
  readonly start: string;
  readonly end: string;
}

export interface SubnetRow extends Row {
  readonly name: string;
  readonly network_id: string;
  readonly ip_version: 4 | 6;
  readonly subnetpool_id: string | null;
  readonly enable_dhcp: boolean;
  readonly ipv6_ra_mode: string | null;
  readonly ipv6_address_mode: string | null;
  readonly gateway_ip: string | null;
  readonly cidr: string;
  readonly allocation_pools: readonly AddressRange[];
  readonly host_routes: readonly { readonly destination: string; readonly nexthop: string }[];
  readonly dns_nameservers: readonly string[];
  readonly service_types: readonly string[];
}

export interface PoolRow extends Row {
  readonly name: string;
  readonly default_prefixlen: number;
  readonly min_prefixlen: number;
  readonly max_prefixlen: number;
  readonly is_default: boolean;
  readonly shared: boolean;
  readonly prefixes: readonly string[];
  readonly ip_version: 4 | 6;
  readonly default_quota: number | null;
  readonly address_scope_id: null;
}

export interface FixedIp {
  readonly subnet_id: string;
  readonly ip_address: string;
}

export interface AddressPair {
  readonly ip_address: string;
  readonly mac_address: string;
}

export interface PortRow extends Row {
  readonly name: string;
  readonly network_id: string;
  readonly mac_address: string;
  readonly admin_state_up: boolean;
  readonly status: string;
  readonly device_id: string;
  readonly device_owner: string;
  readonly fixed_ips: readonly FixedIp[];
  readonly allowed_address_pairs: readonly AddressPair[];
  readonly extra_dhcp_opts: readonly {
    readonly opt_name: string;
    readonly opt_value: string;
    readonly ip_version: number;
  }[];
  readonly security_groups: readonly string[];
  readonly port_security_enabled: boolean;
  readonly ip_allocation: string;
  readonly 'binding:vnic_type': string;
  readonly 'binding:profile': object;
  readonly 'binding:host_id': string;
}

export interface GroupRow extends Row {
  readonly name: string;
  readonly stateful: boolean;
}

export interface RuleRow extends Row {
  readonly security_group_id: string;
  readonly ethertype: string;
  readonly direction: string;
  readonly protocol: string | null;
  readonly port_range_min: number | null;
  readonly port_range_max: number | null;
  readonly remote_ip_prefix: string | null;
  readonly remote_group_id: string | null;
  /** A number that counts rules; shown inside of groups alone. */
  readonly standard_attr_id: number;
}

export interface SubPort {
  readonly port_id: string;
  readonly segmentation_type: string;
  readonly segmentation_id: number;
}

export interface TrunkRow extends Row {
  readonly name: string;
  readonly port_id: string;
  readonly admin_state_up: boolean;
  readonly status: string;
  readonly sub_ports: readonly SubPort[];
}

export interface Tables {
  readonly networks: Map<string, NetworkRow>;
  readonly subnets: Map<string, SubnetRow>;
  readonly subnetpools: Map<string, PoolRow>;
  readonly ports: Map<string, PortRow>;
  readonly security_groups: Map<string, GroupRow>;
  readonly security_group_rules: Map<string, RuleRow>;
  readonly trunks: Map<string, TrunkRow>;
  /** Limits that an administrator set, by project. */
  readonly quotas: Map<string, Readonly<Record<string, number>>>;
}

export const emptyTables = (): Tables => ({
  networks: new Map(),
  subnets: new Map(),
  subnetpools: new Map(),
  ports: new Map(),
  security_groups: new Map(),
  security_group_rules: new Map(),
  trunks: new Map(),
  quotas: new Map(),
});

/** What an operator sets in neutron.conf. */
export interface Settings {
  /** max_allowed_address_pair */
  readonly pairLimit: number;
  /** What a network's MTU is at most, and by default. */
  readonly mtu: number;
  /** Writes of a port at the same moment all succeed and end as the union (up to 2025.1), or the first one wins. */
  readonly races: 'union' | 'first-wins';
}

/** What a request runs in. */
export interface Context {
  readonly tables: Tables;
  readonly settings: Settings;
  readonly caller: Caller;
  readonly isAdmin: boolean;
  /** `2026-01-31T12:00:00Z` */
  readonly now: string;
  /** A fresh UUID. */
  newId(): string;
  /** A number in [0, below). */
  pick(below: number): number;
  /** A number that no row has had. */
  count(): number;
}

/** The fields of a new row that are not the request's. */
export const fresh = (context: Context, projectId: unknown, revision: number) => ({
  id: context.newId(),
  project_id: typeof projectId === 'string' && projectId !== '' ? projectId : context.caller.projectId,
  revision_number: revision,
  created_at: context.now,
  updated_at: context.now,
});

/** The row after a change. */
export const changed = <R extends Row>(row: R, context: Context, fields: Partial<R>, bumps = 1): R => ({
  ...row,
  ...fields,
  revision_number: row.revision_number + bumps,
  updated_at: context.now,
});
