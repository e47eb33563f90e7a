import { allocate, type WantedIp } from '../addresses.ts';
import { type Attributes, open } from '../attributes.ts';
import { pairsOf, replaced, sorted, validatePairs } from '../pairs.ts';
import { judge, namesPart, owns } from '../policy.ts';
import { Refusal } from '../refusal.ts';
import { type Context, changed, fresh, type NetworkRow, type PortRow } from '../store.ts';
import {
  address,
  duplicates,
  isUuid,
  mac,
  noneToList,
  oneOf,
  shown,
  text,
  textList,
  toBoolean,
  uuid,
  uuidList,
} from '../values.ts';
import { merged, validateOptions } from './dhcp-options.ts';
import {
  answered,
  type Changed,
  common,
  description,
  type Kind,
  name,
  projectOf,
  shownOfAll,
  tagFilters,
} from './kind.ts';
import { defaultGroup } from './security-group.ts';

const VNIC_TYPES = [
  'normal',
  'macvtap',
  'direct',
  'baremetal',
  'direct-physical',
  'virtio-forwarder',
  'smart-nic',
  'vdpa',
  'remote-managed',
  'accelerator-direct',
  'accelerator-direct-physical',
];

function validateIps(value: unknown): string | undefined {
  if (!Array.isArray(value)) return `Invalid data format for fixed IP: '${shown(value)}'`;
  for (const entry of value) {
    if (typeof entry !== 'object' || entry === null) return `Invalid data format for fixed IP: '${shown(entry)}'`;
    const { ip_address: ip, subnet_id: subnet } = entry as WantedIp;
    const problem = (ip === undefined ? undefined : address(ip)) ?? (subnet === undefined ? undefined : uuid(subnet));
    if (problem !== undefined) return problem;
  }
  const twice = duplicates(value.map(entry => (entry as WantedIp).ip_address).filter(ip => ip !== undefined));
  return twice?.replace('items in the list:', 'IP address');
}

const forAdministrators = { post: true, put: true, standard: open, rule: true, hidden: true } as const;

const attributes: Attributes = {
  ...common,
  name,
  network_id: { post: true, put: false, validate: uuid, filter: true, sort: true },
  mac_address: {
    post: true,
    put: true,
    standard: open,
    validate: value => (value === null ? undefined : mac(value)),
    rule: true,
    filter: true,
    sort: true,
  },
  admin_state_up: { post: true, put: true, standard: { value: true }, convert: toBoolean, filter: true, sort: true },
  status: { filter: true, sort: true },
  fixed_ips: {
    post: true,
    put: true,
    standard: open,
    convert: noneToList,
    convertFirst: true,
    validate: validateIps,
    rule: true,
    filter: true,
  },
  device_id: { post: true, put: true, standard: { value: '' }, validate: text(), filter: true, sort: true },
  device_owner: {
    post: true,
    put: true,
    standard: { value: '' },
    validate: text(),
    rule: true,
    filter: true,
    sort: true,
  },
  port_security_enabled: { post: true, put: true, standard: open, convert: toBoolean, rule: true },
  allowed_address_pairs: { post: true, put: true, standard: open, convert: noneToList, convertFirst: true, rule: true },
  security_groups: {
    post: true,
    put: true,
    standard: open,
    convert: noneToList,
    convertFirst: true,
    validate: uuidList,
    filter: true,
  },
  extra_dhcp_opts: {
    ...{ post: true, put: true, standard: { value: [] } },
    ...{ convert: noneToList, convertFirst: true, validate: validateOptions },
  },
  'binding:vnic_type': {
    post: true,
    put: true,
    standard: { value: 'normal' },
    validate: oneOf(...VNIC_TYPES),
    rule: true,
  },
  'binding:host_id': { ...forAdministrators, filter: true },
  'binding:profile': forAdministrators,
  'binding:vif_type': { hidden: true },
  'binding:vif_details': { hidden: true },
  qos_policy_id: {
    post: true,
    put: true,
    standard: { value: null },
    validate: value => (value === null || isUuid(value) ? undefined : uuid(value)),
  },
  qos_network_policy_id: answered,
  resource_request: { hidden: true },
  ip_allocation: { filter: true, sort: true },
  description,
  ...tagFilters,
  tags: { post: true, put: false, standard: { value: [] }, validate: textList, filter: true },
};

const missing = (id: string) => new Refusal(404, 'PortNotFound', `Port ${id} could not be found.`);

const trusted = (owner: unknown): boolean => typeof owner === 'string' && owner.startsWith('network:');

/** What somebody who does not own the network may not say of a port. */
function denied(
  action: 'create' | 'update',
  fields: Readonly<Record<string, unknown>>,
  network: NetworkRow,
  context: Context,
) {
  if (context.isAdmin) return () => false;
  const owner = owns(context, network);
  return (key: string): boolean => {
    if (key === 'binding:host_id' || key === 'binding:profile') return true;
    if (key === 'mac_address') return action === 'update' || !owner;
    if (key === 'device_owner') return !owner && trusted(fields[key]);
    // Anybody who may use the network may ask for a subnet of it when the port is made.
    if (key === 'fixed_ips') return !owner && (action === 'update' || namesPart(fields[key], 'ip_address'));
    return !owner && (key === 'port_security_enabled' || key === 'allowed_address_pairs');
  };
}

