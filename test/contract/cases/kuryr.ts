/** The requests of Kuryr, as its client writes them. */
import assert from 'node:assert/strict';
import { PORT_FIELDS } from '../../../src/openstack/neutron-wire.ts';
import { NO_ID } from '../refusals.ts';
import type { Asking } from '../target.ts';
import { addresses, type Case, keys, refused, status, type Trial } from '../trial.ts';

type Filter = Readonly<Record<string, string | readonly string[]>>;

/** The path of a list as Kuryr asks for it: a page of 500, the filter, the fields. */
function listPath(kind: string, filter: Filter, fields: readonly string[] = [], marker?: string): string {
  const query = new URLSearchParams({ limit: '500' });
  for (const [key, value] of Object.entries(filter)) for (const each of [value].flat()) query.append(key, each);
  if (marker !== undefined) query.set('marker', marker);
  return `/${kind}?${query}${fields.map(field => `&fields=${field}`).join('')}`;
}

const listed = async (t: Trial, filter: Filter) => (await t.get(listPath('ports', filter, PORT_FIELDS))).ports;

/** A reservation's POST. */
const reservation = (t: Trial, name: string, fixed_ip: object) => ({
  name,
  network_id: t.bed.network.id,
  fixed_ips: [fixed_ip],
  device_owner: 'kuryr:container',
  device_id: `kuryr:${t.bed.port.id}`,
  admin_state_up: false,
  security_groups: t.bed.port.security_groups,
  tags: ['kuryr'],
});

const ids = (list: readonly { id: string }[]) => list.map(({ id }) => id).sort();

/** Each kind of request, by its path below /v2.0. */
const requests = (t: Trial): [method: string, path: string, body?: object][] => {
  const { port, network } = t.bed;
  return [
    ['GET', '/extensions'],
    ['GET', `/ports/${port.id}`],
    ['GET', `/networks/${network.id}`],
    ['GET', listPath('ports', { fixed_ips: 'ip_address=10.60.0.11', mac_address: port.mac_address }, PORT_FIELDS)],
    ['GET', listPath('ports', { device_id: 'x' }, PORT_FIELDS)],
    ['GET', listPath('ports', { device_owner: 'kuryr:container' }, PORT_FIELDS)],
    ['GET', listPath('ports', { id: port.id }, PORT_FIELDS)],
    ['GET', listPath('ports', { name: 'x', device_id: 'x', network_id: network.id }, PORT_FIELDS)],
    ['GET', listPath('ports', { network_id: network.id }, PORT_FIELDS)],
    ['GET', listPath('ports', { network_id: network.id, fixed_ips: 'ip_address=10.60.0.11' }, PORT_FIELDS)],
    ['GET', listPath('networks', { id: network.id })],
    ['GET', listPath('networks', {})],
    ['GET', listPath('subnets', { network_id: network.id })],
    ['POST', '/ports', { port: reservation(t, 'refused', {}) }],
    ['PUT', `/ports/${port.id}`, { port: { name: 'x' } }],
    ['DELETE', `/ports/${port.id}`],
  ];
};

