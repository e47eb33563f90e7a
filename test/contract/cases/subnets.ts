/** Subnets: gateways, allocation pools, routes, modes of IPv6. */
import assert from 'node:assert/strict';
import { NO_ID, type Refusal, refusals } from '../refusals.ts';
import { type Case, fieldsOf, refused, status } from '../trial.ts';

const newSubnet =
  (fields: object, message: string, type = 'InvalidInput', code = 400) =>
  ({ network }: { network: { id: string } }): Refusal => ({
    ask: ['POST', '/subnets', { subnet: { network_id: network.id, ip_version: 4, cidr: '10.61.0.0/24', ...fields } }],
    answer: [code, type, message],
  });

/** A subnet of this prefix, which no other case uses on the network for that, shows these fields. */
const shows = (
  name: string,
  cidr: string,
  fields: Readonly<Record<string, unknown>>,
  expected: Readonly<Record<string, unknown>>,
): Case => ({
  name,
  run: async t => {
    const subnet = await t.subnet(t.bed.yard.id, cidr, fields);
    t.defer(() => t.api('DELETE', `/subnets/${subnet.id}`));
    const shown = (await t.get(`/subnets/${subnet.id}`)).subnet;
    for (const [key, value] of Object.entries(expected)) assert.deepEqual(shown[key], value, key);
  },
});