/** @param pairLimit max_allowed_address_pair: judged before anything is looked up */
export const portKind = (pairLimit: number): Kind<PortRow> => ({
  name: 'port',
  plural: 'ports',
  path: 'ports',
  attributes: {
    ...attributes,
    allowed_address_pairs: { ...attributes['allowed_address_pairs'], validate: validatePairs(pairLimit) },
  },
  tags: true,
  table: tables => tables.ports,
  missing,
  visible: (row, context) => owns(context, row) || owns(context, networkOf(row, context)),

  create(fields, named, context) {
    const projectId = projectOf(named, context);
    const network = context.tables.networks.get(String(fields['network_id']));
    if (network === undefined || !(owns(context, network) || network.shared)) {
      throw new Refusal(404, 'NetworkNotFound', `Network ${fields['network_id']} could not be found.`);
    }
    judge({ action: 'create_port', fields: named, attributes, denied: denied('create', named, network, context) });
    const macAddress = freeMac(fields['mac_address'], network.id, context);
    const ips = allocate(context, {
      network,
      mac: macAddress,
      wanted: fields['fixed_ips'] as WantedIp[] | undefined,
      deviceOwner: String(fields['device_owner']),
    });
    const secure =
      (fields['port_security_enabled'] as boolean | undefined) ??
      (network.port_security_enabled && !trusted(fields['device_owner']));
    const groups = fields['security_groups'] as string[] | undefined;
    const pairs = pairsOf(fields['allowed_address_pairs'], macAddress);
    judgeSecurity({ secure, groups: groups ?? [], pairs, named: groups !== undefined }, context);
    return {
      ...fresh(context, projectId, 1),
      name: String(fields['name']),
      description: String(fields['description']),
      tags: fields['tags'] as string[],
      network_id: network.id,
      mac_address: macAddress,
      admin_state_up: fields['admin_state_up'] === true,
      status: 'DOWN',
      device_id: String(fields['device_id']),
      device_owner: String(fields['device_owner']),
      fixed_ips: ips,
      allowed_address_pairs: pairs,
      extra_dhcp_opts: merged([], fields['extra_dhcp_opts']),
      security_groups: groups ?? (secure ? [defaultGroup(projectId, context).id] : []),
      port_security_enabled: secure,
      ip_allocation: (fields['fixed_ips'] as unknown[] | undefined)?.length === 0 ? 'none' : 'immediate',
      'binding:vnic_type': String(fields['binding:vnic_type']),
      'binding:profile': (fields['binding:profile'] as object | undefined) ?? {},
      'binding:host_id': String(fields['binding:host_id'] ?? ''),
    };
  },

  denied: (row, fields, context) => denied('update', fields, networkOf(row, context), context),
  mayDelete: (row, context) => owns(context, networkOf(row, context)),

  update(row, fields, context, seen) {
    const network = networkOf(row, context);
    const {
      allowed_address_pairs: asked,
      fixed_ips: ips,
      mac_address: newMac,
      extra_dhcp_opts: options,
      ...plain
    } = fields;
    const macAddress = newMac === undefined ? row.mac_address : freeMac(newMac, network.id, context, row.id);
    if (newMac !== undefined && row['binding:host_id'] !== '') {
      const text = `Unable to complete operation on port ${row.id}, port is already bound, port type: ovs, old_mac ${row.mac_address}, new_mac ${macAddress}.`;
      throw new Refusal(409, 'PortBound', text);
    }
    const pairs = asked === undefined ? row.allowed_address_pairs : replaced(row, seen, pairsOf(asked, macAddress));
    const secure = (fields['port_security_enabled'] as boolean | undefined) ?? row.port_security_enabled;
    const groups = (fields['security_groups'] as string[] | undefined) ?? row.security_groups;
    judgeSecurity({ secure, groups, pairs, named: fields['security_groups'] !== undefined }, context);
    const wanted = ips as WantedIp[] | undefined;
    const fixed_ips =
      wanted === undefined
        ? row.fixed_ips
        : allocate(context, { network, mac: macAddress, wanted, deviceOwner: row.device_owner, port: row });
    const extra_dhcp_opts = options === undefined ? row.extra_dhcp_opts : merged(row.extra_dhcp_opts, options);
    const next = { ...plain, allowed_address_pairs: pairs, fixed_ips, mac_address: macAddress, extra_dhcp_opts };
    return counted(row, changed(row, context, next), Object.keys(fields));
  },

  remove(row, { tables }) {
    for (const trunk of tables.trunks.values()) {
      if (trunk.port_id === row.id) {
        throw new Refusal(
          409,
          'PortInUseAsTrunkParent',
          `Port ${row.id} is currently a parent port for trunk ${trunk.id}.`,
        );
      }
      if (trunk.sub_ports.some(sub => sub.port_id === row.id)) {
        throw new Refusal(409, 'PortInUseAsSubPort', `Port ${row.id} is currently a subport for trunk ${trunk.id}.`);
      }
    }
    tables.ports.delete(row.id);
  },

  view(row, { tables, isAdmin }) {
    const { 'binding:profile': profile, 'binding:host_id': host, ...rest } = row;
    const trunk = [...tables.trunks.values()].find(({ port_id }) => port_id === row.id);
    return {
      ...rest,
      ...shownOfAll(row),
      tags: [...row.tags].sort(),
      allowed_address_pairs: sorted(row.allowed_address_pairs),
      qos_policy_id: null,
      qos_network_policy_id: null,
      ...(trunk && {
        trunk_details: {
          trunk_id: trunk.id,
          sub_ports: trunk.sub_ports.map(sub => ({
            ...sub,
            mac_address: tables.ports.get(sub.port_id)?.mac_address ?? '',
          })),
        },
      }),
      ...(isAdmin && {
        'binding:profile': profile,
        'binding:host_id': host,
        'binding:vif_type': host === '' ? 'unbound' : 'ovs',
        'binding:vif_details': host === '' ? {} : { port_filter: true, connectivity: 'l2' },
        resource_request: null,
      }),
    };
  },
});

