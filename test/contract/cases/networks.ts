/** Networks: what they are made of, what may be changed, who sees them. */
import assert from 'node:assert/strict';
import { NO_ID, refusals } from '../refusals.ts';
import { type Case, fieldsOf, keys, refused, status } from '../trial.ts';

export const NETWORK_KEYS = [
  ...['admin_state_up', 'availability_zone_hints', 'availability_zones', 'created_at', 'description', 'id'],
  ...['ipv4_address_scope', 'ipv6_address_scope', 'l2_adjacency', 'mtu', 'name', 'port_security_enabled', 'project_id'],
  ...['qos_policy_id', 'revision_number', 'router:external', 'shared', 'status', 'subnets', 'tags', 'tenant_id'],
  'updated_at',
];

export const networks: readonly Case[] = [
  {
    name: 'a new network has these fields and defaults',
    run: async t => {
      const rest = fieldsOf(await t.network({ name: 'plain' }));
      assert.deepEqual(rest, {
        name: 'plain',
        tenant_id: t.bed.projectId,
        project_id: t.bed.projectId,
        admin_state_up: true,
        mtu: 1442,
        status: 'ACTIVE',
        subnets: [],
        shared: false,
        port_security_enabled: true,
        qos_policy_id: null,
        'router:external': false,
        is_default: false,
        availability_zone_hints: [],
        availability_zones: [],
        ipv4_address_scope: null,
        ipv6_address_scope: null,
        description: '',
        l2_adjacency: true,
        tags: [],
        revision_number: 1,
      });
    },
  },
  {
    name: 'a network shows what its creation showed but for is_default',
    run: async t => {
      const made = await t.network();
      const { network } = await t.get(`/networks/${made.id}`);
      assert.deepEqual(keys(network), NETWORK_KEYS);
      const { is_default: _, ...shown } = made;
      assert.deepEqual(network, shown);
    },
  },
  {
    name: 'an administrator sees the provider fields besides',
    run: async t => {
      const { network } = await t.get(`/networks/${t.bed.network.id}`, 'admin');
      const provider = ['provider:network_type', 'provider:physical_network', 'provider:segmentation_id'];
      assert.deepEqual(keys(network), [...NETWORK_KEYS, ...provider].sort());
      assert.equal(network['provider:network_type'], 'geneve');
      assert.equal(network['provider:physical_network'], null);
      assert.equal(typeof network['provider:segmentation_id'], 'number');
    },
  },
  {
    name: 'names are not unique',
    run: async t => {
      const [one, other] = [await t.network({ name: 'twin' }), await t.network({ name: 'twin' })];
      const { networks: found } = await t.get('/networks?name=twin&fields=id');
      assert.deepEqual(found.map(({ id }: { id: string }) => id).sort(), [one.id, other.id].sort());
    },
  },
  {
    name: 'name, description, state, MTU and port security can be changed',
    run: async t => {
      const { id } = await t.network();
      const fields = { name: 'new', description: 'd', admin_state_up: false, mtu: 1400, port_security_enabled: false };
      const answer = await t.api('PUT', `/networks/${id}`, { network: fields });
      status(answer, 200);
      for (const shown of [answer.body.network, (await t.get(`/networks/${id}`)).network]) {
        for (const [key, value] of Object.entries(fields)) assert.equal(shown[key], value, key);
      }
    },
  },
  {
    name: "a network's subnets are listed in it",
    run: async t => {
      const { id } = await t.network();
      const one = await t.subnet(id, '10.41.0.0/24');
      const other = await t.subnet(id, 'fd41::/64');
      const { network } = await t.get(`/networks/${id}`);
      assert.deepEqual(network.subnets.toSorted(), [one.id, other.id].sort());
    },
  },
  {
    name: 'a network is deleted with its subnets',
    run: async t => {
      const { network, subnet } = await t.net('10.41.0.0/24');
      status(await t.api('DELETE', `/networks/${network.id}`), 204);
      status(await t.api('GET', `/networks/${network.id}`), 404);
      status(await t.api('GET', `/subnets/${subnet.id}`), 404);
    },
  },
  {
    name: 'a network with ports is not deleted, and names them',
    run: async t => {
      const { id } = await t.network();
      const port = await t.port(id);
      const message = `Unable to complete operation on network ${id}. There are one or more ports still in use on the network, id for these ports is: ${port.id}.`;
      refused(await t.api('DELETE', `/networks/${id}`), 409, 'NetworkInUse', message);
    },
  },
  {
    name: 'the MTU has an upper end',
    run: async t => {
      const answer = await t.api('POST', '/networks', { network: { mtu: 1443 } });
      refused(answer, 400, 'InvalidInput', 'Invalid input for operation: Requested MTU is too big, maximum is 1442.');
    },
  },
  {
    name: 'a network of another project is not there',
    run: async t => {
      const { id } = t.bed.network;
      const message = `Network ${id} could not be found.`;
      for (const [method, body] of [['GET'], ['DELETE'], ['PUT', { network: { name: 'x' } }]] as const) {
        refused(await t.api(method, `/networks/${id}`, body, { user: 'demo2' }), 404, 'NetworkNotFound', message);
      }
      assert.deepEqual((await t.get(`/networks?id=${id}`, 'demo2')).networks, []);
      const port = { network_id: id };
      refused(await t.api('POST', '/ports', { port }, { user: 'demo2' }), 404, 'NetworkNotFound', message);
    },
  },
  {
    name: 'a network that an administrator shares is there for all',
    run: async t => {
      const { id } = t.bed.shared.network;
      const { network } = await t.get(`/networks/${id}`, 'demo2');
      assert.equal(network.shared, true);
      assert.equal(network.project_id, t.bed.projectId);
      assert.deepEqual(
        (await t.get(`/networks?id=${id}&shared=True`, 'demo2')).networks.map((each: { id: string }) => each.id),
        [id],
      );
    },
  },
  ...refusals({
    'a tenant cannot share a network': () => ({
      ask: ['POST', '/networks', { network: { shared: true } }],
      answer: [
        403,
        'PolicyNotAuthorized',
        '(rule:create_network and rule:create_network:shared) is disallowed by policy',
      ],
    }),
    'a tenant cannot make an external network': () => ({
      ask: ['POST', '/networks', { network: { 'router:external': true } }],
      answer: [
        403,
        'PolicyNotAuthorized',
        '(rule:create_network and rule:create_network:router:external) is disallowed by policy',
      ],
    }),
    'a tenant cannot choose the provider network': () => ({
      ask: ['POST', '/networks', { network: { 'provider:network_type': 'geneve' } }],
      answer: [
        403,
        'PolicyNotAuthorized',
        '(rule:create_network and rule:create_network:provider:network_type) is disallowed by policy',
      ],
    }),
    'an MTU is a number': () => ({
      ask: ['POST', '/networks', { network: { mtu: 'large' } }],
      answer: [400, 'InvalidInput', "Invalid input for operation: 'large' is not an integer."],
    }),
    'a network that is not there cannot be deleted': () => ({
      ask: ['DELETE', `/networks/${NO_ID}`],
      answer: [404, 'NetworkNotFound', `Network ${NO_ID} could not be found.`],
    }),
    'the status of a network is read-only': ({ network }) => ({
      ask: ['PUT', `/networks/${network.id}`, { network: { status: 'DOWN' } }],
      answer: [400, 'HTTPBadRequest', 'Cannot update read-only attribute status'],
    }),
  }),
  {
    name: 'a network takes ports of DHCP with it',
    run: async t => {
      const network = await t.network();
      await t.subnet(network.id, '10.49.0.0/24');
      await t.ok('POST', '/ports', { port: { network_id: network.id, device_owner: 'network:dhcp' } });
      status(await t.api('DELETE', `/networks/${network.id}`), 204);
    },
  },
];
