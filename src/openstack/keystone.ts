import * as v from 'valibot';
import { isKuryrError, KuryrError } from '../errors/kuryr-error.ts';
import type { AccessRule } from './access-rules.ts';
import { readAnswer, readRefusal } from './answer.ts';
import { type Caller, requestId } from './caller.ts';
import { identityUrl, networkEndpoint, networkUrl } from './catalogue.ts';
import type { CloudAuth, CloudConfig } from './cloud-config.ts';
import { abortable, type Deadline, withDeadline } from './deadline.ts';
import { type HttpAnswer, type HttpRequest, TransportError } from './http.ts';
import { tidy } from './refusal.ts';
import { type Repeating, repeat, retryAfter } from './repeat.ts';
import { Secret } from './secret.ts';
import { unreachable } from './unreachable.ts';

/** A token and what came with it. */
export interface Authorization {
  readonly token: Secret;
  /** Neutron's API, ending in `/v2.0`. */
  readonly endpoint: string;
  readonly projectId: string | undefined;
  readonly userId: string | undefined;
  /** Names of the roles that the token carries. */
  readonly roles: readonly string[];
  /** What its application credential may call; undefined where that is not limited. */
  readonly rules: readonly AccessRule[] | undefined;
  /** As Keystone wrote it. */
  readonly expires: string;
  /** On the clock that never steps. */
  readonly renewAt: number;
  readonly endsAt: number;
}

const LONGEST_MARGIN_MS = 60_000;

const ruleSchema = v.object({ service: v.string(), method: v.string(), path: v.string() });

const tokenSchema = v.object({
  token: v.object({
    expires_at: v.pipe(v.string(), v.isoTimestamp()),
    issued_at: v.pipe(v.string(), v.isoTimestamp()),
    project: v.optional(v.object({ id: v.string() })),
    user: v.optional(v.object({ id: v.string() })),
    roles: v.optional(v.array(v.object({ name: v.string() })), []),
    application_credential: v.optional(v.object({ access_rules: v.optional(v.array(ruleSchema)) })),
    catalog: v.optional(
      v.array(
        v.object({
          type: v.string(),
          endpoints: v.array(
            v.object({
              interface: v.string(),
              region: v.nullish(v.string()),
              region_id: v.nullish(v.string()),
              url: v.pipe(v.string(), v.url()),
            }),
          ),
        }),
      ),
      [],
    ),
  }),
});

/** A session with Keystone v3: one token for all, renewed before it expires, by one request at a time. */
export class Keystone {
  readonly #config: CloudConfig;
  readonly #caller: Caller;
  readonly #repeating: Repeating;
  readonly #deadlineMs: number;
  readonly #closed = new AbortController();
  #current: Authorization | undefined;
  #renewal: Promise<Authorization> | undefined;
  #project: string | undefined;
  /** When a token that was given to us ends: it cannot be renewed. */
  #givenTokenEnds: string | undefined;

  constructor(config: CloudConfig, caller: Caller, repeating: Repeating, deadlineMs: number) {
    this.#config = config;
    this.#caller = caller;
    this.#repeating = repeating;
    this.#deadlineMs = deadlineMs;
  }

  /**
   * A token that is good for a while, and the endpoint.
   * @throws KEYSTONE_UNAUTHORIZED, KEYSTONE_TOKEN_EXPIRED, KEYSTONE_REFUSED, KEYSTONE_NO_ENDPOINT, CLOUD_UNREACHABLE,
   *   CLOUD_TIMEOUT, CLOUD_BAD_ANSWER
   */
  async authorization(signal: AbortSignal): Promise<Authorization> {
    signal.throwIfAborted();
    const old = this.#current;
    if (old !== undefined && this.#now() < old.renewAt) return old;
    this.#renewal ??= this.#renew().finally(() => {
      this.#renewal = undefined;
    });
    try {
      return await abortable(this.#renewal, signal);
    } catch (error) {
      const refused = isKuryrError(error, 'KEYSTONE_UNAUTHORIZED') || signal.aborted;
      // Keystone may be away for a moment while the token still serves.
      if (old !== undefined && old === this.#current && !refused && this.#now() < old.endsAt) return old;
      throw error;
    }
  }

  /** The project of the last token, also of one that has ended; undefined before the first. */
  get project(): string | undefined {
    return this.#project;
  }

  /** Where tokens are asked for. */
  get url(): string {
    return `${identityUrl(this.#config.authUrl)}/auth/tokens`;
  }

  /** Whether its token has ended by itself. */
  hasEnded(authorization: Authorization): boolean {
    return this.#now() >= authorization.endsAt;
  }

  /** Neutron answered 401 to it: the next call gets another one. */
  reject(authorization: Authorization): void {
    if (this.#current === authorization) this.#current = undefined;
  }

  /** Ends a renewal under way. */
  close(): void {
    this.#closed.abort(new Error('the session with Keystone is closed'));
  }

  #now(): number {
    return this.#repeating.clock.monotonic();
  }

  async #renew(): Promise<Authorization> {
    const { auth } = this.#config;
    const request = tokenRequest(this.#config);
    this.#current = await withDeadline(this.#repeating.clock, this.#deadlineMs, this.#closed.signal, async deadline => {
      if (auth.kind === 'token' && this.#current !== undefined && this.#now() >= this.#current.endsAt) {
        throw this.#expired();
      }
      try {
        const attempt = () => this.#attempt(request, deadline);
        return await repeat(this.#repeating, deadline, attempt, error => passing(error));
      } catch (error) {
        throw explain(error, request, deadline, this.#deadlineMs / 1000);
      }
    });
    this.#project = this.#current.projectId;
    return this.#current;
  }

  async #attempt(request: HttpRequest, deadline: Deadline): Promise<Authorization> {
    const start = this.#now();
    const answer = await this.#caller.send(request, '/auth/tokens', deadline.signal);
    if (answer.status >= 400) throw this.#refusal(answer);
    const { token } = readAnswer(tokenSchema, answer, request);
    const { auth, region, interfaces, networkEndpoint: override } = this.#config;
    const id = answer.headers['x-subject-token'];
    if (id === undefined || id === '') throw noToken(request, answer);
    const expires = Date.parse(token.expires_at);
    // A token read back was issued long ago: there the server's clock counts. Ours is never compared with it.
    const now = request.method === 'GET' ? Date.parse(answer.headers['date'] ?? '') : Number.NaN;
    const lifetime = Math.max(0, expires - (Number.isNaN(now) ? Date.parse(token.issued_at) : now));
    // A given token is used to its end, others renewed a minute before, or a fifth of a short life.
    const margin = auth.kind === 'token' ? 0 : Math.min(LONGEST_MARGIN_MS, lifetime / 5);
    if (auth.kind === 'token') this.#givenTokenEnds = token.expires_at;
    return {
      token: new Secret(id),
      endpoint: override === undefined ? networkEndpoint(token.catalog, region, interfaces) : networkUrl(override),
      projectId: token.project?.id,
      userId: token.user?.id,
      roles: token.roles.map(({ name }) => name),
      rules: token.application_credential?.access_rules,
      expires: token.expires_at,
      renewAt: start + lifetime - margin,
      endsAt: start + lifetime,
    };
  }