/** Columns of the port's own row: each that a PUT names counts, changed or not. */
const COLUMNS = [
  'name',
  'device_id',
  'device_owner',
  'admin_state_up',
  'mac_address',
  'port_security_enabled',
  'qos_policy_id',
];

/**
 * How far a change counts. What stands in other rows than the port's own (its description, groups, addresses, pairs) is
 * counted by itself, and in part only after the answer was made, so that its number can be old already.
 */
function counted(before: PortRow, next: PortRow, named: readonly string[]): Changed<PortRow> {
  const at = (more: number): PortRow => ({ ...next, revision_number: before.revision_number + more });
  const same = (one: readonly unknown[], other: readonly unknown[]) => JSON.stringify(one) === JSON.stringify(other);
  if (named.includes('binding:host_id')) return { row: at(2), answered: at(1) };
  if (named.some(name => COLUMNS.includes(name))) return { row: at(1) };
  const rewritten =
    named.includes('allowed_address_pairs') &&
    before.allowed_address_pairs.length + next.allowed_address_pairs.length > 0;
  const others =
    rewritten || !same(before.fixed_ips, next.fixed_ips) || !same(before.security_groups, next.security_groups);
  if (named.includes('description')) return others ? { row: at(2) } : { row: at(2), answered: at(1) };
  return others ? { row: at(1) } : { row: at(1), answered: at(0) };
}

/** A port without its network is none any more. @throws Refusal */
function networkOf(row: PortRow, { tables }: Context): NetworkRow {
  const network = tables.networks.get(row.network_id);
  if (network === undefined) throw missing(row.id);
  return network;
}

/** @throws Refusal where the MAC is another port's on that network */
function freeMac(asked: unknown, networkId: string, context: Context, butPort?: string): string {
  const others = [...context.tables.ports.values()].filter(
    other => other.network_id === networkId && other.id !== butPort,
  );
  const used = new Set(others.map(other => other.mac_address));
  if (typeof asked === 'string') {
    if (!used.has(asked)) return asked;
    const text = `Unable to complete operation for network ${networkId}. The mac address ${asked} is in use.`;
    throw new Refusal(409, 'MacAddressInUse', text);
  }
  for (;;) {
    const bytes = [context.pick(256), context.pick(256), context.pick(256)];
    const made = `fa:16:3e:${bytes.map(byte => byte.toString(16).padStart(2, '0')).join(':')}`;
    if (!used.has(made)) return made;
  }
}

interface Security {
  readonly secure: boolean;
  readonly groups: readonly string[];
  readonly pairs: readonly unknown[];
  /** Whether the request names groups. */
  readonly named: boolean;
}

/** @throws Refusal */
function judgeSecurity({ secure, groups, pairs, named }: Security, context: Context): void {
  if (!secure) {
    if (pairs.length > 0) {
      throw new Refusal(
        409,
        'AddressPairAndPortSecurityRequired',
        'Port Security must be enabled in order to have allowed address pairs on a port.',
      );
    }
    if (groups.length > 0) {
      if (named) {
        throw new Refusal(
          400,
          'PortSecurityAndIPRequiredForSecurityGroups',
          'Port security must be enabled and port must have an IP address in order to use security groups.',
        );
      }
      throw new Refusal(
        409,
        'PortSecurityPortHasSecurityGroup',
        'Port has security group associated. Cannot disable port security or IP address until security group is removed.',
      );
    }
  }
  const unknown = groups.find(id => {
    const group = context.tables.security_groups.get(id);
    return group === undefined || !owns(context, group);
  });
  if (unknown !== undefined)
    throw new Refusal(404, 'SecurityGroupNotFound', `Security group ${unknown} does not exist`);
}