export const subnets: readonly Case[] = [
  {
    name: 'a new subnet has these fields and defaults, and shows the same',
    run: async t => {
      const { network, subnet } = await t.net('10.42.0.0/24', { name: 'plain' });
      const rest = fieldsOf(subnet);
      assert.deepEqual(rest, {
        name: 'plain',
        tenant_id: t.bed.projectId,
        project_id: t.bed.projectId,
        network_id: network.id,
        ip_version: 4,
        subnetpool_id: null,
        enable_dhcp: true,
        ipv6_ra_mode: null,
        ipv6_address_mode: null,
        gateway_ip: '10.42.0.1',
        cidr: '10.42.0.0/24',
        allocation_pools: [{ start: '10.42.0.2', end: '10.42.0.254' }],
        host_routes: [],
        dns_nameservers: [],
        description: '',
        service_types: [],
        tags: [],
        revision_number: 0,
      });
      assert.deepEqual((await t.get(`/subnets/${subnet.id}`)).subnet, subnet);
    },
  },
  {
    name: 'an administrator sees the segment besides',
    run: async t => {
      const { subnet } = await t.get(`/subnets/${t.bed.subnet4.id}`, 'admin');
      assert.deepEqual(subnet, { ...t.bed.subnet4, segment_id: null });
    },
  },
  shows(
    'the IPv6 gateway is the first address of all',
    'fd42::/64',
    {},
    {
      gateway_ip: 'fd42::',
      allocation_pools: [{ start: 'fd42::1', end: 'fd42::ffff:ffff:ffff:ffff' }],
      ip_version: 6,
    },
  ),
  shows(
    'a subnet without a gateway gives out its first address',
    '10.43.0.0/24',
    { gateway_ip: null },
    {
      gateway_ip: null,
      allocation_pools: [{ start: '10.43.0.1', end: '10.43.0.254' }],
    },
  ),
  shows(
    'a gateway in the middle parts the pool',
    '10.43.1.0/28',
    { gateway_ip: '10.43.1.5' },
    {
      gateway_ip: '10.43.1.5',
      allocation_pools: [
        { start: '10.43.1.1', end: '10.43.1.4' },
        { start: '10.43.1.6', end: '10.43.1.14' },
      ],
    },
  ),
  shows(
    'pools are kept as asked for',
    '10.43.2.0/24',
    { allocation_pools: [{ start: '10.43.2.50', end: '10.43.2.60' }] },
    { gateway_ip: '10.43.2.1', allocation_pools: [{ start: '10.43.2.50', end: '10.43.2.60' }] },
  ),
  shows(
    'host routes and name servers are kept as asked for',
    '10.43.3.0/24',
    {
      host_routes: [{ destination: '10.99.0.0/16', nexthop: '10.43.3.9' }],
      dns_nameservers: ['9.9.9.9', '1.1.1.1'],
      enable_dhcp: false,
      description: 'd',
    },
    {
      host_routes: [{ destination: '10.99.0.0/16', nexthop: '10.43.3.9' }],
      dns_nameservers: ['9.9.9.9', '1.1.1.1'],
      enable_dhcp: false,
      description: 'd',
    },
  ),
  shows(
    'a /31 without DHCP gives out both addresses',
    '10.43.4.0/31',
    { gateway_ip: null, enable_dhcp: false },
    {
      allocation_pools: [{ start: '10.43.4.0', end: '10.43.4.1' }],
    },
  ),
  shows('host bits of a prefix are dropped', '10.43.5.5/24', {}, { cidr: '10.43.5.0/24', gateway_ip: '10.43.5.1' }),
  shows('IPv6 is shown in its short form', 'FD43:0:0:0::/64', {}, { cidr: 'fd43::/64', gateway_ip: 'fd43::' }),
  ...[
    ['slaac', 'fd44::'],
    ['dhcpv6-stateless', 'fd44:0:0:1::'],
    ['dhcpv6-stateful', 'fd44:0:0:2::'],
  ].map(([mode, prefix]) =>
    shows(
      `${mode} stands in both modes`,
      `${prefix}/64`,
      { ipv6_ra_mode: mode, ipv6_address_mode: mode },
      { ipv6_ra_mode: mode, ipv6_address_mode: mode, gateway_ip: prefix },
    ),
  ),
  {
    name: 'name, gateway, routes, DHCP and pools can be changed',
    run: async t => {
      const { subnet } = await t.net('10.44.0.0/24');
      const fields = {
        name: 'new',
        host_routes: [{ destination: '10.98.0.0/16', nexthop: '10.44.0.9' }],
        allocation_pools: [{ start: '10.44.0.20', end: '10.44.0.30' }],
        gateway_ip: '10.44.0.2',
        enable_dhcp: false,
      };
      const answer = await t.api('PUT', `/subnets/${subnet.id}`, { subnet: fields });
      status(answer, 200);
      const shown = (await t.get(`/subnets/${subnet.id}`)).subnet;
      for (const [key, value] of Object.entries(fields)) assert.deepEqual(shown[key], value, key);
    },
  },
  {
    name: 'a subnet whose addresses are held is not deleted',
    run: async t => {
      const { network, subnet } = await t.net('10.44.0.0/24');
      const port = await t.port(network.id);
      const message = `Unable to complete operation on subnet ${subnet.id}: One or more ports have an IP allocation from this subnet.`;
      refused(await t.api('DELETE', `/subnets/${subnet.id}`), 409, 'SubnetInUse', message);
      status(await t.api('DELETE', `/ports/${port.id}`), 204);
      status(await t.api('DELETE', `/subnets/${subnet.id}`), 204);
    },
  },
  {
    name: 'subnets of one network do not overlap',
    run: async t => {
      const { network, subnet } = await t.net('10.44.0.0/24');
      const answer = await t.api('POST', '/subnets', {
        subnet: { network_id: network.id, ip_version: 4, cidr: '10.44.0.128/25' },
      });
      const message = `Invalid input for operation: Requested subnet with cidr: 10.44.0.128/25 for network: ${network.id} overlaps with another subnet.`;
      refused(answer, 400, 'InvalidInput', message);
      status(await t.api('GET', `/subnets/${subnet.id}`), 200);
    },
  },
  {
    name: 'the same prefix may stand on two networks',
    run: async t => {
      const [one, other] = [await t.net('10.44.0.0/24'), await t.net('10.44.0.0/24')];
      assert.equal(one.subnet.cidr, other.subnet.cidr);
    },
  },
  {
    name: 'a subnet of another project is not there',
    run: async t => {
      const { id } = t.bed.subnet4;
      refused(
        await t.api('GET', `/subnets/${id}`, undefined, { user: 'demo2' }),
        404,
        'SubnetNotFound',
        `Subnet ${id} could not be found.`,
      );
    },
  },
  ...refusals({
    'a prefix without its length is one address, which is too few for DHCP': newSubnet(
      { cidr: '10.61.0.0' },
      'Invalid input for operation: Subnet has a prefix length that is incompatible with DHCP service enabled.',
    ),
    'a prefix is a prefix': newSubnet({ cidr: 'wide' }, 'Invalid input for operation: wide is not in a CIDR format.'),
    'a prefix and its version must fit': newSubnet(
      { ip_version: 6 },
      "Invalid input for operation: cidr '10.61.0.0/24' does not match the ip_version '6'.",
    ),
    'a gateway is of the family': newSubnet(
      { gateway_ip: 'fd61::1' },
      "Invalid input for operation: gateway_ip 'fd61::1' does not match the ip_version '4'.",
    ),
    'a name server is of the family': newSubnet(
      { dns_nameservers: ['fd61::53'] },
      "Invalid input for operation: dns_nameserver 'fd61::53' does not match the ip_version '4'.",
    ),
    'a subnet has twenty routes at most': newSubnet(
      {
        host_routes: Array.from({ length: 21 }, (_, n) => ({ destination: `10.${n}.0.0/16`, nexthop: '10.61.0.9' })),
      },
      'Unable to complete operation for new subnet. The number of host routes exceeds the limit 20.',
      'HostRoutesExhausted',
    ),
    'a version is 4 or 6': newSubnet(
      { ip_version: 5 },
      'Invalid input for ip_version. Reason: 5 is not in valid_values.',
      'HTTPBadRequest',
    ),
    'a subnet needs a prefix or a pool': ({ network }) => ({
      ask: ['POST', '/subnets', { subnet: { network_id: network.id, ip_version: 4 } }],
      answer: [400, 'BadRequest', 'Bad subnets request: a subnetpool must be specified in the absence of a cidr.'],
    }),
    'a subnet needs a network that is there': () => ({
      ask: ['POST', '/subnets', { subnet: { network_id: NO_ID, ip_version: 4, cidr: '10.61.0.0/24' } }],
      answer: [404, 'NetworkNotFound', `Network ${NO_ID} could not be found.`],
    }),
    'a gateway in a pool is refused': newSubnet(
      { gateway_ip: '10.61.0.7', allocation_pools: [{ start: '10.61.0.5', end: '10.61.0.9' }] },
      'Gateway ip 10.61.0.7 conflicts with allocation pool 10.61.0.5-10.61.0.9.',
      'GatewayConflictWithAllocationPools',
      409,
    ),
    'a pool outside of the prefix is refused': newSubnet(
      { allocation_pools: [{ start: '10.62.0.5', end: '10.62.0.9' }] },
      'The allocation pool 10.62.0.5-10.62.0.9 spans beyond the subnet cidr 10.61.0.0/24.',
      'OutOfBoundsAllocationPool',
    ),
    'a pool that ends before it begins is refused': newSubnet(
      { allocation_pools: [{ start: '10.61.0.9', end: '10.61.0.5' }] },
      "The allocation pool {'start': '10.61.0.9', 'end': '10.61.0.5'} is not valid.",
      'InvalidAllocationPool',
    ),
    'pools that overlap are refused': newSubnet(
      {
        allocation_pools: [
          { start: '10.61.0.5', end: '10.61.0.9' },
          { start: '10.61.0.8', end: '10.61.0.12' },
        ],
      },
      'Found overlapping allocation pools: 10.61.0.5-10.61.0.9 10.61.0.8-10.61.0.12 for subnet 10.61.0.0/24.',
      'OverlappingAllocationPools',
      409,
    ),
    'a prefix cannot be changed': ({ subnet4 }) => ({
      ask: ['PUT', `/subnets/${subnet4.id}`, { subnet: { cidr: '10.61.0.0/24' } }],
      answer: [400, 'HTTPBadRequest', 'Cannot update read-only attribute cidr'],
    }),
    'the modes of IPv6 are for IPv6': newSubnet(
      { ipv6_ra_mode: 'slaac' },
      'Invalid input for operation: ipv6_ra_mode is not valid when ip_version is 4.',
    ),
    'the two modes must fit': newSubnet(
      { ip_version: 6, cidr: 'fd61::/64', ipv6_ra_mode: 'slaac', ipv6_address_mode: 'dhcpv6-stateful' },
      "Invalid input for operation: ipv6_ra_mode set to 'slaac' with ipv6_address_mode set to 'dhcpv6-stateful' is not valid. If both attributes are set, they must be the same value.",
    ),
    'an unknown mode is refused': newSubnet(
      { ip_version: 6, cidr: 'fd61::/64', ipv6_address_mode: 'magic' },
      'Invalid input for ipv6_address_mode. Reason: magic is not in valid_values.',
      'HTTPBadRequest',
    ),
    'SLAAC wants a /64': newSubnet(
      { ip_version: 6, cidr: 'fd61::/80', ipv6_address_mode: 'slaac', ipv6_ra_mode: 'slaac' },
      'Invalid input for operation: Invalid CIDR fd61::/80 for IPv6 address mode. OpenStack uses the EUI-64 address format, which requires the prefix to be /64.',
    ),
    "a host route's next hop is an address": newSubnet(
      { host_routes: [{ destination: '10.1.0.0/16', nexthop: 'x' }] },
      "Invalid input for host_routes. Reason: 'x' is not a valid IP address.",
      'HTTPBadRequest',
    ),
    'a name server is an address': newSubnet(
      { dns_nameservers: ['x'] },
      "Invalid input for dns_nameservers. Reason: 'x' is not a valid nameserver. 'x' is not a valid IP address.",
      'HTTPBadRequest',
    ),
  }),
];
