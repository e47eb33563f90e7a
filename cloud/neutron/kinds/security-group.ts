import { bounds, toAddress } from '../addresses.ts';
import type { Attributes } from '../attributes.ts';
import { owns } from '../policy.ts';
import { Refusal } from '../refusal.ts';
import { type Context, changed, fresh, type GroupRow, type RuleRow } from '../store.ts';
import { toBoolean } from '../values.ts';
import { answered, common, description, type Kind, name, projectOf, shownOfAll, tagFilters } from './kind.ts';

const attributes: Attributes = {
  ...common,
  name,
  stateful: { post: true, put: true, standard: { value: true }, convert: toBoolean },
  shared: { filter: true, convert: toBoolean },
  security_group_rules: answered,
  description,
  ...tagFilters,
};

export const securityGroup: Kind<GroupRow> = {
  name: 'security_group',
  plural: 'security_groups',
  path: 'security-groups',
  attributes,
  tags: true,
  table: tables => tables.security_groups,
  missing: id => new Refusal(404, 'SecurityGroupNotFound', `Security group ${id} does not exist`),
  visible: (row, context) => owns(context, row),

  create(fields, named, context) {
    const projectId = projectOf(named, context);
    if (fields['name'] === 'default') {
      throw new Refusal(409, 'SecurityGroupDefaultAlreadyExists', 'Default security group already exists.');
    }
    const row = groupOf(context, projectId, {
      name: String(fields['name']),
      description: String(fields['description']),
    });
    return { ...row, stateful: fields['stateful'] === true };
  },

  update(row, fields, context) {
    if (row.name === 'default' && fields['name'] !== undefined && fields['name'] !== 'default') {
      throw new Refusal(409, 'SecurityGroupCannotUpdateDefault', 'Updating default security group not allowed.');
    }
    return { row: changed(row, context, fields) };
  },

  remove(row, { tables, isAdmin }) {
    const used = [...tables.ports.values()].some(port => port.security_groups.includes(row.id));
    if (used) throw new Refusal(409, 'SecurityGroupInUse', `Security Group ${row.id} in use.`);
    if (row.name === 'default' && !isAdmin) {
      throw new Refusal(
        409,
        'SecurityGroupCannotRemoveDefault',
        'Insufficient rights for removing default security group.',
      );
    }
    for (const rule of rulesOf(row.id, tables.security_group_rules)) tables.security_group_rules.delete(rule.id);
    tables.security_groups.delete(row.id);
  },

  view: (row, { tables }) => ({
    ...row,
    ...shownOfAll(row),
    shared: false,
    security_group_rules: rulesOf(row.id, tables.security_group_rules).map(rule => ({
      ...ruleView(rule),
      standard_attr_id: rule.standard_attr_id,
      tags: [],
    })),
  }),
};

const rulesOf = (groupId: string, rules: ReadonlyMap<string, RuleRow>): RuleRow[] =>
  [...rules.values()].filter(rule => rule.security_group_id === groupId);

/** A rule as lists of rules show it; inside of its group it has more. */
export function ruleView(rule: RuleRow): Record<string, unknown> {
  const { standard_attr_id: _, tags: __, ...rest } = rule;
  const normalized_cidr = normalized(rule.remote_ip_prefix);
  return { ...rest, ...shownOfAll(rule), remote_address_group_id: null, normalized_cidr };
}

function normalized(range: string | null): string | null {
  if (range === null) return null;
  const { first, version, prefix: bits } = bounds(range);
  return `${toAddress(first, version)}/${bits}`;
}

/** The project's default group, made when it is first needed. */
export function defaultGroup(projectId: string, context: Context): GroupRow {
  const { tables } = context;
  const known = [...tables.security_groups.values()].find(
    row => row.project_id === projectId && row.name === 'default',
  );
  if (known !== undefined) return known;
  const row = groupOf(context, projectId, { name: 'default', description: 'Default security group' });
  tables.security_groups.set(row.id, row);
  for (const ethertype of ['IPv4', 'IPv6'])
    addRule(context, row, { direction: 'ingress', ethertype, remote_group_id: row.id });
  return row;
}

/** A new group with what all have: everything may go out. */
function groupOf(context: Context, projectId: string, told: { name: string; description: string }): GroupRow {
  const row: GroupRow = { ...fresh(context, projectId, 1), ...told, stateful: true, tags: [] };
  for (const ethertype of ['IPv4', 'IPv6']) addRule(context, row, { direction: 'egress', ethertype });
  return row;
}

function addRule(
  context: Context,
  group: GroupRow,
  fields: Partial<RuleRow> & Pick<RuleRow, 'direction' | 'ethertype'>,
): void {
  const rule: RuleRow = {
    ...fresh(context, group.project_id, 0),
    ...{
      description: null,
      tags: [],
      security_group_id: group.id,
      protocol: null,
      port_range_min: null,
      port_range_max: null,
    },
    ...{ remote_ip_prefix: null, remote_group_id: null, standard_attr_id: context.count() },
    ...fields,
  };
  context.tables.security_group_rules.set(rule.id, rule);
}
