/** POST /v3/auth/tokens: who asks, for what, and the token that they get. */
import { credentialOf, proveCredential } from './auth-credential.ts';
import { type Proof, provePassword, proveToken } from './auth-methods.ts';
import { type Scope, scopeOf } from './auth-scope.ts';
import type { Keep } from './call.ts';
import { badRequest, lacking, unauthorized } from './errors.ts';
import { isObject, validate } from './schema.ts';
import { TOKEN_ISSUE } from './schemas.ts';
import { rolesOf, type Token } from './state.ts';

/** What the lab's Keystone has switched on; only password, token and application_credential work here. */
const METHODS = ['external', 'password', 'token', 'oauth1', 'mapped', 'application_credential'];

type Json = Readonly<Record<string, unknown>>;

/** @throws KeystoneError */
export function issueToken(keep: Keep, auth: unknown): { id: string; token: Token } {
  if (auth === undefined || auth === null) throw lacking('auth', 'request body');
  validate(TOKEN_ISSUE, auth);
  const { identity, scope: asked } = auth as { identity: Json; scope?: unknown };
  checkNames(identity, asked);
  const methods = [...new Set(identity['methods'] as string[])];
  for (const method of methods) if (!Object.hasOwn(identity, method)) throw lacking(method, 'identity');
  if (!methods.every(method => METHODS.includes(method))) {
    throw unauthorized('Attempted to authenticate with an unsupported method.', { identity: { methods: METHODS } });
  }

  const byCredential = methods.includes('application_credential');
  const credential = byCredential ? credentialOf(keep.state, identity['application_credential'], auth) : undefined;
  const scope: Scope =
    credential === undefined ? scopeOf(keep.state, asked) : { kind: 'project', projectId: credential.project_id };

  const proofs = methods.map((method): Proof => {
    const payload = identity[method] as Json;
    if (method === 'password') return provePassword(keep.state, payload);
    if (method === 'token') return proveToken(keep, payload, asked);
    if (credential !== undefined && method === 'application_credential') {
      return proveCredential(keep, credential, payload);
    }
    throw unauthorized();
  });
  const [first] = proofs;
  if (first === undefined || proofs.some(each => each.userId !== first.userId)) throw unauthorized();
  const from = proofs.find(each => each.token !== undefined)?.token;
  return keep.tokens.issue({
    userId: first.userId,
    methods: [...new Set([...methods, ...(from?.methods ?? [])])].sort(),
    projectId: projectFor(keep, scope, first.userId),
    system: scope.kind === 'system',
    credentialId: credential?.id ?? null,
    from: from && { expires_at: from.expires_at, auditId: from.audit_ids.at(-1) },
  });
}

/** Where nothing is asked for, the user's own project, if it is there and gives a role. */
function projectFor({ state }: Keep, scope: Scope, userId: string): string | null {
  if (scope.kind !== 'default') return scope.kind === 'project' ? scope.projectId : null;
  const id = state.users.get(userId)?.default_project_id ?? null;
  const project = id === null ? undefined : state.projects.get(id);
  return project?.enabled === true && rolesOf(state, userId, project.id).length > 0 ? project.id : null;
}

/** What the schema leaves open. @throws KeystoneError 400 */
function checkNames(identity: Json, scope: unknown): void {
  const check = (value: unknown, field: string) => {
    if (!isObject(value) || Object.hasOwn(value, 'id') || Object.hasOwn(value, 'name')) return;
    throw badRequest(`Invalid input for field ${field}: id or name must be present.`);
  };
  const inside = (value: unknown, key: string): unknown => (isObject(value) ? value[key] : undefined);
  const user = inside(identity['password'], 'user');
  check(user, 'identity/password/user');
  check(inside(user, 'domain'), 'identity/password/user/domain');
  const project = inside(scope, 'project');
  check(project, 'scope/project');
  check(inside(project, 'domain'), 'scope/project/domain');
  check(inside(scope, 'domain'), 'scope/domain');
}
