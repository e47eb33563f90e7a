import { type Attributes, open } from '../attributes.ts';
import { judge, owns } from '../policy.ts';
import { badInput, Refusal } from '../refusal.ts';
import { changed, fresh, type NetworkRow } from '../store.ts';
import { anything, integerFrom, toBoolean, toInteger } from '../values.ts';
import { answered, common, description, type Kind, name, projectOf, shownOfAll, tagFilters } from './kind.ts';

const forAdministrators = {
  post: true,
  put: true,
  standard: open,
  validate: anything,
  rule: true,
  filter: true,
} as const;
const ADMINISTRATORS = new Set([
  'shared',
  'router:external',
  'is_default',
  ...['network_type', 'physical_network', 'segmentation_id'].map(key => `provider:${key}`),
]);

const attributes: Attributes = {
  ...common,
  name,
  admin_state_up: { post: true, put: true, standard: { value: true }, convert: toBoolean, filter: true, sort: true },
  mtu: {
    post: true,
    put: true,
    standard: { value: 0 },
    convert: toInteger,
    convertFirst: true,
    validate: integerFrom(0),
    filter: true,
    sort: true,
  },
  status: { filter: true, sort: true },
  subnets: answered,
  shared: { ...forAdministrators, standard: { value: false }, convert: toBoolean },
  'router:external': { ...forAdministrators, standard: { value: false }, convert: toBoolean },
  is_default: { ...forAdministrators, standard: { value: false }, convert: toBoolean },
  'provider:network_type': { ...forAdministrators, hidden: true },
  'provider:physical_network': { ...forAdministrators, hidden: true },
  'provider:segmentation_id': { ...forAdministrators, hidden: true },
  port_security_enabled: { post: true, put: true, standard: { value: true }, convert: toBoolean, rule: true },
  availability_zone_hints: { post: true, standard: { value: [] }, validate: anything },
  availability_zones: answered,
  ipv4_address_scope: answered,
  ipv6_address_scope: answered,
  qos_policy_id: { post: true, put: true, standard: { value: null }, validate: anything },
  l2_adjacency: answered,
  description,
  ...tagFilters,
};

/** Ports of the cloud's own, which go with their network. */
const OWN_PORTS = ['network:dhcp', 'network:distributed'];

export const network: Kind<NetworkRow> = {
  name: 'network',
  plural: 'networks',
  path: 'networks',
  attributes,
  tags: true,
  table: tables => tables.networks,
  missing: id => new Refusal(404, 'NetworkNotFound', `Network ${id} could not be found.`),
  visible: (row, context) => owns(context, row) || row.shared || row['router:external'],

  create(fields, named, context) {
    const projectId = projectOf(named, context);
    judge({
      action: 'create_network',
      fields: named,
      attributes,
      denied: key => !context.isAdmin && ADMINISTRATORS.has(key),
    });
    return {
      ...fresh(context, projectId, 1),
      name: String(fields['name']),
      description: String(fields['description']),
      tags: [],
      admin_state_up: fields['admin_state_up'] === true,
      mtu: mtuOf(fields['mtu'], context.settings.mtu),
      shared: fields['shared'] === true,
      port_security_enabled: fields['port_security_enabled'] === true,
      'router:external': fields['router:external'] === true,
      is_default: fields['is_default'] === true,
      'provider:network_type': String(fields['provider:network_type'] ?? 'geneve'),
      'provider:physical_network': (fields['provider:physical_network'] as string | undefined) ?? null,
      'provider:segmentation_id': Number(fields['provider:segmentation_id'] ?? 1 + context.pick(65_535)),
      availability_zone_hints: fields['availability_zone_hints'] as string[],
    };
  },

  denied:
    (_row, _fields, { isAdmin }) =>
    key =>
      !isAdmin && ADMINISTRATORS.has(key),

  update(row, fields, context) {
    const mtu = fields['mtu'] === undefined ? row.mtu : mtuOf(fields['mtu'], context.settings.mtu);
    return { row: changed(row, context, { ...fields, mtu }) };
  },

  remove(row, { tables }) {
    const all = [...tables.ports.values()].filter(port => port.network_id === row.id);
    const ports = all.filter(port => !OWN_PORTS.includes(port.device_owner));
    if (ports.length > 0) {
      const ids = ports.map(port => port.id).join(',');
      const text = `Unable to complete operation on network ${row.id}. There are one or more ports still in use on the network, id for these ports is: ${ids}.`;
      throw new Refusal(409, 'NetworkInUse', text);
    }
    for (const { id } of all) tables.ports.delete(id);
    for (const { id, network_id } of tables.subnets.values()) if (network_id === row.id) tables.subnets.delete(id);
    tables.networks.delete(row.id);
  },

  view(row, { tables, isAdmin }, as) {
    const {
      is_default,
      'provider:network_type': type,
      'provider:physical_network': physical,
      'provider:segmentation_id': segment,
      ...rest
    } = row;
    return {
      ...rest,
      ...shownOfAll(row),
      status: 'ACTIVE',
      subnets: [...tables.subnets.values()].filter(subnet => subnet.network_id === row.id).map(({ id }) => id),
      availability_zones: [],
      ipv4_address_scope: null,
      ipv6_address_scope: null,
      qos_policy_id: null,
      l2_adjacency: true,
      ...(as === 'made' || row['router:external'] ? { is_default } : {}),
      ...(isAdmin
        ? { 'provider:network_type': type, 'provider:physical_network': physical, 'provider:segmentation_id': segment }
        : {}),
    };
  },
};

/** 0 stands for the most there is. @throws Refusal */
function mtuOf(asked: unknown, most: number): number {
  if (Number(asked) > most) throw badInput(`Requested MTU is too big, maximum is ${most}`);
  return Number(asked) || most;
}
