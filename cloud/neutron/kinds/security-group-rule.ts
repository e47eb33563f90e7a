import { bounds } from '../addresses.ts';
import { type Attributes, open } from '../attributes.ts';
import { owns } from '../policy.ts';
import { internalError, Refusal } from '../refusal.ts';
import { type Context, changed, fresh, type RuleRow } from '../store.ts';
import { isAddress, isCidr, oneOf, shown, toIntegerOrNone, uuid, uuidOrNone } from '../values.ts';
import { common, description, type Kind, projectOf } from './kind.ts';
import { ruleView, securityGroup } from './security-group.ts';

/** As Neutron lists them. */
const PROTOCOLS = [
  ...[
    'ah',
    'dccp',
    'egp',
    'esp',
    'gre',
    'hopopt',
    'icmp',
    'igmp',
    'ip',
    'ipip',
    'ipv6-encap',
    'ipv6-frag',
    'ipv6-icmp',
    'icmpv6',
  ],
  ...['ipv6-nonxt', 'ipv6-opts', 'ipv6-route', 'ospf', 'pgm', 'rsvp', 'sctp', 'tcp', 'udp', 'udplite', 'vrrp'],
];
const ETHERTYPES = ['IPv4', 'IPv6'];

const fixed = { post: true, put: false } as const;

const attributes: Attributes = {
  ...common,
  security_group_id: { ...fixed, validate: uuid, filter: true, sort: true },
  direction: { ...fixed, validate: oneOf('ingress', 'egress'), enumerated: true, filter: true, sort: true },
  ethertype: { ...fixed, standard: { value: 'IPv4' }, convert: ethertype, filter: true, sort: true },
  protocol: { ...fixed, standard: { value: null }, convert: protocol, filter: true, sort: true },
  port_range_min: { ...fixed, standard: { value: null }, convert: portNumber, filter: true, sort: true },
  port_range_max: { ...fixed, standard: { value: null }, convert: portNumber, filter: true, sort: true },
  remote_ip_prefix: { ...fixed, standard: { value: null }, convert: prefix, filter: true, sort: true },
  remote_group_id: { ...fixed, standard: { value: null }, validate: uuidOrNone, filter: true, sort: true },
  remote_address_group_id: { ...fixed, standard: open, validate: uuidOrNone, filter: true, sort: true },
  normalized_cidr: { filter: true },
  description: { ...description },
};

export const securityGroupRule: Kind<RuleRow> = {
  name: 'security_group_rule',
  plural: 'security_group_rules',
  path: 'security-group-rules',
  attributes,
  tags: false,
  table: tables => tables.security_group_rules,
  missing: id => new Refusal(404, 'SecurityGroupRuleNotFound', `Security group rule ${id} does not exist`),
  visible: (row, context) => owns(context, row),

  create(fields, named, context) {
    const projectId = projectOf(named, context);
    const { tables } = context;
    const row: RuleRow = {
      ...fresh(context, projectId, 0),
      description: String(fields['description']),
      tags: [],
      security_group_id: String(fields['security_group_id']),
      ethertype: String(fields['ethertype']),
      direction: String(fields['direction']),
      protocol: fields['protocol'] as string | null,
      port_range_min: fields['port_range_min'] as number | null,
      port_range_max: fields['port_range_max'] as number | null,
      remote_ip_prefix: fields['remote_ip_prefix'] as string | null,
      remote_group_id: fields['remote_group_id'] as string | null,
      standard_attr_id: context.count(),
    };
    judgeRule(row);
    for (const id of [row.remote_group_id, row.security_group_id]) {
      const group = id === null ? undefined : tables.security_groups.get(id);
      if (id !== null && (group === undefined || !owns(context, group))) throw securityGroup.missing(id);
    }
    const same = [...tables.security_group_rules.values()].find(other => sameRule(other, row));
    if (same !== undefined) {
      throw new Refusal(409, 'SecurityGroupRuleExists', `Security group rule already exists. Rule id is ${same.id}.`);
    }
    bumpGroup(row, context);
    return row;
  },

  // A rule's description can be named in a PUT, and Neutron 21 fails over it.
  update() {
    throw internalError();
  },

  remove(row, context) {
    context.tables.security_group_rules.delete(row.id);
    bumpGroup(row, context);
  },

  view: ruleView,
};

const bumpGroup = (rule: RuleRow, context: Context): void => {
  const group = context.tables.security_groups.get(rule.security_group_id);
  if (group !== undefined) context.tables.security_groups.set(group.id, changed(group, context, {}));
};

function ethertype(value: unknown): string {
  const known = ETHERTYPES.find(one => one.toLowerCase() === String(value).toLowerCase());
  if (known !== undefined) return known;
  const text = `Security group rule for ethertype '${shown(value)}' not supported. Allowed values are ['IPv4', 'IPv6'].`;
  throw new Refusal(400, 'SecurityGroupRuleInvalidEtherType', text);
}

