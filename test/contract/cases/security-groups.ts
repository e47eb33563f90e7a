/** Security groups and their rules. */
import assert from 'node:assert/strict';
import { NO_ID, type Refusal, refusals } from '../refusals.ts';
import { type Case, fieldsOf, keys, refused, status, TIME } from '../trial.ts';

const RULE_KEYS = [
  ...['created_at', 'description', 'direction', 'ethertype', 'id', 'normalized_cidr', 'port_range_max'],
  ...['port_range_min', 'project_id', 'protocol', 'remote_address_group_id', 'remote_group_id', 'remote_ip_prefix'],
  ...['revision_number', 'security_group_id', 'tenant_id', 'updated_at'],
];

const GROUP_KEYS = [
  ...['created_at', 'description', 'id', 'name', 'project_id', 'revision_number', 'security_group_rules', 'shared'],
  ...['stateful', 'tags', 'tenant_id', 'updated_at'],
];

interface Rule {
  readonly ethertype: string;
  readonly direction: string;
  readonly protocol: string | null;
  readonly remote_group_id: string | null;
}

const told = (rules: readonly Rule[]): string[] =>
  rules.map(rule => `${rule.direction} ${rule.ethertype} ${rule.protocol} ${rule.remote_group_id}`).sort();

const badRule =
  (fields: object, type: string, message: string) =>
  ({ group }: { group: { id: string } }): Refusal => ({
    ask: [
      'POST',
      '/security-group-rules',
      { security_group_rule: { security_group_id: group.id, direction: 'ingress', ...fields } },
    ],
    answer: [400, type, message],
  });

const protocols =
  "[None, 'ah', 'dccp', 'egp', 'esp', 'gre', 'hopopt', 'icmp', 'igmp', 'ip', 'ipip', 'ipv6-encap', 'ipv6-frag', 'ipv6-icmp', 'icmpv6', 'ipv6-nonxt', 'ipv6-opts', 'ipv6-route', 'ospf', 'pgm', 'rsvp', 'sctp', 'tcp', 'udp', 'udplite', 'vrrp']";

