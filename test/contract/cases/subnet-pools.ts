/** Subnet pools: prefixes that subnets are cut from. */
import assert from 'node:assert/strict';
import { NO_ID, type Refusal, refusals } from '../refusals.ts';
import { type Case, fieldsOf, refused, status, type Trial } from '../trial.ts';

const pool = (t: Trial, fields: Readonly<Record<string, unknown>>) => t.make('subnetpool', { name: 'pool', ...fields });

const badPool =
  (fields: object, type: string, message: string, status = 400) =>
  (): Refusal => ({
    ask: ['POST', '/subnetpools', { subnetpool: { name: 'bad', prefixes: ['10.0.0.0/8'], ...fields } }],
    answer: [status, type, message],
  });

export const subnetPools: readonly Case[] = [
  {
    name: 'a new pool has these fields and defaults',
    run: async t => {
      const rest = fieldsOf(await pool(t, { prefixes: ['10.70.0.0/16'] }));
      assert.deepEqual(rest, {
        name: 'pool',
        prefixes: ['10.70.0.0/16'],
        // as texts, at creation and in what it shows
        default_prefixlen: '8',
        min_prefixlen: '8',
        max_prefixlen: '32',
        is_default: false,
        shared: false,
        ip_version: 4,
        default_quota: null,
        address_scope_id: null,
        description: '',
        tags: [],
        revision_number: 0,
        tenant_id: t.bed.projectId,
        project_id: t.bed.projectId,
      });
    },
  },
  {
    name: 'a subnet is cut from a pool, by length or by default',
    run: async t => {
      const { id } = await pool(t, { prefixes: ['10.70.0.0/16'], default_prefixlen: 28 });
      const network = await t.network();
      const cut = async (fields: object) =>
        (
          await t.ok('POST', '/subnets', {
            subnet: { network_id: network.id, ip_version: 4, subnetpool_id: id, ...fields },
          })
        ).subnet;
      const first = await cut({ prefixlen: 26 });
      assert.equal(first.cidr, '10.70.0.0/26');
      assert.equal(first.gateway_ip, '10.70.0.1');
      assert.equal(first.subnetpool_id, id);
      assert.match((await cut({})).cidr, /^10\.70\.\d+\.\d+\/28$/);
      assert.equal((await cut({ cidr: '10.70.5.0/24' })).cidr, '10.70.5.0/24');
      const again = await t.network();
      const taken = await t.api('POST', '/subnets', {
        subnet: { network_id: again.id, ip_version: 4, subnetpool_id: id, cidr: '10.70.5.0/24' },
      });
      const message = 'Failed to allocate subnet: Cannot allocate requested subnet from the available set of prefixes.';
      refused(taken, 500, 'SubnetAllocationError', message);
      refused(
        await t.api('DELETE', `/subnetpools/${id}`),
        400,
        'SubnetPoolDeleteError',
        'Unable to delete subnet pool: Subnet pool has existing allocations.',
      );
      status(await t.api('DELETE', `/networks/${network.id}`), 204);
      status(await t.api('DELETE', `/subnetpools/${id}`), 204);
    },
  },
  {
    name: 'a subnet of an IPv6 pool has its gateway at the second address',
    run: async t => {
      const { id } = await pool(t, { prefixes: ['fd70::/48'], default_prefixlen: 64 });
      const network = await t.network();
      const { subnet } = await t.ok('POST', '/subnets', {
        subnet: { network_id: network.id, ip_version: 6, subnetpool_id: id },
      });
      assert.deepEqual([subnet.cidr, subnet.gateway_ip], ['fd70::/64', 'fd70::1']);
      status(await t.api('DELETE', `/networks/${network.id}`), 204);
    },
  },
  {
    name: 'a network has subnets of one pool of a family, or of none',
    run: async t => {
      const { id } = await pool(t, { prefixes: ['10.71.0.0/16'], default_prefixlen: 28 });
      const { network } = await t.net('10.72.0.0/24');
      const answer = await t.api('POST', '/subnets', {
        subnet: { network_id: network.id, ip_version: 4, subnetpool_id: id },
      });
      const message = 'Subnets hosted on the same network must be allocated from the same subnet pool.';
      refused(answer, 400, 'NetworkSubnetPoolAffinityError', message);
    },
  },
  {
    name: "a pool's prefixes grow and join, and do not shrink",
    run: async t => {
      const { id } = await pool(t, { prefixes: ['10.70.0.0/16'] });
      const grow = { subnetpool: { prefixes: ['10.70.0.0/16', '10.71.0.0/16'], default_prefixlen: 28 } };
      const answer = await t.api('PUT', `/subnetpools/${id}`, grow);
      status(answer, 200);
      assert.deepEqual(answer.body.subnetpool.prefixes, ['10.70.0.0/15']);
      const shrink = { subnetpool: { prefixes: ['10.80.0.0/16'] } };
      const message = 'Illegal update to prefixes: Existing prefixes must be a subset of the new prefixes.';
      refused(await t.api('PUT', `/subnetpools/${id}`, shrink), 400, 'IllegalSubnetPoolPrefixUpdate', message);
    },
  },
  {
    name: 'what a pool cannot give is refused',
    run: async t => {
      const { id } = await pool(t, { prefixes: ['10.73.0.0/16'] });
      const { id: network_id } = await t.network();
      for (const [fields, code, type, message] of [
        [
          {},
          500,
          'SubnetAllocationError',
          'Failed to allocate subnet: Insufficient prefix space to allocate subnet size /8.',
        ],
        [
          { cidr: '10.74.0.0/24' },
          500,
          'SubnetAllocationError',
          'Failed to allocate subnet: Cannot allocate requested subnet from the available set of prefixes.',
        ],
        [
          { ip_version: 6 },
          400,
          'BadRequest',
          'Bad subnets request: Cannot allocate IPv6 subnet from IPv4 subnet pool.',
        ],
        [
          { prefixlen: 4 },
          400,
          'MinPrefixSubnetAllocationError',
          'Unable to allocate subnet with prefix length 4, minimum allowed prefix is 8.',
        ],
        [
          { prefixlen: 26, cidr: '10.73.9.0/26' },
          400,
          'BadRequest',
          'Bad subnets request: cidr and prefixlen must not be supplied together.',
        ],
      ] as const) {
        const answer = await t.api('POST', '/subnets', {
          subnet: { network_id, ip_version: 4, subnetpool_id: id, ...fields },
        });
        refused(answer, code, type, message);
      }
    },
  },
  {
    name: 'a pool of another project is not there',
    run: async t => {
      const { id } = await pool(t, { prefixes: ['10.70.0.0/16'] });
      const answer = await t.api('GET', `/subnetpools/${id}`, undefined, { user: 'demo2' });
      refused(answer, 404, 'SubnetPoolNotFound', `Subnet pool ${id} could not be found.`);
    },
  },
  ...refusals({
    'a pool has a name': () => ({
      ask: ['POST', '/subnetpools', { subnetpool: { prefixes: ['10.0.0.0/8'] } }],
      answer: [400, 'HTTPBadRequest', "Failed to parse request. Required attribute 'name' not specified"],
    }),
    'a pool has prefixes': () => ({
      ask: ['POST', '/subnetpools', { subnetpool: { name: 'x' } }],
      answer: [400, 'HTTPBadRequest', "Failed to parse request. Required attribute 'prefixes' not specified"],
    }),
    'a pool has one prefix at least': badPool(
      { prefixes: [] },
      'EmptySubnetPoolPrefixList',
      'Empty subnet pool prefix list.',
    ),
    'a pool is of one family': badPool(
      { prefixes: ['10.0.0.0/8', 'fd00::/8'] },
      'PrefixVersionMismatch',
      'Cannot mix IPv4 and IPv6 prefixes in a subnet pool.',
    ),
    'a prefix of a pool is a prefix': badPool(
      { prefixes: ['foo'] },
      'HTTPBadRequest',
      "Invalid input for prefixes. Reason: 'foo' is not a valid IP subnet.",
    ),
    'lengths lie within their bounds': badPool(
      { default_prefixlen: 33 },
      'IllegalSubnetPoolPrefixBounds',
      'Illegal prefix bounds: default_prefixlen=33, max_prefixlen=32.',
    ),
    'a tenant has no default pool': badPool(
      { is_default: true },
      'PolicyNotAuthorized',
      '(rule:create_subnetpool and rule:create_subnetpool:is_default) is disallowed by policy',
      403,
    ),
    'a tenant shares no pool': badPool(
      { shared: true },
      'PolicyNotAuthorized',
      '(rule:create_subnetpool and rule:create_subnetpool:shared) is disallowed by policy',
      403,
    ),
    'a subnet of a pool that is not there is refused': ({ network }) => ({
      ask: ['POST', '/subnets', { subnet: { network_id: network.id, ip_version: 4, subnetpool_id: NO_ID } }],
      answer: [404, 'SubnetPoolNotFound', `Subnet pool ${NO_ID} could not be found.`],
    }),
    'where there is no default pool none can be used': ({ network }) => ({
      ask: ['POST', '/subnets', { subnet: { network_id: network.id, ip_version: 4, use_default_subnetpool: true } }],
      answer: [400, 'BadRequest', 'Bad subnets request: No default subnetpool found for IPv4.'],
    }),
  }),
];
