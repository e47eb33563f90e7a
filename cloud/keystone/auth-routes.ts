import type { Reply } from '../wire.ts';
import { issueToken } from './auth.ts';
import { authenticated, type Call, flag, type Keep, listed, noContent, ok, permit, projectsOf, query } from './call.ts';
import { catalogOf } from './catalog.ts';
import { forbidden, KeystoneError } from './errors.ts';
import { projectView } from './projects.ts';
import type { Routes } from './router.ts';
import { rolesOf, type Token } from './state.ts';
import { tokenView } from './token-view.ts';

export function authRoutes(keep: Keep): Routes {
  const { state, tokens } = keep;

  const told = (call: Call, status: number, id: string, token: Token): Reply => {
    const origin = query(call, 'nocatalog') === undefined ? call.request.origin : undefined;
    return { status, headers: { 'x-subject-token': id }, body: tokenView(state, tokens, token, origin) };
  };

  /** Judged before it is seen whether the caller may know: garbage is 404 to everybody. */
  const subject = (call: Call): { id: string; token: Token } | undefined => {
    authenticated(call);
    const id = call.request.headers['x-subject-token'];
    if (id === undefined) return undefined;
    const supported = Number(call.request.headers['openstack-identity-access-rules'] ?? 0) >= 1;
    return {
      id,
      token: tokens.ofSubject(id, query(call, 'allow_expired') !== undefined && flag(call, 'allow_expired'), supported),
    };
  };

  const noSubject = () => new KeystoneError(404, 'No token in the request');

  return {
    'POST /v3/auth/tokens': call => {
      const { id, token } = issueToken(keep, call.body['auth']);
      return told(call, 201, id, token);
    },

    'GET /v3/auth/tokens': call => {
      const about = subject(call);
      const head = call.request.method === 'HEAD';
      const owns = (caller: Token) => caller.user_id === about?.token.user_id;
      permit(call, keep, head ? 'check_token' : 'validate_token', rights => {
        return rights.reader || owns(rights.token) || (!head && rights.has('service'));
      });
      if (about === undefined) throw noSubject();
      return told(call, 200, about.id, about.token);
    },

    'DELETE /v3/auth/tokens': call => {
      const about = subject(call);
      permit(call, keep, 'revoke_token', rights => rights.admin || rights.token.user_id === about?.token.user_id);
      if (about === undefined) throw noSubject();
      // it does not tell itself that it understands access rules, so a token with such rules cannot be revoked
      tokens.ofSubject(about.id, false, false).revoked = true;
      return noContent;
    },

    'GET /v3/auth/catalog': call => {
      if (authenticated(call).project_id === null) throw forbidden();
      return ok({ catalog: catalogOf(state, call.request.origin), links: { self: `${call.base}/auth/catalog` } });
    },

    'GET /v3/auth/projects': call => {
      const mine = projectsOf(state, authenticated(call).user_id);
      return listed(call, 'projects', mine.map(projectView));
    },

    'GET /v3/auth/domains': call => {
      authenticated(call);
      return listed(call, 'domains', []);
    },

    'GET /v3/auth/system': call => {
      const granted = rolesOf(state, authenticated(call).user_id, null).length > 0;
      return ok({ system: granted ? [{ all: true }] : [], links: { self: `${call.base}/auth/system` } });
    },
  };
}