export const securityGroups: readonly Case[] = [
  {
    name: 'a new group lets all out and nothing in',
    run: async t => {
      const made = await t.make('security_group', { name: 'new', description: 'd' });
      const { security_group_rules, ...rest } = fieldsOf(made);
      assert.deepEqual(rest, {
        name: 'new',
        description: 'd',
        stateful: true,
        shared: false,
        tenant_id: t.bed.projectId,
        project_id: t.bed.projectId,
        tags: [],
        revision_number: 1,
      });
      assert.deepEqual(told(security_group_rules), ['egress IPv4 null null', 'egress IPv6 null null']);
      for (const rule of security_group_rules) {
        assert.deepEqual(keys(rule), [...RULE_KEYS, 'standard_attr_id', 'tags'].sort());
      }
      assert.deepEqual((await t.get(`/security-groups/${made.id}`)).security_group, made);
    },
  },
  {
    name: 'each project has a default group that lets its own members in',
    run: async t => {
      for (const user of ['demo', 'demo2'] as const) {
        const { security_groups: groups } = await t.get('/security-groups?name=default', user);
        assert.equal(groups.length, 1);
        const [group] = groups;
        assert.deepEqual(keys(group), GROUP_KEYS);
        const rules = told(group.security_group_rules);
        for (const version of ['IPv4', 'IPv6']) {
          assert.ok(rules.includes(`egress ${version} null null`), rules.join());
          assert.ok(rules.includes(`ingress ${version} null ${group.id}`), rules.join());
        }
      }
    },
  },
  {
    name: 'the default group can be neither renamed nor made twice',
    run: async t => {
      const rename = { security_group: { name: 'x' } };
      const answer = await t.api('PUT', `/security-groups/${t.bed.group.id}`, rename);
      refused(answer, 409, 'SecurityGroupCannotUpdateDefault', 'Updating default security group not allowed.');
      const twice = await t.api('POST', '/security-groups', { security_group: { name: 'default' } });
      refused(twice, 409, 'SecurityGroupDefaultAlreadyExists', 'Default security group already exists.');
    },
  },
  {
    name: 'name and description can be changed',
    run: async t => {
      const { id } = await t.make('security_group', { name: 'old' });
      const answer = await t.api('PUT', `/security-groups/${id}`, { security_group: { name: 'n', description: 'e' } });
      status(answer, 200);
      const { security_group: shown } = await t.get(`/security-groups/${id}`);
      assert.deepEqual([shown.name, shown.description], ['n', 'e']);
    },
  },
  {
    name: 'a group that a port uses is not deleted',
    run: async t => {
      const { id } = await t.make('security_group', { name: 'used' });
      const port = await t.bare({ security_groups: [id] });
      assert.deepEqual(port.security_groups, [id]);
      refused(
        await t.api('DELETE', `/security-groups/${id}`),
        409,
        'SecurityGroupInUse',
        `Security Group ${id} in use.`,
      );
      status(await t.put(port, { security_groups: [] }), 200);
      status(await t.api('DELETE', `/security-groups/${id}`), 204);
    },
  },
  {
    name: 'a group of another project is not there, not even for a port',
    run: async t => {
      const { id } = await t.make('security_group', { name: 'hidden' });
      const message = `Security group ${id} does not exist`;
      for (const method of ['GET', 'DELETE']) {
        const answer = await t.api(method, `/security-groups/${id}`, undefined, { user: 'demo2' });
        refused(answer, 404, 'SecurityGroupNotFound', message);
      }
      const network = await t.network({}, 'demo2');
      const body = { port: { network_id: network.id, security_groups: [id] } };
      refused(await t.api('POST', '/ports', body, { user: 'demo2' }), 404, 'SecurityGroupNotFound', message);
    },
  },
  {
    name: 'a rule has these fields and defaults',
    run: async t => {
      const { id: security_group_id } = await t.make('security_group', { name: 'ruled' });
      const asked = {
        security_group_id,
        direction: 'ingress',
        protocol: 'tcp',
        port_range_min: 80,
        port_range_max: 90,
      };
      const rule = await t.make('security_group_rule', asked);
      const { id, created_at, updated_at, ...rest } = rule;
      assert.match(created_at, TIME);
      assert.equal(updated_at, created_at);
      assert.deepEqual(rest, {
        ...asked,
        ethertype: 'IPv4',
        remote_ip_prefix: null,
        remote_address_group_id: null,
        normalized_cidr: null,
        remote_group_id: null,
        description: '',
        revision_number: 0,
        tenant_id: t.bed.projectId,
        project_id: t.bed.projectId,
      });
      assert.deepEqual((await t.get(`/security-group-rules/${id}`)).security_group_rule, rule);
      const listed = await t.get(`/security-group-rules?security_group_id=${security_group_id}&direction=ingress`);
      assert.deepEqual(listed.security_group_rules, [rule]);
      status(await t.api('DELETE', `/security-group-rules/${id}`), 204);
      const gone = await t.api('DELETE', `/security-group-rules/${id}`);
      refused(gone, 404, 'SecurityGroupRuleNotFound', `Security group rule ${id} does not exist`);
    },
  },
  {
    name: 'a prefix is kept as it was written, and shown in its normal form besides',
    run: async t => {
      const { id: security_group_id } = await t.make('security_group', { name: 'prefix' });
      const rule = await t.make('security_group_rule', {
        security_group_id,
        direction: 'ingress',
        remote_ip_prefix: '10.1.2.3/8',
      });
      assert.equal(rule.remote_ip_prefix, '10.1.2.3/8');
      assert.equal(rule.normalized_cidr, '10.0.0.0/8');
    },
  },
  {
    name: 'a group shows its rules, each with a number and tags besides',
    run: async t => {
      const { id } = await t.make('security_group', { name: 'shown' });
      const asked = { security_group_id: id, direction: 'ingress', protocol: 'tcp', remote_ip_prefix: '10.1.2.3/8' };
      const rule = await t.make('security_group_rule', { ...asked, port_range_min: 80, port_range_max: 90 });
      const { security_group_rules } = (await t.get(`/security-groups/${id}`)).security_group;
      const shown = security_group_rules.find((each: { id: string }) => each.id === rule.id);
      const { standard_attr_id, ...rest } = shown;
      assert.equal(typeof standard_attr_id, 'number');
      assert.deepEqual(rest, { ...rule, tags: [] });
    },
  },
  {
    name: 'a rule that stands is refused and named',
    run: async t => {
      const { id: security_group_id } = await t.make('security_group', { name: 'twice' });
      const rule = { security_group_id, direction: 'ingress', protocol: 'tcp', port_range_min: 80, port_range_max: 80 };
      const { id } = await t.make('security_group_rule', rule);
      const message = `Security group rule already exists. Rule id is ${id}.`;
      for (const same of [rule, { ...rule, protocol: '6' }]) {
        const answer = await t.api('POST', '/security-group-rules', { security_group_rule: same });
        refused(answer, 409, 'SecurityGroupRuleExists', message);
      }
    },
  },
  {
    name: 'several rules can be made at once',
    run: async t => {
      const { id: security_group_id } = await t.make('security_group', { name: 'bulk' });
      const rules = ['IPv4', 'IPv6'].map(ethertype => ({ security_group_id, direction: 'ingress', ethertype }));
      const answer = await t.api('POST', '/security-group-rules', { security_group_rules: rules });
      status(answer, 201);
      assert.deepEqual(told(answer.body.security_group_rules), ['ingress IPv4 null null', 'ingress IPv6 null null']);
      assert.equal(
        (await t.get(`/security-groups/${security_group_id}`)).security_group.security_group_rules.length,
        4,
      );
    },
  },
  ...refusals({
    'a rule has a direction': ({ group }) => ({
      ask: ['POST', '/security-group-rules', { security_group_rule: { security_group_id: group.id } }],
      answer: [400, 'HTTPBadRequest', "Failed to parse request. Required attribute 'direction' not specified"],
    }),
    'a rule has a group': () => ({
      ask: ['POST', '/security-group-rules', { security_group_rule: { direction: 'ingress' } }],
      answer: [400, 'HTTPBadRequest', "Failed to parse request. Required attribute 'security_group_id' not specified"],
    }),
    'a rule has a group that is there': () => ({
      ask: [
        'POST',
        '/security-group-rules',
        { security_group_rule: { security_group_id: NO_ID, direction: 'ingress' } },
      ],
      answer: [404, 'SecurityGroupNotFound', `Security group ${NO_ID} does not exist`],
    }),
    'a direction is one of two': badRule(
      { direction: 'sideways' },
      'HTTPBadRequest',
      'Invalid input for direction. Reason: sideways is not in valid_values.',
    ),
    'a kind of Ethernet frame is one of two': badRule(
      { ethertype: 'IPv5' },
      'SecurityGroupRuleInvalidEtherType',
      "Security group rule for ethertype 'IPv5' not supported. Allowed values are ['IPv4', 'IPv6'].",
    ),
    'a protocol is one of a list': badRule(
      { protocol: 'bogus' },
      'SecurityGroupRuleInvalidProtocol',
      `Security group rule protocol bogus not supported. Only protocol values ${protocols} and integer representations [0 to 255] are supported.`,
    ),
    'a range of ports has two ends': badRule(
      { protocol: 'tcp', port_range_min: 80 },
      'SecurityGroupInvalidPortRange',
      'For TCP/UDP protocols, port_range_min must be <= port_range_max',
    ),
    'a range of ports does not end before it begins': badRule(
      { protocol: 'udp', port_range_min: 80, port_range_max: 70 },
      'SecurityGroupInvalidPortRange',
      'For TCP/UDP protocols, port_range_min must be <= port_range_max',
    ),
    'a port is below 65536': badRule(
      { protocol: 'tcp', port_range_min: 80, port_range_max: 70_000 },
      'SecurityGroupInvalidPortValue',
      'Invalid value for port 70000',
    ),
    'a range of ports needs a protocol': badRule(
      { port_range_min: 80, port_range_max: 80 },
      'SecurityGroupProtocolRequiredWithPorts',
      'Must also specify protocol if port range is given.',
    ),
    'an ICMP type is a byte': badRule(
      { protocol: 'icmp', port_range_min: 800 },
      'SecurityGroupInvalidIcmpValue',
      'Invalid value for ICMP type (port_range_min) 800. It must be 0 to 255.',
    ),
    'an ICMP code needs a type': badRule(
      { protocol: 'icmp', port_range_max: 3 },
      'SecurityGroupMissingIcmpType',
      'ICMP code (port-range-max) 3 is provided but ICMP type (port-range-min) is missing.',
    ),
    'a port is not 0': badRule(
      { protocol: 'tcp', port_range_min: 0, port_range_max: 80 },
      'SecurityGroupInvalidPortValue',
      'Invalid value for port 0',
    ),
    'a protocol without ports has none': badRule(
      { protocol: 'gre', port_range_min: 80, port_range_max: 80 },
      'SecurityGroupInvalidProtocolForPort',
      'Ports cannot be specified for protocol 47. Ports are only supported for DCCP, SCTP, TCP, UDP, UDPLITE.',
    ),
    'ICMPv6 is no protocol of IPv4': badRule(
      { protocol: 'ipv6-icmp', ethertype: 'IPv4' },
      'SecurityGroupEthertypeConflictWithProtocol',
      'Invalid ethertype IPv4 for protocol ipv6-icmp.',
    ),
    'a rule has one remote side': ({ group }) => ({
      ask: [
        'POST',
        '/security-group-rules',
        {
          security_group_rule: {
            security_group_id: group.id,
            direction: 'ingress',
            remote_ip_prefix: '10.0.0.0/8',
            remote_group_id: group.id,
          },
        },
      ],
      answer: [
        400,
        'SecurityGroupMultipleRemoteEntites',
        'Only one of remote_ip_prefix or remote_group_id or remote_address_group_id may be provided.',
      ],
    }),
    'a prefix is of the family': badRule(
      { ethertype: 'IPv6', remote_ip_prefix: '10.0.0.0/8' },
      'SecurityGroupRuleParameterConflict',
      'Conflicting value ethertype IPv6 for CIDR 10.0.0.0/8',
    ),
    'a prefix of a rule is a prefix': badRule(
      { remote_ip_prefix: 'foo' },
      'InvalidCIDR',
      'Invalid CIDR foo given as IP prefix.',
    ),
  }),
];
