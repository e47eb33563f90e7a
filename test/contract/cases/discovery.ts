/** What a client looks at before it works: versions, extensions, who may ask, what every answer carries. */
import assert from 'node:assert/strict';
import { errorType } from '../../lab/cloud/traffic.ts';
import { type Case, keys, status } from '../trial.ts';

/** Extensions that Kuryr, the openstack client or SDKs look for. */
const RELIED_ON = [
  ...['address-scope', 'allowed-address-pairs', 'binding', 'default-subnetpools', 'external-net', 'filter-validation'],
  ...['net-mtu', 'net-mtu-writable', 'pagination', 'port-mac-address-regenerate', 'port-security', 'project-id'],
  ...['provider', 'quota-check-limit', 'quota_details', 'quotas', 'revision-if-match', 'security-group', 'sorting'],
  ...['standard-attr-description', 'standard-attr-revisions', 'standard-attr-tag', 'standard-attr-timestamp'],
  ...['stateful-security-group', 'subnet-service-types', 'subnet_allocation', 'trunk', 'trunk-details'],
];

/** What else Neutron 21 with ML2/OVN lists. A cloud may list less, but nothing that a tool has not met on a real one. */
const OTHERS = [
  ...['address-group', 'agent', 'auto-allocated-topology', 'availability_zone', 'binding-extended', 'dns-domain-ports'],
  ...['dns-integration', 'dns-integration-domain-keywords', 'expose-port-forwarding-in-fip', 'ext-gw-mode'],
  ...['extra_dhcp_opt', 'extraroute', 'fip-port-details', 'flavors', 'floating-ip-port-forwarding'],
  ...['floating-ip-port-forwarding-description', 'floating-ip-port-forwarding-detail'],
  ...['floating-ip-port-forwarding-port-ranges', 'floatingip-pools', 'ip_allocation', 'l2_adjacency', 'multi-provider'],
  ...['network-ip-availability', 'network_availability_zone', 'port-device-profile', 'port-numa-affinity-policy'],
  ...['port-resource-request', 'port-resource-request-groups', 'qos', 'qos-bw-limit-direction'],
  ...['qos-bw-minimum-ingress', 'qos-default', 'qos-fip', 'qos-gateway-ip', 'qos-port-network-policy', 'qos-pps'],
  ...['qos-pps-minimum', 'qos-pps-minimum-rule-alias', 'qos-rule-type-details', 'qos-rule-type-filter'],
  ...['qos-rules-alias', 'rbac-address-scope', 'rbac-policies', 'rbac-security-groups', 'router'],
  ...['router_availability_zone', 'security-groups-normalized-cidr', 'security-groups-remote-address-group'],
  ...['security-groups-shared-filtering', 'segment', 'segments-peer-subnet-host-routes', 'service-type'],
  ...['standard-attr-segment', 'subnet-dns-publish-fixed-ip', 'subnet-segmentid-writable'],
];

export const discovery: readonly Case[] = [
  {
    name: 'Neutron tells its versions to anybody',
    run: async ({ target }) => {
      const answer = await target.api('GET', '//', undefined, { user: 'none' });
      status(answer, 200);
      const self = { rel: 'self', href: `${target.neutronUrl}/v2.0/` };
      assert.deepEqual(answer.body, { versions: [{ id: 'v2.0', status: 'CURRENT', links: [self] }] });
    },
  },
  {
    name: 'Neutron lists its core resources below its version',
    run: async ({ target }) => {
      const answer = await target.api('GET', '//v2.0/');
      status(answer, 200);
      const resources = ['network', 'subnet', 'subnetpool', 'port'].map(name => ({
        name,
        collection: `${name}s`,
        links: [{ rel: 'self', href: `${target.neutronUrl}/v2.0/${name}s` }],
      }));
      assert.deepEqual(answer.body, { resources });
    },
  },
  {
    name: 'the extensions that clients look for are listed',
    run: async t => {
      const { extensions } = await t.get('/extensions');
      const aliases = new Set<string>(extensions.map((extension: { alias: string }) => extension.alias));
      assert.deepEqual(
        RELIED_ON.filter(alias => !aliases.has(alias)),
        [],
      );
      const known = new Set([...RELIED_ON, ...OTHERS]);
      assert.deepEqual(
        [...aliases].filter(alias => !known.has(alias)),
        [],
      );
      for (const extension of extensions) {
        assert.deepEqual(keys(extension), ['alias', 'description', 'links', 'name', 'updated']);
        assert.deepEqual(extension.links, []);
      }
    },
  },
  {
    name: 'one extension can be asked for',
    run: async t => {
      const { extension } = await t.get('/extensions/trunk');
      assert.equal(extension.alias, 'trunk');
      assert.equal(extension.name, 'Trunk Extension');
      assert.equal(extension.description, 'Provides support for trunk ports');
      assert.deepEqual(keys(extension), ['alias', 'description', 'links', 'name', 'updated']);
    },
  },
  {
    name: 'an extension that there is not is not found',
    run: async t => {
      status(await t.api('GET', '/extensions/nope'), 404);
    },
  },
  ...(['none', 'garbage'] as const).map(
    (token): Case => ({
      name: token === 'none' ? 'a request without a token is refused' : 'a token that is none is refused',
      run: async ({ target }) => {
        const headers = token === 'none' ? {} : { 'x-auth-token': token };
        const answer = await target.api('GET', '/ports', undefined, { user: 'none', headers });
        const message = 'The request you have made requires authentication.';
        status(answer, 401);
        assert.deepEqual(answer.body, { error: { code: 401, title: 'Unauthorized', message } });
        const keystone = target.authUrl.replace(/\/v3$/, '');
        assert.equal(answer.headers.get('www-authenticate'), `Keystone uri="${keystone}"`);
        assert.match(answer.headers.get('content-type') ?? '', /^application\/json/);
      },
    }),
  ),
  {
    name: "the version's root wants a token",
    run: async ({ target }) => {
      const answer = await target.api('GET', '//v2.0/', undefined, { user: 'none' });
      status(answer, 401);
      assert.equal(errorType(answer.body), 'Unauthorized');
    },
  },
  {
    name: 'each answer has a request id of its own, refusals too',
    run: async t => {
      const paths = ['/networks?limit=1', '/networks?limit=1', '/ports/zzz', '/nonsense', '/ports?nonsense=1'];
      const ids = new Set<string>();
      for (const path of paths) ids.add((await t.api('GET', path)).headers.get('x-openstack-request-id') ?? 'none');
      ids.add(
        (await t.api('GET', '/ports', undefined, { user: 'none' })).headers.get('x-openstack-request-id') ?? 'none',
      );
      assert.equal(ids.size, paths.length + 1);
      for (const id of ids) assert.match(id, /^req-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    },
  },
  {
    name: "Keystone's answers have request ids",
    run: async ({ target }) => {
      const answer = await target.keystone('GET', '');
      assert.match(
        answer.headers.get('x-openstack-request-id') ?? '',
        /^req-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
      );
    },
  },
  {
    name: 'answers are JSON with a length, and a deletion has no body',
    run: async t => {
      const answer = await t.api('GET', `/ports/${t.bed.port.id}`);
      assert.equal(answer.headers.get('content-type'), 'application/json');
      assert.match(answer.headers.get('content-length') ?? '', /^\d+$/);
      const port = await t.bare();
      const gone = await t.api('DELETE', `/ports/${port.id}`);
      status(gone, 204);
      assert.equal(gone.body, undefined);
      status(await t.api('DELETE', `/ports/${port.id}`), 404);
    },
  },
];
