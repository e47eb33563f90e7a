/** A cloud under test: where it is, how to ask it, and what was asked of it. */
import { type Answer, parsed } from '../lab/cloud/client.ts';
import { issueToken, type User } from '../lab/cloud/identity.ts';
import { signature } from '../lab/cloud/seen.ts';

export interface Endpoints {
  /** "the real Keystone and Neutron" */
  readonly name: string;
  /** Ends in /v3. */
  readonly authUrl: string;
  /** Without /v2.0. */
  readonly neutronUrl: string;
}

export interface TargetOptions extends Endpoints {
  /** Whether cases take away what they made: a real Neutron needs as long for that as to make it, and then goes away as a whole. */
  readonly tidy: boolean;
}

export interface Asking {
  /** Whose token is sent; none: no token. */
  readonly user?: User | 'none';
  readonly headers?: Readonly<Record<string, string>>;
}

/** One that is sent as it is instead of being written as JSON. */
export class RawBody {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export class Target implements Endpoints {
  readonly name: string;
  readonly authUrl: string;
  readonly neutronUrl: string;
  readonly tidy: boolean;
  /** The signature of each answer so far. */
  readonly signatures = new Set<string>();
  readonly #signal: AbortSignal;
  readonly #tokens = new Map<User, Promise<string>>();

  constructor({ name, authUrl, neutronUrl, tidy }: TargetOptions, signal: AbortSignal) {
    this.name = name;
    this.authUrl = authUrl;
    this.neutronUrl = neutronUrl;
    this.tidy = tidy;
    this.#signal = signal;
  }

  /** A token of the user's that no case revokes. */
  token(user: User): Promise<string> {
    const known = this.#tokens.get(user) ?? issueToken(this.authUrl, user, this.#signal);
    this.#tokens.set(user, known);
    return known;
  }

  /** A request to Neutron, whatever it answers; `path` begins after /v2.0, or with `//` at Neutron's root. */
  async api(method: string, path: string, body?: unknown, { user = 'demo', headers }: Asking = {}): Promise<Answer> {
    const url = path.startsWith('//') ? `${this.neutronUrl}${path.slice(1)}` : `${this.neutronUrl}/v2.0${path}`;
    const token = user === 'none' ? {} : { 'x-auth-token': await this.token(user) };
    return this.#send(method, url, body, { ...token, ...headers });
  }

  /** A request to Keystone, whatever it answers; `path` begins after /v3, or with `//` at Keystone's root. */
  async keystone(
    method: string,
    path: string,
    body?: unknown,
    { user = 'none', headers }: Asking = {},
  ): Promise<Answer> {
    const root = this.authUrl.replace(/\/v3$/, '');
    const url = path.startsWith('//') ? `${root}${path.slice(1)}` : `${root}/v3${path}`;
    const token = user === 'none' ? {} : { 'x-auth-token': await this.token(user) };
    return this.#send(method, url, body, { ...token, ...headers });
  }

  async #send(method: string, url: string, body: unknown, headers: Record<string, string>): Promise<Answer> {
    const response = await fetch(url, {
      method,
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: body instanceof RawBody ? body.text : JSON.stringify(body) }),
      redirect: 'manual',
      signal: this.#signal,
    });
    const text = await response.text();
    const answer: Answer = { status: response.status, headers: response.headers, body: parsed(text) };
    const { pathname, search } = new URL(url);
    this.signatures.add(signature(method, this.#standard(pathname), search, answer.status, answer.body));
    return answer;
  }

  /** As the lab's catalogue has it: Keystone below /v3, Neutron below /v2.0. */
  #standard(pathname: string): string {
    const mounts = [this.authUrl.replace(/\/v3$/, ''), this.neutronUrl].map(url => new URL(url).pathname);
    const mount = mounts.find(path => path !== '/' && pathname.startsWith(path));
    return mount === undefined ? pathname : pathname.slice(mount.length);
  }
}