export const kuryr: readonly Case[] = [
  {
    name: 'the VM port is found by addresses and MACs, with the fields asked for',
    run: async t => {
      const { port } = t.bed;
      const filter = {
        fixed_ips: ['ip_address=10.60.0.11', 'ip_address=fd60::11', 'ip_address=10.99.9.9'],
        mac_address: [port.mac_address, 'fa:16:3e:99:99:99'],
      };
      const found = await listed(t, filter);
      assert.deepEqual(ids(found), [port.id]);
      assert.deepEqual(keys(found[0]), PORT_FIELDS.toSorted());
      for (const field of PORT_FIELDS) assert.deepEqual(found[0][field], port[field], field);
    },
  },
  {
    name: 'networks and subnets of the VM come in one list each',
    run: async t => {
      const { network, subnet4, subnet6 } = t.bed;
      const { networks } = await t.get(listPath('networks', { id: [network.id, NO_ID] }));
      assert.deepEqual(ids(networks), [network.id]);
      const { subnets } = await t.get(listPath('subnets', { network_id: [network.id, NO_ID] }));
      assert.deepEqual(ids(subnets), [subnet4.id, subnet6.id].sort());
    },
  },
  {
    name: 'reservations are found by their VM port, by their owner, and one by its name',
    run: async t => {
      const device_id = `kuryr:${t.bed.port.id}`;
      const fields = reservation(t, 'sought', { subnet_id: t.bed.subnet4.id, ip_address: '10.60.0.40' });
      const port = await t.make('port', fields);
      assert.ok(ids(await listed(t, { device_id })).includes(port.id));
      assert.ok(ids(await listed(t, { device_owner: 'kuryr:container' })).includes(port.id));
      const { name, network_id } = fields;
      assert.deepEqual(ids(await listed(t, { name, device_id, network_id })), [port.id]);
      const holder = { network_id, fixed_ips: [`subnet_id=${t.bed.subnet4.id}`, 'ip_address=10.60.0.40'] };
      assert.deepEqual(ids(await listed(t, holder)), [port.id]);
    },
  },
  {
    name: 'a hundred ids fit into one list',
    run: async t => {
      const unknown = Array.from({ length: 99 }, (_, n) => NO_ID.replace(/....$/, String(1000 + n)));
      assert.deepEqual(ids(await listed(t, { id: [...unknown, t.bed.port.id] })), [t.bed.port.id]);
    },
  },
  {
    name: 'a next page is asked for by the last id, and one whose last is gone is not found',
    run: async t => {
      const filter = { id: t.bed.port.id };
      const page = await t.get(listPath('ports', filter, PORT_FIELDS, t.bed.port.id));
      assert.deepEqual(page.ports, []);
      const gone = await t.api('GET', listPath('ports', filter, PORT_FIELDS, NO_ID));
      refused(gone, 404, 'PortNotFound', `Port ${NO_ID} could not be found.`);
    },
  },
  {
    name: 'a reservation is made, permitted, found in the way of a second one, given back',
    run: async t => {
      const { bed } = t;
      const vm = await t.bare();
      const asked = { subnet_id: bed.subnet6.id, ip_address: 'fd60::40' };
      const port = await t.make('port', reservation(t, 'whole', asked));
      const [address = ''] = addresses(port);
      assert.equal(address, 'fd60::40');
      const { revision_number } = (await t.get(`/ports/${vm.id}`)).port;
      const pairs = { allowed_address_pairs: [{ ip_address: address }] };
      const matching = (revision: number): Asking => ({ headers: { 'if-match': `revision_number=${revision}` } });
      status(await t.put(vm, pairs, matching(revision_number)), 200);
      const stale = await t.put(vm, { allowed_address_pairs: [] }, matching(revision_number));
      status(stale, 412);
      assert.equal((await t.get(`/ports/${vm.id}`)).port.allowed_address_pairs[0].ip_address, address);
      const second = await t.api('POST', '/ports', { port: reservation(t, 'second', asked) });
      const message = `IP address fd60::40 already allocated in subnet ${bed.subnet6.id}`;
      refused(second, 409, 'IpAddressAlreadyAllocated', message);
      status(await t.put(port, { security_groups: [] }), 200);
      status(await t.api('DELETE', `/ports/${port.id}`), 204);
      status(await t.api('DELETE', `/ports/${port.id}`), 404);
    },
  },
  {
    name: 'on a network of another project an address is refused, and plain ports are not',
    run: async t => {
      const { network, subnet } = t.bed.shared;
      const asked = (fixed_ip: object) => ({
        port: { ...reservation(t, 'foreign', fixed_ip), network_id: network.id, security_groups: [] },
      });
      const ask = (fixed_ip: object) => t.api('POST', '/ports', asked(fixed_ip), { user: 'demo2' });
      const answer = await ask({ subnet_id: subnet.id, ip_address: '10.64.0.8' });
      status(answer, 403);
      assert.equal(answer.body.NeutronError.type, 'PolicyNotAuthorized');
    },
  },
  {
    name: 'each request with a token that has ended is answered 401',
    run: async t => {
      const asking: Asking = { user: 'none', headers: { 'x-auth-token': 'ended' } };
      for (const [method, path, body] of requests(t)) status(await t.api(method, path, body, asking), 401);
    },
  },
  {
    name: 'each list and show is answered 200',
    run: async t => {
      for (const [method, path] of requests(t)) if (method === 'GET') status(await t.api(method, path), 200);
    },
  },
];
