/** Several resources in one request: all or none. */
import assert from 'node:assert/strict';
import { refusals } from '../refusals.ts';
import { type Case, keys, refused, status } from '../trial.ts';
import { PORT_KEYS } from './ports.ts';

const bad = (message: string) => [400, 'HTTPBadRequest', message] as const;

export const bulk: readonly Case[] = [
  {
    name: 'ports come in the order asked for, each with its own fields',
    run: async t => {
      const { network, subnet4 } = t.bed;
      const asked = [
        { network_id: network.id, name: 'b1', fixed_ips: [{ subnet_id: subnet4.id, ip_address: '10.60.0.70' }] },
        { network_id: network.id, name: 'b2', fixed_ips: [], tags: ['t'] },
      ];
      const answer = await t.api('POST', '/ports', { ports: asked });
      status(answer, 201);
      const { ports } = answer.body;
      for (const { id } of ports) t.defer(() => t.api('DELETE', `/ports/${id}`));
      assert.deepEqual(
        ports.map(({ name, tags }: { name: string; tags: string[] }) => ({ name, tags })),
        [
          { name: 'b1', tags: [] },
          { name: 'b2', tags: ['t'] },
        ],
      );
      assert.deepEqual(ports[0].fixed_ips, asked[0]?.fixed_ips);
      assert.deepEqual(keys(ports[0]), PORT_KEYS);
    },
  },
  {
    name: 'one bad port and none is made',
    run: async t => {
      const { network, subnet4 } = t.bed;
      const bulk = [
        { network_id: network.id, name: 'half-1', fixed_ips: [{ ip_address: '10.60.0.71' }] },
        { network_id: network.id, name: 'half-2', fixed_ips: [{ ip_address: '10.60.0.11' }] },
      ];
      const message = `IP address 10.60.0.11 already allocated in subnet ${subnet4.id}`;
      refused(await t.api('POST', '/ports', { ports: bulk }), 409, 'IpAddressAlreadyAllocated', message);
      assert.deepEqual((await t.get('/ports?name=half-1')).ports, []);
    },
  },
  {
    name: 'networks and subnets can be made at once',
    run: async t => {
      const made = await t.ok('POST', '/networks', { networks: [{ name: 'm1' }, { name: 'm2' }] });
      assert.deepEqual(
        made.networks.map(({ name }: { name: string }) => name),
        ['m1', 'm2'],
      );
      for (const { id } of made.networks) t.defer(() => t.api('DELETE', `/networks/${id}`));
      const network_id = made.networks[0].id;
      const subnets = ['10.47.0.0/24', '10.48.0.0/24'].map(cidr => ({ network_id, ip_version: 4, cidr }));
      const { subnets: both } = await t.ok('POST', '/subnets', { subnets });
      assert.deepEqual(
        both.map(({ cidr }: { cidr: string }) => cidr),
        ['10.47.0.0/24', '10.48.0.0/24'],
      );
    },
  },
  ...refusals({
    'an empty list is refused': () => ({ ask: ['POST', '/ports', { ports: [] }], answer: bad('Resources required') }),
    'an object is no list': () => ({ ask: ['POST', '/ports', { ports: {} }], answer: bad('Resources required') }),
    'a text in the list is refused': () => ({
      ask: ['POST', '/ports', { ports: ['x'] }],
      answer: bad("Object 'port' contains invalid data"),
    }),
    'what is lacking in one of them is named': ({ network }) => ({
      ask: ['POST', '/ports', { ports: [{ network_id: network.id }, { name: 'x' }] }],
      answer: bad("Failed to parse request. Required attribute 'network_id' not specified"),
    }),
  }),
];
