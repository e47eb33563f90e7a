import type { Reply, Request } from '../wire.ts';
import { badRequest, badValue, forbidden, noResource, Refusal } from './refusal.ts';
import type { Context, Tables } from './store.ts';
import { integerFrom, toBoolean, toInteger } from './values.ts';

/** Neutron's own defaults but for ports, of which a host of containers needs more than 500. */
const DEFAULTS: Readonly<Record<string, number>> = {
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

const limitsOf = (projectId: string, tables: Tables): Readonly<Record<string, number>> => ({
  ...DEFAULTS,
  ...tables.quotas.get(projectId),
});

/** How many of a kind a project has. */
function used(projectId: string, name: string, tables: Tables): number {
  const table = tables[`${name}s` as keyof Tables] as ReadonlyMap<string, { readonly project_id?: string }> | undefined;
  return table === undefined ? 0 : [...table.values()].filter(row => row.project_id === projectId).length;
}

/** @throws Refusal where that many more are too many */
export function assertRoom(projectId: string, name: string, more: number, { tables }: Context): void {
  const limit = limitsOf(projectId, tables)[name] ?? -1;
  if (limit < 0 || used(projectId, name, tables) + more <= limit) return;
  throw new Refusal(409, 'OverQuota', `Quota exceeded for resources: ['${name}'].`);
}

/** `/quotas`, `/quotas/PROJECT`, `…/details`, `…/default`. @throws Refusal */
export function quotas(
  projectId: string | undefined,
  what: string | undefined,
  request: Request,
  context: Context,
): Reply {
  const { tables, caller, isAdmin } = context;
  const { method } = request;
  if (projectId === undefined) {
    if (!isAdmin) throw forbidden('rule:get_quota');
    const all = [...tables.quotas.keys()].map(id => ({ ...limitsOf(id, tables), project_id: id, tenant_id: id }));
    return { status: 200, body: { quotas: all } };
  }
  if (projectId === 'project') return { status: 200, body: { project: { project_id: caller.projectId } } };
  if (projectId === 'tenant') return { status: 200, body: { tenant: { tenant_id: caller.projectId } } };
  if (method === 'GET') {
    const foreign = !isAdmin && projectId !== caller.projectId;
    if (foreign && what === 'details') {
      const text =
        'User does not have admin privileges: Only admin is authorized to access quotas for another project.';
      throw new Refusal(403, 'AdminRequired', text);
    }
    if (foreign) throw forbidden('rule:get_quota');
    const limits = limitsOf(projectId, tables);
    if (what === 'default') return { status: 200, body: { quota: DEFAULTS } };
    if (what !== undefined && what !== 'details') throw noResource();
    if (what === undefined) return { status: 200, body: { quota: limits } };
    const details = Object.entries(limits).map(([name, limit]) => [
      name,
      { limit, used: used(projectId, name, tables), reserved: 0 },
    ]);
    return { status: 200, body: { quota: Object.fromEntries(details) } };
  }
  if (!isAdmin) throw forbidden(`rule:${method === 'PUT' ? 'update' : 'delete'}_quota`);
  if (method === 'DELETE') {
    if (tables.quotas.delete(projectId)) return { status: 204 };
    throw new Refusal(404, 'TenantQuotaNotFound', `Quota for tenant ${projectId} could not be found.`);
  }
  const { limits, checked } = limitsIn(request.body);
  for (const [name, limit] of checked ? Object.entries(limits) : []) {
    const now = used(projectId, name, tables);
    if (limit >= 0 && limit < now) {
      throw badRequest(`Quota limit ${limit} for ${name} must be greater than or equal to already used ${now}`);
    }
  }
  tables.quotas.set(projectId, { ...tables.quotas.get(projectId), ...limits });
  return { status: 200, body: { quota: limitsOf(projectId, tables) } };
}

function limitsIn(body: unknown): { readonly limits: Record<string, number>; readonly checked: boolean } {
  const given = typeof body === 'object' && body !== null && 'quota' in body ? body.quota : undefined;
  if (typeof given !== 'object' || given === null) throw badRequest("Unable to find 'quota' in request body");
  const { check_limit: checked = false, ...asked } = given as Record<string, unknown>;
  const unknown = Object.keys(asked).filter(name => !Object.hasOwn(DEFAULTS, name));
  if (unknown.length > 0) throw badRequest(`Unrecognized attribute(s) '${unknown.sort().join(', ')}'`);
  const limits = Object.fromEntries(
    Object.entries(asked).map(([name, value]) => {
      const limit = toInteger(value);
      const problem = integerFrom(-1)(limit);
      if (problem !== undefined) throw badValue(name, problem);
      return [name, limit];
    }),
  );
  return { limits, checked: toBoolean(checked) };
}
