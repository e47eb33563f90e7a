/** A Keystone of its own for a test, its clock in the test's hand, and the requests that tests make of it. */
import assert from 'node:assert/strict';
import type { Reply, Request } from '../wire.ts';
import { Keystone } from './keystone.ts';

export const ORIGIN = 'http://cloud.example:5000';
const LIFE_MS = 60_000;

/** An answer whose body can be reached into; fails the test where what is reached for is not there. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** What stands at `project.id`, or at `roles.0.name`. */
  at(path: string): unknown;
  text(path: string): string;
  /** Of an error. */
  readonly message: string;
}

export interface Sent {
  readonly token?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly malformed?: boolean;
}

export class KeystoneBench {
  now = Date.parse('2030-01-01T00:00:00.250Z');
  /** How often the Keystone said that it changed. */
  changes = 0;
  keystone: Keystone;
  #ids = 0;

  constructor(state?: unknown) {
    this.keystone = new Keystone({
      now: () => this.now,
      newId: () => (++this.#ids + 0x1000).toString(16).padStart(32, state === undefined ? '0' : 'f'),
      tokenMs: LIFE_MS,
      onChange: () => this.changes++,
      ...(state === undefined ? {} : { state }),
    });
  }

  /** `path` with its query, below the mount point. */
  ask(method: string, path: string, { token, body, headers = {}, malformed = false }: Sent = {}): Answer {
    const url = new URL(path, ORIGIN);
    const request: Request = {
      ...{ method, path: path.split('?')[0] ?? '', query: [...url.searchParams], body, malformed, origin: ORIGIN },
      headers: { ...headers, ...(token === undefined ? {} : { 'x-auth-token': token }) },
    };
    return answer(this.keystone.handle(request));
  }

  /** POST /v3/auth/tokens. */
  authenticate(identity: object, scope?: unknown): Answer {
    const auth = { identity, ...(scope === undefined ? {} : { scope }) };
    return this.ask('POST', '/v3/auth/tokens', { body: { auth } });
  }

  /** A token by password; for the user's default project unless a scope is given. */
  login(name: string, scope?: unknown, password = `${name}pw`): string {
    const made = this.authenticate(passwordOf(name, password), scope);
    assert.equal(made.status, 201, made.message);
    return made.headers['x-subject-token'] ?? '';
  }

  admin(): string {
    return this.login('admin', { project: { name: 'admin', domain: { id: 'default' } } });
  }

  /** What a token says of itself. */
  show(token: string): Answer {
    return this.ask('GET', '/v3/auth/tokens', { token, headers: { 'x-subject-token': token } });
  }

  userId(token: string): string {
    return this.show(token).text('token.user.id');
  }

  /** An application credential of the token's user. */
  credential(token: string, fields: object): Answer {
    const path = `/v3/users/${this.userId(token)}/application_credentials`;
    return this.ask('POST', path, { token, body: { application_credential: fields } });
  }

  /** A new project with a new user in it, and a token for it. */
  tenant(name: string, ...roles: string[]): { userId: string; projectId: string; grants: string; token: string } {
    const token = this.admin();
    const projectId = this.ask('POST', '/v3/projects', { token, body: { project: { name } } }).text('project.id');
    const user = { name, password: `${name}pw`, default_project_id: projectId };
    const userId = this.ask('POST', '/v3/users', { token, body: { user } }).text('user.id');
    const grants = `/v3/projects/${projectId}/users/${userId}/roles`;
    for (const role of roles) this.ask('PUT', `${grants}/${this.roleId(role)}`, { token });
    return { userId, projectId, grants, token: this.login(name) };
  }

  roleId(name: string): string {
    return this.ask('GET', `/v3/roles?name=${name}`, { token: this.admin() }).text('roles.0.id');
  }
}

const passwordOf = (name: string, password: string) => byPassword({ name, domain: { id: 'default' }, password });

export const byPassword = (user: object) => ({ methods: ['password'], password: { user } });
export const byToken = (id: string) => ({ methods: ['token'], token: { id } });
export const byCredential = (credential: object) => ({
  methods: ['application_credential'],
  application_credential: credential,
});

function answer({ status, headers = {}, body }: Reply): Answer {
  const at = (path: string): unknown =>
    path.split('.').reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], body);
  const text = (path: string): string => {
    const value = at(path);
    assert.ok(typeof value === 'string', `no text at ${path}: ${status} ${JSON.stringify(body)}`);
    return value;
  };
  return { status, headers, at, text, message: String(at('error.message') ?? '') };
}
