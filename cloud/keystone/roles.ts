import {
  authenticated,
  type Call,
  created,
  find,
  flag,
  given,
  isAdmin,
  isReader,
  type Keep,
  listed,
  noContent,
  ok,
  page,
  param,
  permit,
  query,
  withLink,
} from './call.ts';
import { badRequest, conflict, KeystoneError, notFound } from './errors.ts';
import type { Routes } from './router.ts';
import { validate } from './schema.ts';
import { ROLE_CREATE } from './schemas.ts';
import { type Grant, implied, type Role } from './state.ts';

export function roleRoutes(keep: Keep): Routes {
  const { state } = keep;
  const role = (call: Call): Role => {
    authenticated(call);
    return find(state.roles, param(call, 'role_id'), 'role');
  };
  /** What stands where in a path of a grant; all must be there before it is asked who may. */
  const grant = (call: Call): Grant => {
    const role_id = 'role_id' in call.params ? role(call).id : '';
    authenticated(call);
    const user_id = find(state.users, param(call, 'user_id'), 'user').id;
    return { user_id, project_id: find(state.projects, param(call, 'project_id'), 'project').id, role_id };
  };
  const at = ({ user_id, project_id, role_id }: Grant): number =>
    state.grants.findIndex(
      each => each.user_id === user_id && each.project_id === project_id && each.role_id === role_id,
    );
  const none = ({ user_id, project_id, role_id }: Grant) =>
    notFound(
      'role assignment with role',
      `${role_id}, user or group: ${user_id}, project, domain, or system: ${project_id}`,
    );

  return {
    'GET /v3/roles': call => {
      permit(call, keep, 'list_roles', isReader);
      return listed(call, 'roles', [...state.roles.values()], ['name', 'domain_id']);
    },

    'GET /v3/roles/{role_id}': call => {
      const found = role(call);
      permit(call, keep, 'get_role', isReader);
      return ok({ role: withLink(call, 'roles', found) });
    },

    'POST /v3/roles': call => {
      permit(call, keep, 'create_role', isAdmin);
      const sent = given(call, 'role');
      validate(ROLE_CREATE, sent);
      const { name, description = null, options = {} } = sent as Partial<Role> & { name: string };
      if ([...state.roles.values()].some(each => each.name === name)) {
        throw conflict('role', `Duplicate entry found with name ${name}`);
      }
      const made: Role = { id: keep.newId(), name, domain_id: null, description, options };
      state.roles.set(made.id, made);
      return created({ role: withLink(call, 'roles', made) });
    },

    'DELETE /v3/roles/{role_id}': call => {
      const { id, options } = role(call);
      permit(call, keep, 'delete_role', isAdmin);
      if (options.immutable) {
        const hint = 'Set resource option "immutable" to false first.';
        throw new KeystoneError(403, `Unable to delete immutable role resource: \`${id}. ${hint}`);
      }
      state.roles.delete(id);
      state.grants = state.grants.filter(each => each.role_id !== id);
      return noContent;
    },

    'GET /v3/projects/{project_id}/users/{user_id}/roles': call => {
      const wanted = grant(call);
      permit(call, keep, 'list_grants', isReader);
      const granted = state.grants.filter(
        each => each.user_id === wanted.user_id && each.project_id === wanted.project_id,
      );
      return listed(
        call,
        'roles',
        granted.map(each => find(state.roles, each.role_id, 'role')),
      );
    },

    'GET /v3/projects/{project_id}/users/{user_id}/roles/{role_id}': call => {
      const wanted = grant(call);
      permit(call, keep, 'check_grant', isReader);
      if (at(wanted) < 0) throw none(wanted);
      return noContent;
    },

    'PUT /v3/projects/{project_id}/users/{user_id}/roles/{role_id}': call => {
      const wanted = grant(call);
      permit(call, keep, 'create_grant', isAdmin);
      if (at(wanted) < 0) state.grants.push(wanted);
      return noContent;
    },

    'DELETE /v3/projects/{project_id}/users/{user_id}/roles/{role_id}': call => {
      const wanted = grant(call);
      permit(call, keep, 'revoke_grant', isAdmin);
      if (at(wanted) < 0) throw none(wanted);
      state.grants.splice(at(wanted), 1);
      return noContent;
    },

    'GET /v3/role_assignments': call => {
      permit(call, keep, 'list_role_assignments', isReader);
      if (query(call, 'user.id') && query(call, 'group.id')) throw badRequest('Specify a user or group, not both');
      return page(call, 'role_assignments', assignments(call, keep));
    },
  };
}

/** The grants that a query asks for; `effective` adds those that a role implies. */
function assignments(call: Call, { state }: Keep): object[] {
  const wanted = (key: string, value: string | null) => {
    const asked = query(call, key);
    return asked === undefined || asked === '' || asked === value;
  };
  const named = flag(call, 'include_names');
  const domain = state.domains.get('default');
  const view = (map: ReadonlyMap<string, { id: string; name: string }>, id: string, inDomain: boolean) => {
    if (!named) return { id };
    return { id, name: map.get(id)?.name, ...(inDomain ? { domain: { id: domain?.id, name: domain?.name } } : {}) };
  };
  const effective = flag(call, 'effective');
  const expand = (each: Grant) =>
    (effective ? implied(state, each.role_id).map(role => role.id) : [each.role_id]).map(role_id => ({
      ...each,
      role_id,
      prior: each.role_id,
    }));
  // there are no groups, and no grants on domains
  if (query(call, 'group.id') || query(call, 'scope.domain.id')) return [];
  const onSystem = Boolean(query(call, 'scope.system'));
  return state.grants
    .filter(each => !effective || each.project_id !== null)
    .sort((a, b) => Number(a.project_id === null) - Number(b.project_id === null))
    .flatMap(expand)
    .filter(each => wanted('user.id', each.user_id) && wanted('role.id', each.role_id))
    .filter(each => wanted('scope.project.id', each.project_id) && (!onSystem || each.project_id === null))
    .map(({ user_id, project_id, role_id, prior }) => {
      const place = project_id === null ? 'system' : `projects/${project_id}`;
      const prior_role = `${call.base}/prior_role/${role_id}/implies/${prior}`;
      const assignment = `${call.base}/${place}/users/${user_id}/roles/${prior}`;
      return {
        links: { assignment, ...(prior === role_id ? {} : { prior_role }) },
        scope: project_id === null ? { system: { all: true } } : { project: view(state.projects, project_id, true) },
        user: view(state.users, user_id, true),
        role: view(state.roles, role_id, false),
      };
    });
}
