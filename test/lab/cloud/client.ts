/** The cloud's API for tests: Neutron over HTTP with the token taken care of, and the real `openstack` client. */
import { clientEnvironment, issueToken, passwordOf, projectOf, type User } from './identity.ts';
import type { Jail } from './jail.ts';
import type { Servers } from './servers.ts';

/** What Neutron answered; `body` is parsed JSON, undefined where there was none. */
export interface Answer {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests reach into whatever Neutron answers
  body: any;
}

/** What a body says. Below Neutron itself (authentication, WSGI) errors are HTML or plain text. */
export function parsed(text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

export class Client {
  readonly #servers: Servers;
  readonly #jail: Jail;
  readonly #signal: AbortSignal;
  readonly #tokens = new Map<User, Promise<string>>();

  constructor(servers: Servers, jail: Jail, signal: AbortSignal) {
    this.#servers = servers;
    this.#jail = jail;
    this.#signal = signal;
  }

  /** A token of the user's that lives for hours. */
  token(user: User = 'demo'): Promise<string> {
    const known = this.#tokens.get(user) ?? issueToken(this.#servers.authUrl, user, this.#signal);
    this.#tokens.set(user, known);
    return known;
  }

  /** A request to Neutron, whatever it answers; `path` begins after /v2.0. */
  async api(
    method: string,
    path: string,
    body?: object,
    { user = 'demo', headers = {} }: { user?: User; headers?: Record<string, string> } = {},
  ): Promise<Answer> {
    const response = await fetch(`${this.#servers.neutronUrl}/v2.0${path}`, {
      method,
      headers: { 'content-type': 'application/json', 'x-auth-token': await this.token(user), ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: this.#signal,
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: parsed(text) };
  }

  /** As api(), returns the body, and throws unless Neutron agreed. */
  async ok(method: string, path: string, body?: object, user: User = 'demo'): Promise<Answer['body']> {
    const answer = await this.api(method, path, body, { user });
    if (answer.status < 300) return answer.body;
    throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
  }

  /** Runs the real client of the tree, and returns what it printed; add `-f json` to have it parsed by yourself. */
  openstack(args: readonly string[], user: User = 'demo'): Promise<string> {
    return this.#jail.run(['openstack', ...args], { env: clientEnvironment(this.#servers.authUrl, user) });
  }

  /** A clouds.yaml whose cloud is called "lab"; JSON is YAML. */
  cloudsYaml(user: User, { authUrl = this.#servers.authUrl }: { authUrl?: string } = {}): string {
    const domain = { user_domain_id: 'default', project_domain_id: 'default' };
    const auth = {
      auth_url: authUrl,
      username: user,
      password: passwordOf(user),
      project_name: projectOf(user),
      ...domain,
    };
    return JSON.stringify(
      { clouds: { lab: { auth, region_name: 'RegionOne', identity_api_version: 3 } } },
      undefined,
      2,
    );
  }
}
