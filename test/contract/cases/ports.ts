/** Ports: what they are made of, what a tenant may choose and change. */
import assert from 'node:assert/strict';
import { badNewPort, refusals } from '../refusals.ts';
import { type Case, fieldsOf, keys, refused, status } from '../trial.ts';

export const PORT_KEYS = [
  ...['admin_state_up', 'allowed_address_pairs', 'binding:vnic_type', 'created_at', 'description', 'device_id'],
  ...['device_owner', 'extra_dhcp_opts', 'fixed_ips', 'id', 'ip_allocation', 'mac_address', 'name', 'network_id'],
  ...['port_security_enabled', 'project_id', 'qos_network_policy_id', 'qos_policy_id', 'revision_number'],
  ...['security_groups', 'status', 'tags', 'tenant_id', 'updated_at'],
];

export const ports: readonly Case[] = [
  {
    name: 'a new port has these fields and defaults, and shows the same',
    run: async t => {
      const { network, group } = t.bed;
      const fixed_ips = [{ subnet_id: t.bed.subnet4.id, ip_address: '10.60.0.90' }];
      const port = await t.port(network.id, { fixed_ips });
      const { mac_address, ...rest } = fieldsOf(port);
      assert.match(mac_address, /^fa:16:3e(:[0-9a-f]{2}){3}$/);
      assert.deepEqual(rest, {
        name: '',
        network_id: network.id,
        tenant_id: t.bed.projectId,
        project_id: t.bed.projectId,
        admin_state_up: true,
        status: 'DOWN',
        device_id: '',
        device_owner: '',
        fixed_ips,
        port_security_enabled: true,
        qos_policy_id: null,
        qos_network_policy_id: null,
        security_groups: [group.id],
        'binding:vnic_type': 'normal',
        allowed_address_pairs: [],
        extra_dhcp_opts: [],
        description: '',
        ip_allocation: 'immediate',
        tags: [],
        revision_number: 1,
      });
      assert.deepEqual(keys(port), PORT_KEYS);
      assert.deepEqual((await t.get(`/ports/${port.id}`)).port, port);
    },
  },
  {
    name: 'an administrator sees the binding besides',
    run: async t => {
      const { port } = await t.get(`/ports/${t.bed.port.id}`, 'admin');
      const { 'binding:host_id': host, 'binding:profile': profile, ...rest } = port;
      const { 'binding:vif_type': type, 'binding:vif_details': details, resource_request, ...tenants } = rest;
      assert.deepEqual(
        { host, profile, type, details, resource_request },
        {
          host: '',
          profile: {},
          type: 'unbound',
          details: {},
          resource_request: null,
        },
      );
      assert.deepEqual(tenants, t.bed.port);
    },
  },
  {
    name: 'a reservation stands as it was asked for, in one request',
    run: async t => {
      const fields = {
        name: 'kuryr-1',
        network_id: t.bed.network.id,
        fixed_ips: [{ subnet_id: t.bed.subnet4.id }],
        device_owner: 'kuryr:container',
        device_id: `kuryr:${t.bed.port.id}`,
        admin_state_up: false,
        security_groups: [t.bed.group.id],
        tags: ['kuryr'],
      };
      const port = await t.make('port', fields);
      const { fixed_ips, ...same } = fields;
      for (const [key, value] of Object.entries(same)) assert.deepEqual(port[key], value, key);
      assert.deepEqual(
        port.fixed_ips.map((ip: { subnet_id: string }) => ({ subnet_id: ip.subnet_id })),
        fixed_ips,
      );
      assert.equal(port.status, 'DOWN');
    },
  },
  {
    name: 'a reservation may be without security groups',
    run: async t => {
      const port = await t.bare({ security_groups: [] });
      assert.deepEqual(port.security_groups, []);
      assert.equal(port.port_security_enabled, true);
    },
  },
  {
    name: 'name, description, state, device and groups can be changed, and nothing else changes',
    run: async t => {
      const port = await t.bare();
      const fields = {
        name: 'new',
        description: 'd',
        admin_state_up: false,
        device_id: 'kuryr:x',
        device_owner: 'kuryr:container',
        security_groups: [],
      };
      const answer = await t.put(port, fields);
      status(answer, 200);
      const { revision_number: before, updated_at: _, ...old } = port;
      for (const shown of [answer.body.port, (await t.get(`/ports/${port.id}`)).port]) {
        const { revision_number, updated_at: __, ...now } = shown;
        assert.deepEqual(now, { ...old, ...fields });
        assert.ok(revision_number > before);
      }
    },
  },
  {
    name: 'a MAC may be chosen at creation, once on a network',
    run: async t => {
      const mac_address = 'fa:16:3e:00:be:ef';
      const port = await t.bare({ mac_address });
      assert.equal(port.mac_address, mac_address);
      const body = { port: { network_id: t.bed.network.id, fixed_ips: [], mac_address } };
      const message = `Unable to complete operation for network ${t.bed.network.id}. The mac address ${mac_address} is in use.`;
      refused(await t.api('POST', '/ports', body), 409, 'MacAddressInUse', message);
      const elsewhere = await t.network();
      assert.equal((await t.port(elsewhere.id, { mac_address })).mac_address, mac_address);
    },
  },
  {
    name: 'a MAC is kept as it was written',
    run: async t => {
      assert.equal((await t.bare({ mac_address: 'FA:16:3E:00:AB:CD' })).mac_address, 'FA:16:3E:00:AB:CD');
    },
  },
  {
    name: "a tenant may choose the vNIC type and the device's owner",
    run: async t => {
      const port = await t.bare({ 'binding:vnic_type': 'direct', device_owner: 'compute:kuryr' });
      assert.equal(port['binding:vnic_type'], 'direct');
      assert.equal(port.device_owner, 'compute:kuryr');
    },
  },
  {
    name: 'an administrator binds a port, and the tenant sees nothing of it',
    run: async t => {
      const port = await t.bare();
      const fields = { 'binding:host_id': 'h1', device_owner: 'compute:nova' };
      const answer = await t.put(port, fields, { user: 'admin' });
      status(answer, 200);
      assert.equal(answer.body.port['binding:host_id'], 'h1');
      assert.equal(answer.body.port['binding:vif_type'], 'ovs');
      assert.deepEqual(keys((await t.get(`/ports/${port.id}`)).port), PORT_KEYS);
    },
  },
  {
    name: 'port security follows the network unless it is chosen',
    run: async t => {
      const { id } = await t.network({ port_security_enabled: false });
      const follows = await t.port(id);
      assert.equal(follows.port_security_enabled, false);
      assert.deepEqual(follows.security_groups, []);
      const chosen = await t.port(id, { port_security_enabled: true });
      assert.equal(chosen.port_security_enabled, true);
      assert.deepEqual(chosen.security_groups, [t.bed.group.id]);
    },
  },
  {
    name: 'a deleted port is gone from show and lists, and its address is free',
    run: async t => {
      const fixed_ips = [{ ip_address: '10.60.0.91' }];
      const first = await t.port(t.bed.network.id, { fixed_ips });
      status(await t.api('DELETE', `/ports/${first.id}`), 204);
      refused(await t.api('GET', `/ports/${first.id}`), 404, 'PortNotFound', `Port ${first.id} could not be found.`);
      assert.deepEqual((await t.get(`/ports?id=${first.id}`)).ports, []);
      const second = await t.port(t.bed.network.id, { fixed_ips });
      assert.equal(second.fixed_ips[0].ip_address, '10.60.0.91');
    },
  },
  {
    name: 'extra DHCP options are kept',
    run: async t => {
      const extra_dhcp_opts = [{ opt_name: 'mtu', opt_value: '1400', ip_version: 4 }];
      const port = await t.bare({ extra_dhcp_opts });
      assert.deepEqual(port.extra_dhcp_opts, extra_dhcp_opts);
    },
  },
  ...refusals({
    'a group of a wrong form is refused': badNewPort(
      { security_groups: ['x'] },
      "Invalid input for security_groups. Reason: 'x' is not a valid UUID.",
    ),
    'groups are a list': badNewPort(
      { security_groups: 'x' },
      "Invalid input for security_groups. Reason: 'x' is not a list.",
    ),
    'a group twice is refused': ({ network, group }) => ({
      ask: ['POST', '/ports', { port: { network_id: network.id, security_groups: [group.id, group.id] } }],
      answer: [
        400,
        'HTTPBadRequest',
        `Invalid input for security_groups. Reason: Duplicate items in the list: '${group.id}'.`,
      ],
    }),
  }),
  {
    name: 'DHCP options are merged by their names, and taken away by null',
    run: async t => {
      const port = await t.bare({ extra_dhcp_opts: [{ opt_name: 'mtu', opt_value: '1400' }] });
      assert.deepEqual(port.extra_dhcp_opts, [{ opt_name: 'mtu', opt_value: '1400', ip_version: 4 }]);
      const added = await t.put(port, { extra_dhcp_opts: [{ opt_name: 'ntp-server', opt_value: '10.0.0.1' }] });
      status(added, 200);
      const names = async () =>
        (await t.get(`/ports/${port.id}`)).port.extra_dhcp_opts.map((option: { opt_name: string }) => option.opt_name);
      assert.deepEqual((await names()).sort(), ['mtu', 'ntp-server']);
      status(await t.put(port, { extra_dhcp_opts: [{ opt_name: 'mtu', opt_value: null }] }), 200);
      assert.deepEqual(await names(), ['ntp-server']);
    },
  },
];
