import {
  type Call,
  created,
  find,
  given,
  isAdmin,
  isReader,
  type Keep,
  listed,
  noContent,
  ok,
  param,
  permit,
  withLink,
} from './call.ts';
import { badRequest, conflict, KeystoneError } from './errors.ts';
import type { Routes } from './router.ts';
import { validate } from './schema.ts';
import { PROJECT_CREATE, PROJECT_UPDATE } from './schemas.ts';
import { type Project, rolesOf, type State } from './state.ts';

const KNOWN = [
  'name',
  'domain_id',
  'description',
  'enabled',
  'parent_id',
  'is_domain',
  'tags',
  'options',
  'id',
  'extra',
];

/** As it is shown: what Keystone does not know stands among the rest. */
export const projectView = ({ extra, ...project }: Project) => ({ ...extra, ...project });

/** The attributes that are kept as they came. */
export const extraOf = (given: object, known: readonly string[]): Record<string, unknown> =>
  Object.fromEntries(Object.entries(given).filter(([key]) => !known.includes(key)));

export function projectRoutes(keep: Keep): Routes {
  const { state } = keep;
  const told = (call: Call, project: Project) => ({ project: withLink(call, 'projects', projectView(project)) });
  const one = (call: Call): Project => find(state.projects, param(call, 'project_id'), 'project');

  return {
    'GET /v3/projects': call => {
      permit(call, keep, 'list_projects', isReader);
      const filters = ['domain_id', 'enabled', 'name', 'parent_id', 'is_domain'];
      return listed(call, 'projects', [...state.projects.values()].map(projectView), filters);
    },

    'GET /v3/projects/{project_id}': call => {
      permit(call, keep, 'get_project', rights => {
        return rights.reader || rights.token.project_id === param(call, 'project_id');
      });
      return ok(told(call, one(call)));
    },

    'POST /v3/projects': call => {
      permit(call, keep, 'create_project', isAdmin);
      const sent = given(call, 'project');
      validate(PROJECT_CREATE, sent);
      const fields = sent as Partial<Project> & { name: string };
      const parent = fields.parent_id ? (state.projects.get(fields.parent_id) ?? null) : undefined;
      if (parent === null) throw badRequest(`Could not find project: ${fields.parent_id}.`);
      const domain_id = fields.domain_id ?? parent?.domain_id ?? 'default';
      if (!state.domains.has(domain_id)) throw badRequest(`Could not find domain: ${domain_id}.`);
      const project: Project = {
        ...{ id: keep.newId(), name: fields.name.trim(), domain_id, description: fields.description ?? '' },
        ...{ enabled: fields.enabled ?? true, parent_id: fields.parent_id ?? domain_id, is_domain: false },
        ...{ tags: fields.tags ?? [], options: fields.options ?? {}, extra: extraOf(sent as object, KNOWN) },
      };
      unique(state, project);
      state.projects.set(project.id, project);
      return created(told(call, project));
    },

    'PATCH /v3/projects/{project_id}': call => {
      permit(call, keep, 'update_project', isAdmin);
      const sent = given(call, 'project');
      validate(PROJECT_UPDATE, sent);
      const project = one(call);
      const fields = sent as Partial<Project>;
      if (fields.id !== undefined && fields.id !== project.id) throw badRequest('Cannot change ID');
      const enabledBelow = children(state, project.id).some(each => each.enabled);
      if (fields.enabled === false && enabledBelow) {
        const message = `Cannot disable project ${project.id} since its subtree contains enabled projects.`;
        throw new KeystoneError(403, message);
      }
      const { name, description, enabled, tags, options } = { ...project, ...fields };
      const changed = { ...project, name: name.trim(), description, enabled, tags, options };
      changed.extra = { ...project.extra, ...extraOf(sent as object, KNOWN) };
      unique(state, changed);
      state.projects.set(project.id, changed);
      return ok({ project: withLink(call, 'projects', { ...projectView(changed), ...{ extra: changed.extra } }) });
    },

    'DELETE /v3/projects/{project_id}': call => {
      permit(call, keep, 'delete_project', isAdmin);
      const project = one(call);
      if (children(state, project.id).length > 0) {
        const hint = 'Use the cascade option if you want to delete a whole subtree.';
        const message = `Cannot delete the project ${project.id} since it is not a leaf in the hierarchy. ${hint}`;
        throw new KeystoneError(403, message);
      }
      state.projects.delete(project.id);
      state.grants = state.grants.filter(each => each.project_id !== project.id);
      return noContent;
    },

    'GET /v3/domains': call => {
      permit(call, keep, 'list_domains', isReader);
      return listed(call, 'domains', [...state.domains.values()], ['name', 'enabled']);
    },

    'GET /v3/domains/{domain_id}': call => {
      const id = param(call, 'domain_id');
      permit(call, keep, 'get_domain', rights => {
        return rights.reader || state.projects.get(rights.token.project_id ?? '')?.domain_id === id;
      });
      return ok({ domain: withLink(call, 'domains', find(state.domains, id, 'domain')) });
    },

    'GET /v3/users/{user_id}/projects': call => {
      const id = param(call, 'user_id');
      permit(call, keep, 'list_user_projects', rights => rights.reader || rights.token.user_id === id);
      find(state.users, id, 'user');
      const theirs = [...state.projects.values()].filter(each => rolesOf(state, id, each.id).length > 0);
      return listed(call, 'projects', theirs.map(projectView), ['domain_id', 'enabled', 'name']);
    },
  };
}

const children = (state: State, id: string) => [...state.projects.values()].filter(each => each.parent_id === id);

/** @throws KeystoneError 409 */
function unique(state: State, { id, name, domain_id }: Project): void {
  const clash = [...state.projects.values()].find(
    each => each.name === name && each.domain_id === domain_id && each.id !== id,
  );
  if (clash === undefined) return;
  const rule = 'it is not permitted to have two projects with either the same name or same id in the same domain';
  throw conflict('project', `${rule}: name is ${name}, project id ${id}`);
}
