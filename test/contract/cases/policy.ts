/** Who may do what: members, mere readers, other projects, and networks that are shared. */
import assert from 'node:assert/strict';
import { badNewPort, badPort, type Refusal, refusals } from '../refusals.ts';
import { addresses, type Case, refused, status } from '../trial.ts';

const forbidden = (rule: string) => [403, 'PolicyNotAuthorized', `${rule} is disallowed by policy`] as const;

const adminOnly =
  (name: string, value: unknown, rule = `rule:update_port:${name}`) =>
  ({ port }: { port: { id: string } }): Refusal => ({
    ask: ['PUT', `/ports/${port.id}`, { port: { [name]: value } }],
    answer: forbidden(`(rule:update_port and ${rule})`),
  });

export const policy: readonly Case[] = [
  {
    name: 'a mere reader may make, change and delete ports, as the old rules have it',
    run: async t => {
      const body = { port: { network_id: t.bed.network.id, fixed_ips: [] } };
      const made = await t.api('POST', '/ports', body, { user: 'ro' });
      status(made, 201);
      const path = `/ports/${made.body.port.id}`;
      status(await t.api('PUT', path, { port: { name: 'x' } }, { user: 'ro' }), 200);
      status(await t.api('DELETE', path, undefined, { user: 'ro' }), 204);
    },
  },
  {
    name: 'a port of another project is not there, for whatever is asked',
    run: async t => {
      const { id } = t.bed.port;
      for (const [method, body] of [['GET'], ['DELETE'], ['PUT', { port: { name: 'x' } }]] as const) {
        const answer = await t.api(method, `/ports/${id}`, body, { user: 'demo2' });
        refused(answer, 404, 'PortNotFound', `Port ${id} could not be found.`);
      }
    },
  },
  {
    name: 'an administrator may do all of it for others',
    run: async t => {
      const fields = { network_id: t.bed.network.id, fixed_ips: [], tenant_id: t.bed.projectId, name: 'gift' };
      const made = await t.api('POST', '/ports', { port: fields }, { user: 'admin' });
      status(made, 201);
      const { id } = made.body.port;
      t.defer(() => t.api('DELETE', `/ports/${id}`));
      assert.equal((await t.get(`/ports/${id}`)).port.name, 'gift');
      status(
        await t.api('PUT', `/ports/${id}`, { port: { mac_address: 'fa:16:3e:00:12:34' } }, { user: 'admin' }),
        200,
      );
      assert.equal((await t.get(`/ports/${id}`)).port.mac_address, 'fa:16:3e:00:12:34');
    },
  },
  {
    name: "on another project's shared network ports are plain: no address, MAC or port security of one's own choice",
    run: async t => {
      const { network, subnet } = t.bed.shared;
      const port = await t.port(network.id, {}, 'demo2');
      assert.match(addresses(port)[0] ?? '', /^10\.64\.0\./);
      assert.equal(port.project_id, t.bed.foreignProjectId);
      const ask = (fields: object) =>
        t.api('POST', '/ports', { port: { network_id: network.id, ...fields } }, { user: 'demo2' });
      refused(
        await ask({ mac_address: 'fa:16:3e:00:00:77' }),
        ...forbidden('(rule:create_port and rule:create_port:mac_address)'),
      );
      refused(
        await ask({ port_security_enabled: false }),
        ...forbidden('(rule:create_port and rule:create_port:port_security_enabled)'),
      );
      const own = '(rule:create_port and (rule:create_port:fixed_ips and (rule:create_port:fixed_ips:ip_address)))';
      refused(await ask({ fixed_ips: [{ ip_address: '10.64.0.9' }] }), ...forbidden(own));
      const one = await ask({ fixed_ips: [{ subnet_id: subnet.id }] });
      status(one, 201);
      t.defer(() => t.api('DELETE', `/ports/${one.body.port.id}`, undefined, { user: 'demo2' }));
      status(await ask({ device_owner: 'network:dhcp' }), 403);
      const subnets = await t.api(
        'POST',
        '/subnets',
        { subnet: { network_id: network.id, ip_version: 4, cidr: '10.65.0.0/24' } },
        { user: 'demo2' },
      );
      // odd, and so on Neutron 21: a subnet it may make there
      status(subnets, 201);
      t.defer(() => t.api('DELETE', `/subnets/${subnets.body.subnet.id}`, undefined, { user: 'demo2' }));
      const rename = await t.api('PUT', `/networks/${network.id}`, { network: { name: 'x' } }, { user: 'demo2' });
      refused(rename, ...forbidden('rule:update_network'));
    },
  },
  {
    name: "the network's owner sees the ports of others on it, and may delete them",
    run: async t => {
      const { network } = t.bed.shared;
      const { id } = await t.port(network.id, {}, 'demo2');
      assert.equal((await t.get(`/ports/${id}`)).port.project_id, t.bed.foreignProjectId);
      status(await t.api('DELETE', `/ports/${id}`), 204);
    },
  },
  ...refusals({
    'a tenant does not bind ports': adminOnly('binding:host_id', 'h1'),
    'a tenant does not write binding profiles': adminOnly('binding:profile', { a: 1 }),
    'a tenant does not change MACs': adminOnly('mac_address', 'fa:16:3e:00:00:01'),
    'a tenant does not bind ports at creation': badNewPort(
      { 'binding:host_id': 'h1' },
      '(rule:create_port and rule:create_port:binding:host_id) is disallowed by policy',
      'PolicyNotAuthorized',
      403,
    ),
    'a tenant does not make networks of others': ({ foreignProjectId }) => ({
      ask: ['POST', '/networks', { network: { tenant_id: foreignProjectId } }],
      answer: [
        400,
        'HTTPBadRequest',
        "Specifying 'project_id' or 'tenant_id' other than the authenticated project in request requires admin or advsvc privileges",
      ],
    }),
    'what is malformed is refused before who asks is looked at': badPort(
      { 'binding:host_id': 'h1', nonsense: 1 },
      "Unrecognized attribute(s) 'nonsense'",
    ),
  }),
];
