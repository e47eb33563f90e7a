import { domainId } from './auth-scope.ts';
import type { Keep } from './call.ts';
import { crash, forbidden, lacking, unauthorized } from './errors.ts';
import { isObject } from './schema.ts';
import { isSecret } from './secret.ts';
import type { State, Token, User } from './state.ts';

type Json = Readonly<Record<string, unknown>>;

/** That somebody is who they say. */
export interface Proof {
  readonly userId: string;
  /** By which it was proved. */
  readonly token?: Token;
}

/** @throws KeystoneError 400, 401 */
export function provePassword(state: State, { user: given }: Json): Proof {
  if (!isObject(given)) throw lacking('user', 'None');
  const user = userOf(state, given);
  const password = given['password'];
  if (user?.enabled !== true || user.password === null || typeof password !== 'string') throw unauthorized();
  if (!isSecret(password, user.password)) throw unauthorized();
  return { userId: user.id };
}

/** A user given by id, or by name in a domain. @throws KeystoneError 400, 401 for an unknown domain */
export function userOf(state: State, given: Json): User | undefined {
  const { name, domain } = given;
  if (!name) return state.users.get(String(given['id']));
  if (!isObject(domain)) throw lacking('domain', 'user');
  const domain_id = domainId(state, domain);
  return [...state.users.values()].find(each => each.name === name && each.domain_id === domain_id);
}

/** @throws KeystoneError 403, 404 for a token that is none any more */
export function proveToken({ tokens }: Keep, payload: Json, scope: unknown): Proof {
  const token = tokens.validate(String(payload['id']));
  const narrows = isObject(scope) && (Object.hasOwn(scope, 'project') || Object.hasOwn(scope, 'domain'));
  if (token.system && narrows) {
    throw forbidden('Using a system-scoped token to create a project-scoped or domain-scoped token is not allowed.');
  }
  // Keystone looks for a credential in the request then, and finds none
  if (token.credential_id !== null) throw crash();
  return { userId: token.user_id, token };
}
