import type { AccessRule, Caller } from '../wire.ts';
import { find, type Keep, listed, noContent, ok, param, permit, withLink } from './call.ts';
import { crash, KeystoneError, tooLong } from './errors.ts';
import type { Routes } from './router.ts';
import type { StoredRule } from './state.ts';
import { ruleView } from './token-view.ts';

/**
 * Whether the access rules of the caller's application credential allow the call; without rules all is allowed.
 * A service that is told no answers **401**, with the body and `WWW-Authenticate` of a missing token: keystonemiddleware
 * judges it while it looks at the token, where a refusal is an invalid token.
 * @param service its type: `network`
 * @param path as the service sees it, without query: `/v2.0/ports/6f…`
 */
export function mayCall(caller: Caller, service: string, method: string, path: string): boolean {
  const rules: readonly AccessRule[] | undefined = caller.accessRules;
  if (rules === undefined) return true;
  return rules.some(rule => rule.service === service && rule.method === method && matches(rule.path, path));
}

/** `*` and `{name}` stand for one segment or a part of it, `**` for all that follows; in time linear in both. */
function matches(pattern: string, path: string): boolean {
  const parts = pattern.match(/\{[^}]*\}|\*\*|\*|[^*{}]+/g) ?? [];
  // where in the path the parts so far can end
  let ends = Array.from({ length: path.length + 1 }, (_, at) => at === 0);
  for (const part of parts) {
    const next: boolean[] = [];
    for (let at = 0; at <= path.length; at++) {
      if (part === '**') next[at] = ends[at] === true || next[at - 1] === true;
      else if (part === '*' || part.startsWith('{')) {
        next[at] = at > 0 && path[at - 1] !== '/' && (ends[at - 1] === true || next[at - 1] === true);
      } else next[at] = ends[at - part.length] === true && path.startsWith(part, at - part.length);
    }
    ends = next;
  }
  return ends[path.length] === true;
}

const PATH_LENGTH = 128;

/**
 * The rules of a new credential: those that the user has, and new ones where there is none like it; nothing is kept yet.
 * @throws KeystoneError 400; 500 for a rule that is not whole, as Keystone fails on it
 */
export function rulesFor(
  { state, newId }: Keep,
  userId: string,
  given: readonly Readonly<Record<string, string>>[],
): readonly StoredRule[] {
  const rules: StoredRule[] = [];
  for (const { id, service, path, method } of given) {
    const like = (rule: StoredRule) =>
      rule.user_id === userId && rule.service === service && rule.path === path && rule.method === method;
    const known = state.rules.get(id ?? '') ?? [...state.rules.values(), ...rules].find(like);
    if (known !== undefined) {
      rules.push(known);
      continue;
    }
    if (service === undefined || path === undefined || method === undefined) throw crash();
    if (path.length > PATH_LENGTH) throw tooLong(path, 'path', PATH_LENGTH);
    rules.push({ id: id ?? newId(), user_id: userId, service, path, method });
  }
  return rules;
}

export function accessRuleRoutes(keep: Keep): Routes {
  const { state } = keep;
  const list = 'access_rules';
  return {
    'GET /v3/users/{user_id}/access_rules': call => {
      const id = param(call, 'user_id');
      permit(
        call,
        keep,
        'list_access_rules',
        ({ token, has }) => token.user_id === id || (token.system && has('reader')),
      );
      const theirs = [...state.rules.values()].filter(each => each.user_id === id);
      return listed(call, list, theirs.map(ruleView), ['service', 'path', 'method']);
    },

    // Only the path's user is judged: a rule's id is enough to see and to remove it from one's own path.
    'GET /v3/users/{user_id}/access_rules/{id}': call => {
      const id = param(call, 'user_id');
      permit(
        call,
        keep,
        'get_access_rule',
        ({ token, has }) => token.user_id === id || (token.system && has('reader')),
      );
      const rule = find(state.rules, param(call, 'id'), 'Access Rule');
      return ok({ access_rule: withLink(call, list, ruleView(rule)) });
    },

    'DELETE /v3/users/{user_id}/access_rules/{id}': call => {
      const id = param(call, 'user_id');
      permit(
        call,
        keep,
        'delete_access_rule',
        ({ token, has }) => token.user_id === id || (token.system && has('admin')),
      );
      const rule = find(state.rules, param(call, 'id'), 'Access Rule');
      if ([...state.credentials.values()].some(each => each.rule_ids.includes(rule.id))) {
        throw new KeystoneError(403, 'May not delete access rule in use');
      }
      state.rules.delete(rule.id);
      return noContent;
    },
  };
}
