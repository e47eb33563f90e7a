/** Lists: filters, fields, sorting, pages. */
import assert from 'node:assert/strict';
import { NO_ID, refusals } from '../refusals.ts';
import { type Case, keys, status, type Trial } from '../trial.ts';
import { NETWORK_KEYS } from './networks.ts';
import { PORT_KEYS } from './ports.ts';

/** A network with ports of these fields. */
async function fleet(t: Trial, fields: readonly object[]) {
  const network = await t.network();
  const ids: string[] = [];
  for (const each of fields) ids.push((await t.port(network.id, { fixed_ips: [], ...each })).id);
  /** Which of the ports are listed, by their number, in the answer's order. */
  const listed = async (query: string): Promise<number[]> =>
    (await t.get(`/ports?network_id=${network.id}&${query}`)).ports.map((port: { id: string }) => ids.indexOf(port.id));
  return { network, ids, listed };
}

/** What a page links to. */
const links = (page: { ports_links: readonly { rel: string }[] }) => page.ports_links.map(({ rel }) => rel).sort();

const bad = (message: string) => [400, 'HTTPBadRequest', message] as const;
const invalid = (message: string) => [400, 'InvalidInput', `Invalid input for operation: ${message}`] as const;

export const filters: readonly Case[] = [
  {
    name: 'ports are found by address, and by several as alternatives',
    run: async t => {
      const { network, subnet } = await t.net('10.48.0.0/24');
      const ids: string[] = [];
      for (const n of [11, 12, 112]) {
        ids.push((await t.port(network.id, { fixed_ips: [{ ip_address: `10.48.0.${n}` }] })).id);
      }
      const one = 'fixed_ips=ip_address%3D10.48.0.11';
      for (const [query, expected] of [
        [one, [0]],
        [`${one}&fixed_ips=ip_address%3D10.48.0.12`, [0, 1]],
        [`${one}&fixed_ips=subnet_id%3D${subnet.id}`, [0]],
        [`fixed_ips=subnet_id%3D${subnet.id}`, [0, 1, 2]],
        [`fixed_ips=subnet_id%3D${NO_ID}`, []],
        ['fixed_ips=ip_address_substr%3D48.0.11', [0, 2]],
        ['fixed_ips=ip_address%3D10.48.0.99', []],
      ] as const) {
        const { ports } = await t.get(`/ports?network_id=${network.id}&${query}`);
        assert.deepEqual(ports.map((port: { id: string }) => ids.indexOf(port.id)).sort(), expected, query);
      }
    },
  },
  {
    name: 'ports are found by name, device, owner, state, MAC, id',
    run: async t => {
      const { ids, listed } = await fleet(t, [
        { name: 'a', device_id: 'kuryr:1', device_owner: 'kuryr:container', mac_address: 'fa:16:3e:aa:00:01' },
        { name: 'b', device_id: 'kuryr:1', admin_state_up: false },
        { name: 'b', device_id: 'kuryr:2', device_owner: 'kuryr:container' },
      ]);
      for (const [query, expected] of [
        ['name=b', [1, 2]],
        ['name=a&name=b', [0, 1, 2]],
        ['name=c', []],
        ['device_id=kuryr:1', [0, 1]],
        ['device_owner=kuryr:container', [0, 2]],
        ['device_owner=kuryr:container&device_id=kuryr:1', [0]],
        ['device_id=kuryr:1&name=b', [1]],
        ['admin_state_up=False', [1]],
        ['admin_state_up=true', [0, 2]],
        ['status=DOWN', [0, 1, 2]],
        ['status=ACTIVE', []],
        ['mac_address=fa:16:3e:aa:00:01', [0]],
        [`id=${ids[2]}&id=${ids[0]}`, [0, 2]],
        [`id=${NO_ID}`, []],
        ['name=b&name=a&device_id=kuryr:2', [2]],
      ] as const) {
        assert.deepEqual((await listed(query)).sort(), expected, query);
      }
    },
  },
  {
    name: 'ports of several networks, subnets of several networks and networks by several ids',
    run: async t => {
      const [one, other] = [await t.net('10.48.0.0/24'), await t.net('10.49.0.0/24')];
      const ids = [one.network.id, other.network.id];
      const query = ids.map(id => `network_id=${id}`).join('&');
      await t.port(one.network.id, { fixed_ips: [] });
      await t.port(other.network.id, { fixed_ips: [] });
      assert.equal((await t.get(`/ports?${query}`)).ports.length, 2);
      const { subnets } = await t.get(`/subnets?${query}`);
      assert.deepEqual(subnets.map(({ id }: { id: string }) => id).sort(), [one.subnet.id, other.subnet.id].sort());
      const { networks } = await t.get(`/networks?${ids.map(id => `id=${id}`).join('&')}`);
      assert.deepEqual(networks.map(({ id }: { id: string }) => id).sort(), ids.sort());
    },
  },
  {
    name: 'a filter that is empty is none',
    run: async t => {
      const { listed } = await fleet(t, [{ name: 'a' }, {}]);
      assert.deepEqual((await listed('name=')).sort(), [0, 1]);
    },
  },
  {
    name: 'a list of all that is seen comes in pages, too, with the fields asked for alone',
    run: async t => {
      const page = await t.get('/ports?fields=id&limit=1');
      assert.equal(page.ports.length, 1);
      assert.deepEqual(keys(page.ports[0]), ['id']);
      assert.deepEqual(links(page), ['next', 'previous']);
    },
  },
  {
    name: 'subnets and groups are found by whether they are shared, which is not shown of a subnet',
    run: async t => {
      const network = await t.network();
      const subnet = await t.subnet(network.id, '10.49.0.0/24');
      assert.ok(!('shared' in subnet));
      const found = async (path: string) => Object.values(await t.get(path))[0] as { id: string }[];
      assert.equal((await found(`/subnets?id=${subnet.id}&shared=False`)).length, 1);
      assert.equal((await found(`/subnets?id=${subnet.id}&shared=True`)).length, 0);
      const group = await t.make('security_group', { name: 'unshared' });
      assert.equal((await found(`/security-groups?id=${group.id}&shared=False`)).length, 1);
      assert.equal((await found(`/security-groups?id=${group.id}&shared=True`)).length, 0);
    },
  },
  {
    name: 'subnets are found by prefix, version, gateway and DHCP',
    run: async t => {
      const network = await t.network();
      const v4 = await t.subnet(network.id, '10.48.0.0/24', { name: 'four' });
      const v6 = await t.subnet(network.id, 'fd48::/64', { enable_dhcp: false });
      for (const [query, expected] of [
        ['ip_version=4', [v4.id]],
        ['ip_version=6', [v6.id]],
        ['cidr=fd48::/64', [v6.id]],
        ['gateway_ip=10.48.0.1', [v4.id]],
        ['enable_dhcp=False', [v6.id]],
        ['name=four', [v4.id]],
      ] as const) {
        const found = (await t.get(`/subnets?network_id=${network.id}&${query}`)).subnets;
        assert.deepEqual(
          found.map(({ id }: { id: string }) => id),
          expected,
          query,
        );
      }
    },
  },
  {
    name: 'a project finds its own by project_id and tenant_id, and nothing of another',
    run: async t => {
      const { id } = t.bed.port;
      for (const key of ['project_id', 'tenant_id']) {
        assert.equal((await t.get(`/ports?id=${id}&${key}=${t.bed.projectId}`)).ports.length, 1);
        assert.deepEqual((await t.get(`/ports?id=${id}&${key}=${t.bed.foreignProjectId}`)).ports, []);
      }
      assert.deepEqual((await t.get(`/ports?id=${id}`, 'demo2')).ports, []);
      assert.equal((await t.get(`/ports?id=${id}`, 'admin')).ports.length, 1);
      assert.equal((await t.get(`/ports?id=${id}`, 'ro')).ports.length, 1);
    },
  },
  {
    name: 'networks are found by name and whether they are external',
    run: async t => {
      const { id } = await t.network({ name: 'sought' });
      const find = async (query: string) =>
        (await t.get(`/networks?${query}`)).networks.map((net: { id: string }) => net.id);
      assert.deepEqual(await find('name=sought'), [id]);
      assert.deepEqual(await find('name=sought&router:external=False'), [id]);
      assert.deepEqual(await find('name=sought&router:external=True'), []);
    },
  },
  ...refusals({
    'an unknown filter is refused': () => ({
      ask: ['GET', '/ports?nonsense=1'],
      answer: bad("['nonsense'] is invalid attribute for filtering"),
    }),
    'ports cannot be found by their pairs': () => ({
      ask: ['GET', '/ports?allowed_address_pairs=1'],
      answer: bad("['allowed_address_pairs'] is invalid attribute for filtering"),
    }),
    'an unknown filter of networks is refused': () => ({
      ask: ['GET', '/networks?nonsense=1'],
      answer: bad("['nonsense'] is invalid attribute for filtering"),
    }),
    'an unknown filter of subnets is refused': () => ({
      ask: ['GET', '/subnets?nonsense=1'],
      answer: bad("['nonsense'] is invalid attribute for filtering"),
    }),
    'a filter that should be a boolean is refused': () => ({
      ask: ['GET', '/ports?admin_state_up=maybe'],
      answer: invalid("'maybe' cannot be converted to boolean."),
    }),
    'a filter of fixed IPs has a key and a value': () => ({
      ask: ['GET', '/ports?fixed_ips=foo'],
      answer: invalid("'foo' is not of the form <key>=[value]."),
    }),
  }),
];