function protocol(value: unknown): string | null {
  if (value === null) return null;
  const word = typeof value === 'string' || typeof value === 'number' ? String(value).toLowerCase() : '';
  if (PROTOCOLS.includes(word) || (/^\d+$/.test(word) && Number(word) <= 255)) return word;
  const known = PROTOCOLS.map(name => `'${name}'`).join(', ');
  const text = `Security group rule protocol ${shown(value)} not supported. Only protocol values [None, ${known}] and integer representations [0 to 255] are supported.`;
  throw new Refusal(400, 'SecurityGroupRuleInvalidProtocol', text);
}

function portNumber(value: unknown): number | null {
  const port = toIntegerOrNone(value);
  if (port === null || (port >= 0 && port <= 65_535)) return port;
  throw new Refusal(400, 'SecurityGroupInvalidPortValue', `Invalid value for port ${port}`);
}

function prefix(value: unknown): string | null {
  if (value === null || value === '') return null;
  if (isCidr(value)) return value;
  if (isAddress(value)) return `${value}/${value.includes(':') ? 128 : 32}`;
  throw new Refusal(400, 'InvalidCIDR', `Invalid CIDR ${shown(value)} given as IP prefix.`);
}

/** Protocols that have ports. */
const WITH_PORTS = ['6', '17', '33', '132', '136'];
const ICMP = ['1', '58'];

function judgeRule(rule: RuleRow): void {
  const { protocol, remote_ip_prefix: range, remote_group_id: group, ethertype: family } = rule;
  if (range !== null && group !== null) {
    const text = 'Only one of remote_ip_prefix or remote_group_id or remote_address_group_id may be provided.';
    throw new Refusal(400, 'SecurityGroupMultipleRemoteEntites', text);
  }
  judgePorts(rule);
  if (family === 'IPv4' && numberOf(protocol) === '58') {
    const text = `Invalid ethertype ${family} for protocol ${protocol}.`;
    throw new Refusal(400, 'SecurityGroupEthertypeConflictWithProtocol', text);
  }
  if (range !== null && bounds(range).version !== Number(family.slice(-1))) {
    const text = `Conflicting value ethertype ${family} for CIDR ${range}`;
    throw new Refusal(400, 'SecurityGroupRuleParameterConflict', text);
  }
}

function judgePorts({ protocol, port_range_min: min, port_range_max: max }: RuleRow): void {
  if (min === null && max === null) return;
  const number = numberOf(protocol);
  if (number === null) {
    throw new Refusal(
      400,
      'SecurityGroupProtocolRequiredWithPorts',
      'Must also specify protocol if port range is given.',
    );
  }
  if (WITH_PORTS.includes(number)) {
    if (min === 0 || max === 0) throw new Refusal(400, 'SecurityGroupInvalidPortValue', 'Invalid value for port 0');
    if (min !== null && max !== null && min <= max) return;
    const text = 'For TCP/UDP protocols, port_range_min must be <= port_range_max';
    throw new Refusal(400, 'SecurityGroupInvalidPortRange', text);
  }
  if (!ICMP.includes(number)) {
    const text = `Ports cannot be specified for protocol ${number}. Ports are only supported for DCCP, SCTP, TCP, UDP, UDPLITE.`;
    throw new Refusal(400, 'SecurityGroupInvalidProtocolForPort', text);
  }
  for (const [name, field, value] of [
    ['type', 'port_range_min', min],
    ['code', 'port_range_max', max],
  ] as const) {
    if (value === null || value <= 255) continue;
    const text = `Invalid value for ICMP ${name} (${field}) ${value}. It must be 0 to 255.`;
    throw new Refusal(400, 'SecurityGroupInvalidIcmpValue', text);
  }
  if (min === null) {
    const text = `ICMP code (port-range-max) ${max} is provided but ICMP type (port-range-min) is missing.`;
    throw new Refusal(400, 'SecurityGroupMissingIcmpType', text);
  }
}

const SAME = [
  'security_group_id',
  'direction',
  'ethertype',
  'port_range_min',
  'port_range_max',
  'remote_ip_prefix',
  'remote_group_id',
] as const;

/** Protocols that have a name and a number. */
const NUMBERS: Readonly<Record<string, string>> = {
  icmp: '1',
  igmp: '2',
  tcp: '6',
  udp: '17',
  dccp: '33',
  gre: '47',
  esp: '50',
  ah: '51',
  'ipv6-icmp': '58',
  icmpv6: '58',
  sctp: '132',
  udplite: '136',
};

const sameRule = (one: RuleRow, other: RuleRow): boolean =>
  SAME.every(key => one[key] === other[key]) && numberOf(one.protocol) === numberOf(other.protocol);

const numberOf = (protocol: string | null): string | null =>
  protocol === null ? null : (NUMBERS[protocol] ?? protocol);
