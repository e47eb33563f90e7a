import { rulesFor } from './access-rules.ts';
import {
  type Call,
  created,
  fail,
  find,
  given,
  isAdmin,
  type Keep,
  listed,
  noContent,
  ok,
  param,
  permit,
  withLink,
} from './call.ts';
import { badRequest, badTimestamp, conflict, forbidden, inThePast, KeystoneError } from './errors.ts';
import type { Routes } from './router.ts';
import { validate } from './schema.ts';
import { APPLICATION_CREDENTIAL } from './schemas.ts';
import { hashSecret } from './secret.ts';
import type { ApplicationCredential, State, Token } from './state.ts';
import { accessRulesOf } from './token-view.ts';
import { timeOf } from './tokens.ts';

interface Given {
  name: string;
  description?: string | null;
  secret?: string | null;
  expires_at?: string | null;
  roles?: readonly { id?: string; name?: string }[];
  unrestricted?: boolean;
  access_rules?: readonly Readonly<Record<string, string>>[];
  system?: string | null;
}

/** Whoever sends other attributes meets the table in which Keystone keeps these. */
const COLUMNS = [
  ...['name', 'description', 'secret', 'expires_at', 'roles', 'unrestricted', 'access_rules'],
  ...['id', 'user_id', 'project_id', 'system', 'internal_id', 'secret_hash'],
];

export function applicationCredentialRoutes(keep: Keep): Routes {
  const { state } = keep;
  const list = 'application_credentials';
  const told = (call: Call, credential: ApplicationCredential, secret?: string) => ({
    application_credential: withLink(call, list, credentialView(state, credential, secret)),
  });
  /** The owner is whoever made it; where there is none, whoever the path names. */
  const owns = (call: Call) => (token: Token) => {
    const owner = state.credentials.get(param(call, 'id'))?.user_id ?? param(call, 'user_id');
    return token.user_id === owner;
  };
  const one = (call: Call) => find(state.credentials, param(call, 'id'), 'Application Credential');

  return {
    'GET /v3/users/{user_id}/application_credentials': call => {
      const id = param(call, 'user_id');
      permit(call, keep, 'list_application_credentials', rights => rights.reader || rights.token.user_id === id);
      const theirs = [...state.credentials.values()].filter(each => each.user_id === id);
      return listed(
        call,
        list,
        theirs.map(each => credentialView(state, each)),
        ['name'],
      );
    },

    'POST /v3/users/{user_id}/application_credentials': call => {
      const { token } = permit(call, keep, 'create_application_credential', rights => {
        return rights.token.user_id === param(call, 'user_id');
      });
      const sent = given(call, 'application_credential');
      validate(APPLICATION_CREDENTIAL, sent);
      refuseRestricted(state, token);
      const { credential, secret } = make(keep, token, sent as Given);
      state.credentials.set(credential.id, credential);
      return created(told(call, credential, secret));
    },

    'GET /v3/users/{user_id}/application_credentials/{id}': call => {
      const mine = owns(call);
      permit(call, keep, 'get_application_credential', rights => rights.reader || mine(rights.token));
      return ok(told(call, one(call)));
    },

    'DELETE /v3/users/{user_id}/application_credentials/{id}': call => {
      const mine = owns(call);
      const { token } = permit(call, keep, 'delete_application_credential', rights => {
        return isAdmin(rights) || mine(rights.token);
      });
      refuseRestricted(state, token);
      state.credentials.delete(one(call).id);
      return noContent;
    },
  };
}

/** @param secret shown once, in the answer to the POST */
function credentialView(state: State, credential: ApplicationCredential, secret?: string) {
  const { role_ids, rule_ids, secret: _, ...rest } = credential;
  const roles = role_ids.map(id => state.roles.get(id)).filter(role => role !== undefined);
  return { ...rest, roles, ...accessRulesOf(state, rule_ids), ...(secret === undefined ? {} : { secret }) };
}

/** @throws KeystoneError 403: a credential makes and removes no other, unless it is unrestricted */
function refuseRestricted({ credentials }: State, { credential_id }: Token): void {
  if (credential_id === null || credentials.get(credential_id)?.unrestricted === true) return;
  const action =
    "Using method 'application_credential' is not allowed for managing additional application credentials.";
  throw forbidden(action);
}

function make(keep: Keep, token: Token, given: Given): { credential: ApplicationCredential; secret: string } {
  const { state, newId } = keep;
  const { name, description = null, unrestricted = null, system = null } = given;
  const role_ids = roleIds(keep, token, given.roles ?? []);
  const expires_at = given.expires_at ? expiry(given.expires_at, keep.now()) : null;
  const stray = Object.keys(given).find(key => !COLUMNS.includes(key.replace(/[:-]/g, '_')));
  if (stray !== undefined) {
    throw badRequest(`'${stray}' is an invalid keyword argument for ApplicationCredentialModel`);
  }
  const taken = () => conflict('application_credential', `Duplicate entry found with name ${name}`);
  if ([...state.credentials.values()].some(each => each.user_id === token.user_id && each.name === name)) throw taken();
  const rules = rulesFor(keep, token.user_id, given.access_rules ?? []);
  // a rule that is there twice clashes in the database, and is taken for the name
  if (new Set(rules).size < rules.length) throw taken();
  for (const rule of rules) state.rules.set(rule.id, rule);
  const rule_ids = rules.map(each => each.id);
  const secret = given.secret || randomSecret(newId);
  const place = { user_id: token.user_id, project_id: token.project_id, system };
  const credential = {
    ...{ id: newId(), name, description, ...place, expires_at, unrestricted, role_ids, rule_ids },
    secret: hashSecret(secret, newId()),
  };
  return { credential, secret };
}

/** Those of the token, or some of them. @throws KeystoneError 400, 404 */
function roleIds({ state, tokens }: Keep, token: Token, given: Given['roles'] & object): readonly string[] {
  const own = tokens.roles(token).map(each => each.id);
  if (given.length === 0) return own;
  const named = (name = '') =>
    [...state.roles.values()].find(each => each.name === name)?.id ??
    fail(new KeystoneError(404, `Role ${name} is not defined`));
  const ids = given.map(each => each.id ?? named(each.name));
  if (ids.every(id => own.includes(id))) return ids;
  throw badRequest('Invalid application credential: Cannot create an application credential with unassigned role');
}

/** `2031-01-01T00:00:00`, with or without fraction and Z, as it is kept. @throws KeystoneError 400 */
function expiry(text: string, now: number): string {
  const [, time, fraction = ''] = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?Z?$/.exec(text) ?? [];
  if (time === undefined || Number.isNaN(Date.parse(`${time}Z`))) throw badTimestamp();
  const kept = `${time}.${fraction.padEnd(6, '0')}`;
  if (timeOf(kept) < now) throw inThePast();
  return kept;
}

/** 64 bytes. */
const randomSecret = (newId: () => string): string =>
  Buffer.from(Array.from({ length: 4 }, newId).join(''), 'hex').toString('base64url');