  #refusal(answer: HttpAnswer): KuryrError {
    const { authUrl, auth, source } = this.#config;
    const { status } = answer;
    const message = tidy(readRefusal(answer, [secretOf(auth).reveal()]).message);
    // Of a token that has ended Keystone says 404 "Failed to validate token", of an application credential that was deleted
    // 404 "Could not find Application Credential"; a wrong address says 404 otherwise.
    const named = { token: /\btoken\b/i, 'application credential': /\bapplication credential\b/i, password: undefined };
    const refused = status === 401 || (status === 404 && named[auth.kind]?.test(message) === true);
    if (refused && this.#givenTokenEnds !== undefined) return this.#expired();
    const details = { authUrl, source, kind: auth.kind, status, message, requestId: requestId(answer) ?? 'unknown' };
    const retryAfterMs = retryAfter(answer.headers['retry-after'], this.#repeating.clock.now());
    return new KuryrError(refused ? 'KEYSTONE_UNAUTHORIZED' : 'KEYSTONE_REFUSED', { ...details, retryAfterMs });
  }

  #expired(): KuryrError {
    return new KuryrError('KEYSTONE_TOKEN_EXPIRED', { expiresAt: this.#givenTokenEnds });
  }
}

function noToken(request: HttpRequest, answer: HttpAnswer): KuryrError {
  const id = requestId(answer) ?? 'unknown';
  const { method, url } = request;
  return new KuryrError('CLOUD_BAD_ANSWER', { method, url, reason: 'it has no X-Subject-Token', requestId: id });
}

/** A request for a token changes nothing that lasts, so it may always be sent again. */
function passing(error: unknown): number | undefined {
  if (error instanceof TransportError) return error.passing ? 0 : undefined;
  if (!isKuryrError(error, 'KEYSTONE_REFUSED')) return undefined;
  const status = Number(error.details['status']);
  return status === 429 || status >= 500 ? Number(error.details['retryAfterMs']) : undefined;
}

function explain(error: unknown, { method, url }: HttpRequest, deadline: Deadline, seconds: number): unknown {
  if (error instanceof KuryrError) return error;
  if (deadline.passed()) return new KuryrError('CLOUD_TIMEOUT', { method, url, seconds }, { cause: error });
  if (!(error instanceof TransportError)) return error;
  return unreachable(error, method, url);
}

/** The request that gives a token. A token without a project to scope it to is only read back, with its own scope. */
function tokenRequest({ authUrl, auth }: CloudConfig): HttpRequest {
  const url = `${identityUrl(authUrl)}/auth/tokens`;
  const headers = { accept: 'application/json', 'content-type': 'application/json', 'user-agent': 'kuryr' };
  if (auth.kind === 'token' && auth.project === undefined) {
    const token = auth.token.reveal();
    // Keystone shows a token that has access rules only to who says that it heeds them.
    const read = { 'x-auth-token': token, 'x-subject-token': token, 'openstack-identity-access-rules': '1.0' };
    return { method: 'GET', url, headers: { ...headers, ...read } };
  }
  // Keystone refuses an application credential that asks for a scope: it carries its own.
  const scope = auth.kind === 'application credential' ? {} : { scope: { project: auth.project } };
  return { method: 'POST', url, headers, body: JSON.stringify({ auth: { identity: identity(auth), ...scope } }) };
}

function secretOf(auth: CloudAuth): Secret {
  if (auth.kind === 'password') return auth.password;
  return auth.kind === 'token' ? auth.token : auth.secret;
}

function identity(auth: CloudAuth): object {
  switch (auth.kind) {
    case 'password':
      return { methods: ['password'], password: { user: { ...auth.user, password: auth.password.reveal() } } };
    case 'token':
      return { methods: ['token'], token: { id: auth.token.reveal() } };
    case 'application credential': {
      const credential = { ...auth.credential, secret: auth.secret.reveal() };
      return { methods: ['application_credential'], application_credential: credential };
    }
  }
}
