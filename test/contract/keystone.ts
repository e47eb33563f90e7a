/** Bodies of requests to Keystone, and how its refusals are read. */
import assert from 'node:assert/strict';
import type { Answer } from '../lab/cloud/client.ts';
import { passwordOf, projectOf, type User } from '../lab/cloud/identity.ts';
import type { Target } from './target.ts';
import type { Trial } from './trial.ts';

type Body = Answer['body'];

export const DOMAIN = { id: 'default' };

/** By password, with or without a scope. */
export const byPassword = (user: User, scope?: unknown, password = passwordOf(user)) => ({
  auth: {
    identity: { methods: ['password'], password: { user: { name: user, domain: DOMAIN, password } } },
    ...(scope === undefined ? {} : { scope }),
  },
});

export const projectScope = (user: User) => ({ project: { name: projectOf(user), domain: DOMAIN } });

export const byCredential = (application_credential: object, scope?: unknown) => ({
  auth: {
    identity: { methods: ['application_credential'], application_credential },
    ...(scope === undefined ? {} : { scope }),
  },
});

export const byToken = (id: string, scope?: unknown) => ({
  auth: { identity: { methods: ['token'], token: { id } }, ...(scope === undefined ? {} : { scope }) },
});

/** A token that the body asks for, and what it says of itself. */
export async function issued(target: Target, body: object): Promise<{ id: string; token: Body }> {
  const answer = await target.keystone('POST', '/auth/tokens', body);
  assert.equal(answer.status, 201, JSON.stringify(answer.body));
  return { id: answer.headers.get('x-subject-token') ?? '', token: answer.body.token };
}

export const subject = (auth: string, token: string) => ({
  headers: { 'x-auth-token': auth, 'x-subject-token': token },
});

/** Asserts a refusal of Keystone's, to the letter. */
export function denied({ status, headers, body }: Answer, code: number, title: string, message: string): void {
  assert.deepEqual({ status, body }, { status: code, body: { error: { code, message, title } } });
  assert.match(headers.get('content-type') ?? '', /^application\/json/);
}

export const unauthorized = (answer: Answer): void =>
  denied(answer, 401, 'Unauthorized', 'The request you have made requires authentication.');

export const MALFORMED =
  'The server could not comply with the request since it is either malformed or otherwise incorrect. The client is assumed to be in error.';

/** A user of the cloud who asks about itself, with a token of its own. */
export interface Self {
  readonly id: string;
  readonly token: string;
  readonly projectId: string;
}

export async function self(t: Trial, user: User = 'demo'): Promise<Self> {
  const { id, token } = await issued(t.target, byPassword(user, projectScope(user)));
  return { id: token.user.id, token: id, projectId: token.project.id };
}

let credentials = 0;

/** Makes an application credential of a name of its own, and deletes it when the case ends. */
export async function credential(t: Trial, { id, token }: Self, fields: object = {}): Promise<Body> {
  const path = `/users/${id}/application_credentials`;
  const headers = { 'x-auth-token': token };
  const body = { application_credential: { name: `contract-${++credentials}`, ...fields } };
  const answer = await t.target.keystone('POST', path, body, { headers });
  assert.equal(answer.status, 201, JSON.stringify(answer.body));
  const made = answer.body.application_credential;
  t.defer(() => t.target.keystone('DELETE', `${path}/${made.id}`, undefined, { headers }));
  return made;
}