export const paging: readonly Case[] = [
  {
    name: 'pages follow one another by marker; a full one links to the next, each to the previous',
    run: async t => {
      const { network, ids } = await fleet(t, [{}, {}, {}]);
      const base = `/ports?network_id=${network.id}&fields=id`;
      const seen: string[] = [];
      const first = await t.get(`${base}&limit=2`);
      assert.deepEqual(keys(first), ['ports', 'ports_links']);
      seen.push(...first.ports.map(({ id }: { id: string }) => id));
      assert.equal(seen.length, 2);
      const next = first.ports_links.find(({ rel }: { rel: string }) => rel === 'next');
      assert.deepEqual(links(first), ['next', 'previous']);
      const url = new URL(next.href);
      assert.equal(`${url.origin}${url.pathname}`, `${t.target.neutronUrl}/v2.0/ports`);
      assert.deepEqual(
        [url.searchParams.get('marker'), url.searchParams.get('limit'), url.searchParams.get('network_id')],
        [seen[1], '2', network.id],
      );
      const second = await t.get(`${base}&limit=2&marker=${seen[1]}`);
      assert.deepEqual(links(second), ['previous']);
      seen.push(...second.ports.map(({ id }: { id: string }) => id));
      assert.deepEqual(seen.toSorted(), ids.toSorted());
      assert.deepEqual(seen, ids.toSorted());
    },
  },
  {
    name: 'a page that is full to the last links to one more, which is empty',
    run: async t => {
      const { network, ids } = await fleet(t, [{}, {}]);
      const base = `/ports?network_id=${network.id}&fields=id`;
      const full = await t.get(`${base}&limit=2`);
      assert.deepEqual(links(full), ['next', 'previous']);
      const last = await t.get(`${base}&limit=2&marker=${ids.toSorted()[1]}`);
      assert.deepEqual(last.ports, []);
      assert.deepEqual(links(last), ['previous']);
    },
  },
  {
    name: 'a list without a limit has no links',
    run: async t => {
      assert.deepEqual(keys(await t.get(`/ports?id=${t.bed.port.id}`)), ['ports']);
    },
  },
  {
    name: 'a limit of nothing is no limit',
    run: async t => {
      const { network } = await fleet(t, [{}, {}]);
      assert.equal((await t.get(`/ports?network_id=${network.id}&limit=0`)).ports.length, 2);
    },
  },
  {
    name: 'lists are sorted by one key or several, either way',
    run: async t => {
      const { listed } = await fleet(t, [
        { name: 'b', device_id: '1' },
        { name: 'a', device_id: '2' },
        { name: 'b', device_id: '0' },
      ]);
      assert.deepEqual(await listed('sort_key=name&sort_dir=asc&sort_key=device_id&sort_dir=desc'), [1, 0, 2]);
      assert.deepEqual(await listed('sort_key=device_id&sort_dir=desc'), [1, 0, 2]);
      assert.deepEqual(await listed('sort_key=device_id&sort_dir=asc'), [2, 0, 1]);
    },
  },
  {
    name: 'sorted lists have pages too',
    run: async t => {
      const { ids, listed } = await fleet(t, [{ name: 'b' }, { name: 'a' }, { name: 'c' }]);
      assert.deepEqual(await listed('sort_key=name&sort_dir=asc&limit=2'), [1, 0]);
      assert.deepEqual(await listed(`sort_key=name&sort_dir=asc&limit=2&marker=${ids[0]}`), [2]);
    },
  },
  {
    name: 'only the fields that are asked for come',
    run: async t => {
      const { port, network } = t.bed;
      const listed = await t.get(`/ports?id=${port.id}&fields=id&fields=name`);
      assert.deepEqual(listed.ports, [{ id: port.id, name: 'bed' }]);
      assert.deepEqual(await t.get(`/ports/${port.id}?fields=id&fields=name`), { port: { id: port.id, name: 'bed' } });
      assert.deepEqual(await t.get(`/networks/${network.id}?fields=mtu`), { network: { mtu: 1442 } });
      assert.deepEqual(await t.get(`/ports/${port.id}?fields=nonsense`), { port: {} });
      assert.deepEqual((await t.get(`/ports?id=${port.id}&fields=nonsense`)).ports, [{}]);
    },
  },
  {
    name: 'without fields all come',
    run: async t => {
      const [port] = (await t.get(`/ports?id=${t.bed.port.id}`)).ports;
      assert.deepEqual(keys(port), PORT_KEYS);
      const [network] = (await t.get(`/networks?id=${t.bed.network.id}`)).networks;
      assert.deepEqual(keys(network), NETWORK_KEYS);
    },
  },
  {
    name: 'a marker without a limit is not looked at',
    run: async t => {
      status(await t.api('GET', `/ports?id=${t.bed.port.id}&marker=zzz`), 200);
    },
  },
  ...refusals({
    'a marker that is gone is not found': () => ({
      ask: ['GET', `/ports?limit=1&marker=${NO_ID}`],
      answer: [404, 'PortNotFound', `Port ${NO_ID} could not be found.`],
    }),
    'a limit is a number': () => ({
      ask: ['GET', '/ports?limit=abc'],
      answer: [400, 'BadRequest', "Bad limit request: Limit must be an integer 0 or greater and not 'abc'."],
    }),
    'a limit is not negative': () => ({
      ask: ['GET', '/ports?limit=-1'],
      answer: [400, 'BadRequest', "Bad limit request: Limit must be an integer 0 or greater and not '-1'."],
    }),
    'an unknown sort key is refused': () => ({
      ask: ['GET', '/ports?sort_key=nonsense&sort_dir=asc'],
      answer: bad("['nonsense'] is invalid attribute for sort_keys"),
    }),
    'a direction is one of two': () => ({
      ask: ['GET', '/ports?sort_key=name&sort_dir=sideways'],
      answer: bad("['sideways'] is invalid value for sort_dirs, valid value is 'asc' and 'desc'"),
    }),
    'a sort key needs a direction': () => ({
      ask: ['GET', '/ports?sort_key=name'],
      answer: bad('The number of sort_keys and sort_dirs must be same'),
    }),
  }),
];
