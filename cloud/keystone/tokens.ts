/** Tokens: made, looked up, judged and shown. */
import { createHash } from 'node:crypto';
import { KeystoneError, notFound, unauthorized } from './errors.ts';
import { type Role, rolesOf, type State, type Token } from './state.ts';

/** How long after its end a token can still be looked at with allow_expired. */
const EXPIRED_WINDOW_MS = 48 * 3_600_000;

export interface Issue {
  readonly userId: string;
  readonly methods: readonly string[];
  readonly projectId: string | null;
  readonly system: boolean;
  readonly credentialId: string | null;
  /** What is kept from the token that was given to be scoped anew. */
  readonly from: { readonly expires_at: string; readonly auditId: string | undefined } | undefined;
}

export class Tokens {
  readonly #state: State;
  readonly #now: () => number;
  readonly #newId: () => string;
  readonly #lifeMs: number;

  constructor(state: State, now: () => number, newId: () => string, lifeMs: number) {
    this.#state = state;
    this.#now = now;
    this.#newId = newId;
    this.#lifeMs = lifeMs;
  }

  /** @throws KeystoneError 401 where the user has no role there, 404 where what it is for is gone */
  issue({ userId, methods, projectId, system, credentialId, from }: Issue): { id: string; token: Token } {
    const issued_at = wholeSecond(this.#now());
    const token: Token = {
      ...{ user_id: userId, methods, project_id: projectId, system, credential_id: credentialId, issued_at },
      audit_ids: [this.#auditId(), ...(from?.auditId === undefined ? [] : [from.auditId])],
      expires_at: from?.expires_at ?? isoTime(issued_at + this.#lifeMs),
      revoked: false,
    };
    // A credential's token ends with it; the time is then written without a zone.
    const end = credentialId === null ? undefined : this.#state.credentials.get(credentialId)?.expires_at;
    if (end && timeOf(end) < timeOf(token.expires_at)) token.expires_at = end.replace(/\.000000$/, '');
    this.#mint(token);
    this.#forgetOld();
    const id = this.#tokenId(issued_at);
    this.#state.tokens.set(digest(id), token);
    return { id, token };
  }

  /**
   * The token with that id.
   * @param windowMs how long ago it may have ended
   * @throws KeystoneError 404: it is none, it has ended or was revoked, or what it is for is gone
   */
  validate(id: string | undefined, windowMs = 0): Token {
    if (!id) throw new KeystoneError(404, 'No token in the request');
    const token = this.#state.tokens.get(digest(id));
    if (token === undefined) throw new KeystoneError(404, 'Could not recognize Fernet token');
    try {
      this.#mint(token);
    } catch (error) {
      if (error instanceof KeystoneError && error.status === 401) throw notFound('token', id);
      throw error;
    }
    const revoked = token.revoked || token.issued_at <= (this.#state.users.get(token.user_id)?.revoked_at ?? 0);
    if (revoked || this.#now() >= timeOf(token.expires_at) + windowMs) throw failed();
    return token;
  }

  /** As validate(), for the X-Auth-Token of a request: undefined is no valid token, and what is gone is told as 404. */
  ofRequest(id: string | undefined): Token | undefined {
    try {
      return this.validate(id);
    } catch (error) {
      if (error instanceof KeystoneError && isNoToken(error)) return undefined;
      throw error;
    }
  }

  /** As validate(), for a service that asks on behalf of another. */
  ofSubject(id: string | undefined, allowExpired: boolean, accessRulesSupported: boolean): Token {
    const token = this.validate(id, allowExpired ? EXPIRED_WINDOW_MS : 0);
    if (!accessRulesSupported && this.hasAccessRules(token)) throw failed();
    return token;
  }

  hasAccessRules({ credential_id }: Token): boolean {
    const credential = this.#state.credentials.get(credential_id ?? '');
    return credential !== undefined && credential.rule_ids.length > 0;
  }

  /** As they are now: a grant that is taken back is out of the tokens at once. */
  roles({ user_id, project_id, system, credential_id }: Token): readonly Role[] {
    if (system) return rolesOf(this.#state, user_id, null);
    if (project_id === null) return [];
    const roles = rolesOf(this.#state, user_id, project_id);
    const allowed = this.#state.credentials.get(credential_id ?? '')?.role_ids;
    return allowed === undefined ? roles : roles.filter(each => allowed.includes(each.id));
  }

  /** That what the token is for exists, is enabled, and gives the user a role. */
  #mint(token: Token): void {
    const { users, projects, credentials } = this.#state;
    const project = token.project_id === null ? undefined : projects.get(token.project_id);
    if (token.project_id !== null && project === undefined) throw notFound('project', token.project_id);
    if (project?.enabled === false) {
      throw new KeystoneError(404, `Unable to validate token because project ${project.id} is disabled`);
    }
    if (!users.has(token.user_id)) throw notFound('user', token.user_id);
    if (token.credential_id !== null && !credentials.has(token.credential_id)) {
      throw notFound('Application Credential', token.credential_id);
    }
    if ((token.project_id !== null || token.system) && this.roles(token).length === 0) throw unauthorized();
  }

  #forgetOld(): void {
    const end = this.#now() - EXPIRED_WINDOW_MS;
    for (const [key, token] of this.#state.tokens) {
      if (timeOf(token.expires_at) > end) return;
      this.#state.tokens.delete(key);
    }
  }

  /** As long as a Fernet token, and beginning like one. */
  #tokenId(issuedAt: number): string {
    const head = Buffer.alloc(9, 0x80);
    head.writeBigUInt64BE(BigInt(issuedAt / 1000), 1);
    const rest = Array.from({ length: 8 }, () => Buffer.from(this.#newId(), 'hex'));
    return Buffer.concat([head, ...rest]).toString('base64url');
  }

  #auditId = (): string => Buffer.from(this.#newId(), 'hex').toString('base64url');
}

const failed = (): KeystoneError => new KeystoneError(404, 'Failed to validate token');

/** Of the 404s, those that speak of the token itself and not of what it is for. */
const isNoToken = ({ message }: KeystoneError): boolean =>
  /^(No token|Could not recognize|Failed to validate token$|Could not find token: )/.test(message);

const digest = (id: string): string => createHash('sha256').update(id).digest('hex');

/** Milliseconds of a time in UTC, with or without its Z and with microseconds. */
export const timeOf = (text: string): number => Date.parse(text.replace(/(\.\d{3})\d*/, '$1').replace(/Z?$/, 'Z'));

/** As tokens tell it: `2026-11-26T12:00:00.000000Z`. */
export const isoTime = (ms: number): string => new Date(ms).toISOString().replace('Z', '000Z');

const wholeSecond = (ms: number): number => Math.floor(ms / 1000) * 1000;
