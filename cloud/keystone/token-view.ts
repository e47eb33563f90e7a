import { catalogOf } from './catalog.ts';
import type { State, StoredRule, Token } from './state.ts';
import { isoTime, type Tokens } from './tokens.ts';

/** The body in which a token is told. @param origin where the client found the server; undefined to leave out the catalogue */
export function tokenView(state: State, tokens: Tokens, token: Token, origin: string | undefined): object {
  const named = (entity: { id: string; name: string } | undefined) => ({ id: entity?.id, name: entity?.name });
  const user = state.users.get(token.user_id);
  const project = token.project_id === null ? undefined : state.projects.get(token.project_id);
  const roles = tokens.roles(token).map(named);
  const scope =
    project !== undefined
      ? {
          project: { domain: named(state.domains.get(project.domain_id)), ...named(project) },
          ...{ is_domain: project.is_domain, roles },
        }
      : token.system
        ? { roles, system: { all: true } }
        : undefined;
  const credential = state.credentials.get(token.credential_id ?? '');
  return {
    token: {
      methods: token.methods,
      user: { domain: named(state.domains.get(user?.domain_id ?? '')), ...named(user), password_expires_at: null },
      audit_ids: token.audit_ids,
      expires_at: token.expires_at,
      issued_at: isoTime(token.issued_at),
      ...scope,
      ...(scope === undefined || origin === undefined ? {} : { catalog: catalogOf(state, origin) }),
      ...(credential === undefined
        ? {}
        : {
            application_credential: {
              ...named(credential),
              restricted: credential.unrestricted !== true,
              ...accessRulesOf(state, credential.rule_ids),
            },
          }),
    },
  };
}

/** The rules under their key; nothing where there are none, since none are no restriction. */
export function accessRulesOf(state: State, ids: readonly string[]): { access_rules?: readonly object[] } {
  if (ids.length === 0) return {};
  const rules = ids.map(id => state.rules.get(id)).filter(rule => rule !== undefined);
  return { access_rules: rules.map(ruleView) };
}

export const ruleView = ({ user_id: _, ...rule }: StoredRule) => rule;
