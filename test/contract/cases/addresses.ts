/** Which addresses ports get: pools, gateways, chosen ones, exhaustion, and IPv6 that makes its own. */
import assert from 'node:assert/strict';
import { badNewPort, badPort, refusals } from '../refusals.ts';
import { addresses, type Case, refused, status } from '../trial.ts';

/** What SLAAC makes of a MAC below a prefix that ends in `::`. */
function eui64(prefix: string, mac: string): string {
  const [a = 0, b, c, d, e, f] = mac.split(':').map(part => Number.parseInt(part, 16));
  const bytes = [a ^ 2, b, c, 0xff, 0xfe, d, e, f].map(byte => (byte ?? 0).toString(16).padStart(2, '0'));
  const groups = [0, 2, 4, 6].map(at => `${bytes[at]}${bytes[at + 1]}`.replace(/^0+(?=.)/, ''));
  return `${prefix}${groups.join(':')}`;
}

const slaac = { ipv6_ra_mode: 'slaac', ipv6_address_mode: 'slaac' };

export const addressing: readonly Case[] = [
  {
    name: 'a port gets an address of the pool, never the gateway',
    run: async t => {
      const { network, subnet } = await t.net('10.45.0.0/29');
      const got: string[] = [];
      for (let n = 0; n < 5; n++) got.push(...addresses(await t.port(network.id)));
      assert.deepEqual(got.toSorted(), ['10.45.0.2', '10.45.0.3', '10.45.0.4', '10.45.0.5', '10.45.0.6']);
      const message = `No more IP addresses available on network ${network.id}.`;
      for (const fixed_ips of [undefined, [{ subnet_id: subnet.id }]]) {
        const body = { port: { network_id: network.id, fixed_ips } };
        refused(await t.api('POST', '/ports', body), 409, 'IpAddressGenerationFailure', message);
      }
    },
  },
  {
    name: 'the second subnet serves when the first is exhausted',
    run: async t => {
      const { network } = await t.net('10.45.0.0/30');
      await t.subnet(network.id, '10.46.0.0/30');
      const got = [...addresses(await t.port(network.id)), ...addresses(await t.port(network.id))];
      assert.deepEqual(got.toSorted(), ['10.45.0.2', '10.46.0.2']);
      status(await t.api('POST', '/ports', { port: { network_id: network.id } }), 409);
    },
  },
  {
    name: 'a chosen address needs no subnet',
    run: async t => {
      const port = await t.port(t.bed.network.id, { fixed_ips: [{ ip_address: '10.60.0.92' }] });
      assert.deepEqual(port.fixed_ips, [{ subnet_id: t.bed.subnet4.id, ip_address: '10.60.0.92' }]);
    },
  },
  {
    name: 'a chosen address may lie outside of the pools',
    run: async t => {
      const port = await t.port(t.bed.network.id, { fixed_ips: [{ ip_address: '10.60.0.41' }] });
      assert.deepEqual(t.bed.subnet4.allocation_pools, [{ start: '10.60.0.100', end: '10.60.0.254' }]);
      assert.deepEqual(addresses(port), ['10.60.0.41']);
    },
  },
  {
    name: 'the gateway may be taken when it is asked for',
    run: async t => {
      const port = await t.port(t.bed.network.id, { fixed_ips: [{ ip_address: '10.60.0.1' }] });
      assert.deepEqual(addresses(port), [t.bed.subnet4.gateway_ip]);
    },
  },
  {
    name: 'the IPv6 subnet alone can be asked for',
    run: async t => {
      const port = await t.port(t.bed.network.id, { fixed_ips: [{ subnet_id: t.bed.subnet6.id }] });
      assert.equal(port.fixed_ips.length, 1);
      assert.match(port.fixed_ips[0].ip_address, /^fd60::/);
    },
  },
  {
    name: 'a chosen IPv6 address is shown in its short form',
    run: async t => {
      const port = await t.port(t.bed.network.id, { fixed_ips: [{ ip_address: 'FD60:0:0:0:0:0:0:0ABC' }] });
      assert.deepEqual(addresses(port), ['fd60::abc']);
    },
  },
  {
    name: 'a port gets an address of each family unless it says otherwise',
    run: async t => {
      const port = await t.port(t.bed.network.id);
      assert.deepEqual(
        new Set(port.fixed_ips.map((ip: { subnet_id: string }) => ip.subnet_id)),
        new Set([t.bed.subnet4.id, t.bed.subnet6.id]),
      );
      assert.equal(port.fixed_ips.length, 2);
    },
  },
  {
    name: 'a port may have no address',
    run: async t => {
      assert.deepEqual((await t.bare()).fixed_ips, []);
    },
  },
  {
    name: 'a port may have several addresses of one subnet',
    run: async t => {
      const { subnet4 } = t.bed;
      const chosen = ['10.60.0.93', '10.60.0.94', '10.60.0.95', '10.60.0.96', '10.60.0.97', '10.60.0.98'];
      const fixed_ips = chosen.map(ip_address => ({ subnet_id: subnet4.id, ip_address }));
      const port = await t.port(t.bed.network.id, { fixed_ips });
      assert.deepEqual(addresses(port).toSorted(), chosen);
      const answer = await t.put(port, { fixed_ips: fixed_ips.slice(2) });
      status(answer, 200);
      assert.deepEqual(addresses(answer.body.port).toSorted(), chosen.slice(2));
      const fresh = await t.port(t.bed.network.id, { fixed_ips: [{ ip_address: '10.60.0.93' }] });
      assert.deepEqual(addresses(fresh), ['10.60.0.93']);
    },
  },
  {
    name: 'a taken address is refused by name',
    run: async t => {
      const { subnet4, network } = t.bed;
      const message = `IP address 10.60.0.11 already allocated in subnet ${subnet4.id}`;
      for (const extra of [{}, { subnet_id: subnet4.id }]) {
        const body = { port: { network_id: network.id, fixed_ips: [{ ip_address: '10.60.0.11', ...extra }] } };
        refused(await t.api('POST', '/ports', body), 409, 'IpAddressAlreadyAllocated', message);
      }
      const port = await t.bare();
      const answer = await t.put(port, { fixed_ips: [{ ip_address: '10.60.0.11' }] });
      refused(answer, 409, 'IpAddressAlreadyAllocated', message);
    },
  },
  {
    name: 'the same address may stand on two networks',
    run: async t => {
      const { network } = await t.net('10.60.0.0/24');
      assert.deepEqual(addresses(await t.port(network.id, { fixed_ips: [{ ip_address: '10.60.0.11' }] })), [
        '10.60.0.11',
      ]);
    },
  },
  {
    name: 'SLAAC makes the address of the MAC',
    run: async t => {
      const fields = { mac_address: 'fa:16:3e:01:02:0a', fixed_ips: [{ subnet_id: t.bed.auto.v6.id }] };
      const port = await t.port(t.bed.auto.network.id, fields);
      assert.deepEqual(addresses(port), ['fd63::f816:3eff:fe01:20a']);
    },
  },
  {
    name: 'a SLAAC address comes besides an IPv4 one that is asked for',
    run: async t => {
      const { network, v4, v6 } = t.bed.auto;
      const port = await t.port(network.id, { fixed_ips: [{ subnet_id: v4.id, ip_address: '10.63.0.9' }] });
      assert.deepEqual(port.fixed_ips, [
        { subnet_id: v4.id, ip_address: '10.63.0.9' },
        { subnet_id: v6.id, ip_address: eui64('fd63::', port.mac_address) },
      ]);
    },
  },
  {
    name: 'a SLAAC subnet that is asked for gives its address alone',
    run: async t => {
      const { network, v6 } = t.bed.auto;
      const port = await t.port(network.id, { fixed_ips: [{ subnet_id: v6.id }] });
      assert.deepEqual(addresses(port), [eui64('fd63::', port.mac_address)]);
    },
  },
  {
    name: 'even a port without addresses gets one of SLAAC',
    run: async t => {
      const port = await t.port(t.bed.auto.network.id, { fixed_ips: [] });
      assert.deepEqual(addresses(port), [eui64('fd63::', port.mac_address)]);
    },
  },
  ...(['slaac', 'dhcpv6-stateless'] as const).map(
    (mode): Case => ({
      name: `an address of a ${mode} subnet cannot be chosen`,
      run: async t => {
        const network = await t.network();
        const { id } = await t.subnet(network.id, 'fd45::/64', { ipv6_ra_mode: mode, ipv6_address_mode: mode });
        const message = `IPv6 address fd45::99 cannot be directly assigned to a port on subnet ${id} as the subnet is configured for automatic addresses`;
        for (const extra of [{}, { subnet_id: id }]) {
          const body = { port: { network_id: network.id, fixed_ips: [{ ip_address: 'fd45::99', ...extra }] } };
          refused(await t.api('POST', '/ports', body), 400, 'AllocationOnAutoAddressSubnet', message);
        }
      },
    }),
  ),
  {
    name: 'an address of a dhcpv6-stateful subnet can be chosen',
    run: async t => {
      const network = await t.network();
      await t.subnet(network.id, 'fd45::/64', {
        ipv6_ra_mode: 'dhcpv6-stateful',
        ipv6_address_mode: 'dhcpv6-stateful',
      });
      assert.deepEqual(addresses(await t.port(network.id, { fixed_ips: [{ ip_address: 'fd45::99' }] })), ['fd45::99']);
    },
  },
  {
    name: 'a SLAAC subnet that is new gives the ports that are there an address',
    run: async t => {
      const { network } = await t.net('10.45.0.0/24');
      const port = await t.port(network.id);
      await t.subnet(network.id, 'fd45::/64', slaac);
      const now = (await t.get(`/ports/${port.id}`)).port;
      assert.deepEqual(addresses(now), [...addresses(port), eui64('fd45::', port.mac_address)]);
    },
  },
  ...refusals({
    'an address outside of the network is refused': badNewPort(
      { fixed_ips: [{ ip_address: '10.41.0.1' }] },
      'IP address 10.41.0.1 is not a valid IP for any of the subnets on the specified network.',
      'InvalidIpForNetwork',
    ),
    'an address outside of the network is refused at an update': badPort(
      { fixed_ips: [{ ip_address: '10.41.0.1' }] },
      'IP address 10.41.0.1 is not a valid IP for any of the subnets on the specified network.',
      'InvalidIpForNetwork',
    ),
    ...Object.fromEntries(
      [
        ['outside of the subnet', '10.41.0.1'],
        ["that is the subnet's own", '10.60.0.0'],
        ['for broadcast', '10.60.0.255'],
      ].map(([what, ip_address]) => [
        `an address ${what} is refused`,
        ({ network, subnet4 }) => ({
          ask: [
            'POST',
            '/ports',
            { port: { network_id: network.id, fixed_ips: [{ subnet_id: subnet4.id, ip_address }] } },
          ],
          answer: [400, 'InvalidIpForSubnet', `IP address ${ip_address} is not a valid IP for the specified subnet.`],
        }),
      ]),
    ),
  }),
];
