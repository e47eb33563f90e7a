/** Quotas: what a project may have, and what it is told when it has that. */
import assert from 'node:assert/strict';
import { refusals } from '../refusals.ts';
import { type Case, keys, refused, status } from '../trial.ts';

const LIMITS = {
  network: 100,
  subnet: 100,
  subnetpool: -1,
  port: 2000,
  router: 10,
  floatingip: 50,
  rbac_policy: 10,
  security_group: 10,
  security_group_rule: 100,
  trunk: -1,
};

const over = (resource: string) => [409, 'OverQuota', `Quota exceeded for resources: ['${resource}'].`] as const;

/** One case, since the quotas belong to the whole of demo2's project. */
export const quotas: readonly Case[] = [
  {
    name: 'a project has the default quotas until an administrator sets others, and then no more than these',
    run: async t => {
      const { foreignProjectId: project } = t.bed;
      const path = `/quotas/${project}`;
      assert.deepEqual(keys((await t.get(path, 'demo2')).quota), keys(LIMITS));
      assert.deepEqual((await t.get(`${path}/default`, 'demo2')).quota, LIMITS);
      const network = await t.network({}, 'demo2');
      const subnet = await t.subnet(network.id, '10.51.0.0/24', {}, 'demo2');
      await t.port(network.id, {}, 'demo2');
      const { used } = (await t.get(`${path}/details`, 'demo2')).quota.port;
      t.defer(() => t.api('DELETE', path, undefined, { user: 'admin' }));
      const set = await t.api(
        'PUT',
        path,
        { quota: { port: used + 1, security_group: 1, trunk: 0 } },
        { user: 'admin' },
      );
      status(set, 200);
      assert.deepEqual(set.body.quota, { ...LIMITS, port: used + 1, security_group: 1, trunk: 0 });
      const two = [{ network_id: network.id }, { network_id: network.id }];
      refused(await t.api('POST', '/ports', { ports: two }, { user: 'demo2' }), ...over('port'));
      const last = await t.port(network.id, {}, 'demo2');
      const body = { port: { network_id: network.id, fixed_ips: [{ subnet_id: subnet.id }] } };
      refused(await t.api('POST', '/ports', body, { user: 'demo2' }), ...over('port'));
      const group = { security_group: { name: 'x' } };
      refused(await t.api('POST', '/security-groups', group, { user: 'demo2' }), ...over('security_group'));
      const trunk = { trunk: { port_id: last.id } };
      refused(await t.api('POST', '/trunks', trunk, { user: 'demo2' }), ...over('trunk'));
      const { port } = (await t.get(`${path}/details`, 'demo2')).quota;
      assert.deepEqual(port, { limit: used + 1, used: used + 1, reserved: 0 });
      const listed = (await t.get('/quotas', 'admin')).quotas.find(
        (each: { project_id: string }) => each.project_id === project,
      );
      assert.equal(listed.port, used + 1);
      assert.equal(listed.tenant_id, project);
      status(await t.api('DELETE', path, undefined, { user: 'admin' }), 204);
      assert.deepEqual((await t.get(path, 'demo2')).quota, LIMITS);
    },
  },
  {
    name: 'a project is told its own name by Neutron',
    run: async t => {
      const { projectId } = t.bed;
      assert.deepEqual(await t.get('/quotas/tenant'), { tenant: { tenant_id: projectId } });
      assert.deepEqual(await t.get('/quotas/project'), { project: { project_id: projectId } });
    },
  },
  {
    name: 'details tell limit, used and reserved of each',
    run: async t => {
      const { quota } = await t.get(`/quotas/${t.bed.projectId}/details`);
      assert.deepEqual(keys(quota), keys(LIMITS));
      for (const each of Object.values(quota)) assert.deepEqual(keys(each as object), ['limit', 'reserved', 'used']);
      assert.ok(quota.port.used > 0);
      assert.equal(quota.port.limit, -1);
    },
  },
  ...refusals({
    'quotas of another project are not shown': ({ foreignProjectId }) => ({
      ask: ['GET', `/quotas/${foreignProjectId}`],
      answer: [403, 'PolicyNotAuthorized', 'rule:get_quota is disallowed by policy'],
    }),
    'details of another project are not shown': ({ foreignProjectId }) => ({
      ask: ['GET', `/quotas/${foreignProjectId}/details`],
      answer: [
        403,
        'AdminRequired',
        'User does not have admin privileges: Only admin is authorized to access quotas for another project.',
      ],
    }),
    'a tenant does not see all quotas': () => ({
      ask: ['GET', '/quotas'],
      answer: [403, 'PolicyNotAuthorized', 'rule:get_quota is disallowed by policy'],
    }),
    'a tenant does not set its quotas': ({ projectId }) => ({
      ask: ['PUT', `/quotas/${projectId}`, { quota: { port: 1 } }],
      answer: [403, 'PolicyNotAuthorized', 'rule:update_quota is disallowed by policy'],
    }),
    'a tenant does not delete its quotas': ({ projectId }) => ({
      ask: ['DELETE', `/quotas/${projectId}`],
      answer: [403, 'PolicyNotAuthorized', 'rule:delete_quota is disallowed by policy'],
    }),
    'an unknown quota is refused': ({ foreignProjectId }) => ({
      ask: ['PUT', `/quotas/${foreignProjectId}`, { quota: { nonsense: 0 } }],
      user: 'admin',
      answer: [400, 'HTTPBadRequest', "Unrecognized attribute(s) 'nonsense'"],
    }),
    'a quota is -1 or more': ({ foreignProjectId }) => ({
      ask: ['PUT', `/quotas/${foreignProjectId}`, { quota: { port: -2 } }],
      user: 'admin',
      answer: [400, 'HTTPBadRequest', "Invalid input for port. Reason: '-2' is too small - must be at least '-1'."],
    }),
    'a quota is a number': ({ foreignProjectId }) => ({
      ask: ['PUT', `/quotas/${foreignProjectId}`, { quota: { port: 'x' } }],
      user: 'admin',
      answer: [400, 'InvalidInput', "Invalid input for operation: 'x' is not an integer."],
    }),
  }),
];
