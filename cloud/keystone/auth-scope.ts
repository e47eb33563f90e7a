import { badRequest, lacking, unauthorized } from './errors.ts';
import { isObject } from './schema.ts';
import type { State } from './state.ts';

/** What a token is asked for; `default` where nothing was said. */
export type Scope =
  | { readonly kind: 'default' | 'unscoped' | 'system' }
  | { readonly kind: 'project'; readonly projectId: string | null };

const KINDS = ['project', 'domain', 'unscoped', 'system', 'OS-TRUST:trust'];

/** @throws KeystoneError 400 where it is not understood, 401 where it is not there */
export function scopeOf(state: State, scope: unknown): Scope {
  if (scope === undefined) return { kind: 'default' };
  // in a text, as "unscoped" is one, any part of it counts
  const has = (kind: string) =>
    typeof scope === 'string' ? scope.includes(kind) : isObject(scope) && Object.hasOwn(scope, kind);
  if (KINDS.filter(has).length !== 1) throw lacking('system, project, domain, OS-TRUST:trust or unscoped', 'scope');
  if (has('system')) return { kind: 'system' };
  if (has('unscoped')) return { kind: 'unscoped' };
  if (!isObject(scope)) throw badRequest("string indices must be integers, not 'str'");
  const project = scope['project'];
  if (isObject(project)) return { kind: 'project', projectId: projectId(state, project) };
  const domain = scope['domain'];
  if (isObject(domain)) domainId(state, domain);
  else if (!idIn(scope['OS-TRUST:trust'])) throw lacking('trust_id', 'trust');
  // nobody has a role on a domain here, and there are no trusts
  throw unauthorized();
}

const idIn = (value: unknown): boolean => isObject(value) && Boolean(value['id']);

/** The id of a domain given by id or name. @throws KeystoneError 401 */
export function domainId(state: State, domain: Readonly<Record<string, unknown>>): string {
  const found = domain['name']
    ? [...state.domains.values()].find(each => each.name === domain['name'])
    : state.domains.get(String(domain['id']));
  if (found?.enabled !== true) throw unauthorized();
  return found.id;
}

function projectId(state: State, project: Readonly<Record<string, unknown>>): string {
  const { name, domain } = project;
  if (name && domain === undefined) throw lacking('domain', 'project');
  const domain_id = name && isObject(domain) ? domainId(state, domain) : undefined;
  const found = name
    ? [...state.projects.values()].find(each => each.name === name && each.domain_id === domain_id)
    : state.projects.get(String(project['id']));
  if (found?.enabled !== true) throw unauthorized();
  return found.id;
}
