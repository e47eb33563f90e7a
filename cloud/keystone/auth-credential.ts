import { type Proof, userOf } from './auth-methods.ts';
import type { Keep } from './call.ts';
import { crash, lacking, notFound, unauthorized } from './errors.ts';
import { isObject } from './schema.ts';
import { isSecret } from './secret.ts';
import type { ApplicationCredential, State } from './state.ts';
import { timeOf } from './tokens.ts';

/**
 * The application credential that is meant: by id, or by name and user.
 * @param auth the request's `auth`, which must not ask for a scope: the credential has one
 * @throws KeystoneError 400, 401, 404
 */
export function credentialOf(state: State, payload: unknown, auth: unknown): ApplicationCredential {
  if (isObject(auth) && Object.hasOwn(auth, 'scope')) {
    const reason = 'Application credentials cannot request a scope.';
    throw unauthorized(`Error authenticating with application credential: ${reason}`, { identity: {} });
  }
  if (!isObject(payload)) throw crash();
  const { id, name, user } = payload;
  if (id) {
    const found = state.credentials.get(String(id));
    if (found === undefined) throw notFound('Application Credential', String(id));
    return found;
  }
  if (!name) throw lacking('name or ID', 'application credential');
  if (!isObject(user) || Object.keys(user).length === 0) throw lacking('user', 'application credential');
  const owner = userOf(state, user['id'] ? { id: user['id'] } : user);
  if (owner === undefined && !user['id']) throw notFound('user', String(user['name']));
  const found = [...state.credentials.values()].find(each => each.user_id === owner?.id && each.name === name);
  if (found === undefined) throw unauthorized();
  return found;
}

/** @throws KeystoneError 400, 401 */
export function proveCredential({ state, now }: Keep, credential: ApplicationCredential, payload: unknown): Proof {
  const secret = isObject(payload) ? payload['secret'] : undefined;
  if (secret === undefined || secret === null) throw unauthorized();
  if (typeof secret !== 'string') throw lacking('string', 'password');
  const user = state.users.get(credential.user_id);
  if (user?.enabled !== true || !isSecret(secret, credential.secret)) throw unauthorized();
  if (credential.expires_at !== null && now() >= timeOf(credential.expires_at)) throw unauthorized();
  return { userId: credential.user_id };
}
