/** An embedded Keystone, as a tenant of Keystone 22 (Zed) sees one. */
import type { Caller, Reply, Request } from '../wire.ts';
import { accessRuleRoutes } from './access-rules.ts';
import { applicationCredentialRoutes } from './application-credentials.ts';
import { authRoutes } from './auth-routes.ts';
import type { Keep } from './call.ts';
import { discoveryRoutes } from './discovery.ts';
import { KeystoneError } from './errors.ts';
import { projectRoutes } from './projects.ts';
import { roleRoutes } from './roles.ts';
import { Router } from './router.ts';
import { seed } from './seed.ts';
import { serviceRoutes } from './services.ts';
import { fromSnapshot, type State, toSnapshot } from './state.ts';
import { ruleView } from './token-view.ts';
import { Tokens, timeOf } from './tokens.ts';
import { userRoutes } from './users.ts';

export interface KeystoneOptions {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** 32 hex digits, never the same twice; secrets and tokens are made of them. */
  readonly newId: () => string;
  /** How long a token lives, counted from the whole second. */
  readonly tokenMs: number;
  /** A snapshot() to go on from; without one there are the users of a fresh cloud. */
  readonly state?: unknown;
  /** Called after each request that may have changed the state. */
  readonly onChange?: () => void;
}

export class Keystone {
  readonly #state: State;
  readonly #tokens: Tokens;
  readonly #router: Router;
  readonly #onChange: (() => void) | undefined;

  /** @throws Error where `state` is no snapshot */
  constructor({ now, newId, tokenMs, state, onChange }: KeystoneOptions) {
    this.#state = state === undefined ? seed(newId) : fromSnapshot(state);
    this.#tokens = new Tokens(this.#state, now, newId, tokenMs);
    this.#onChange = onChange;
    const keep: Keep = { state: this.#state, tokens: this.#tokens, now, newId };
    this.#router = new Router({
      ...discoveryRoutes(),
      ...authRoutes(keep),
      ...projectRoutes(keep),
      ...userRoutes(keep),
      ...roleRoutes(keep),
      ...serviceRoutes(keep),
      ...applicationCredentialRoutes(keep),
      ...accessRuleRoutes(keep),
    });
  }

  /** Answers a request whose path begins at the mount point: ``, `/`, `/v3`, `/v3/auth/tokens`. */
  handle(request: Request): Reply {
    const reply = this.#router.handle(request, () => this.#tokens.ofRequest(request.headers['x-auth-token']));
    if (reply.status < 300 && !['GET', 'HEAD', 'OPTIONS'].includes(request.method)) this.#onChange?.();
    return reply;
  }

  /** Who a token speaks for; undefined when it is missing, unknown, expired or revoked, or what it is for is gone. */
  authenticate(id: string | undefined): Caller | undefined {
    try {
      const token = this.#tokens.validate(id);
      const project = this.#state.projects.get(token.project_id ?? '');
      const credential = this.#state.credentials.get(token.credential_id ?? '');
      const rules = (credential?.rule_ids ?? []).flatMap(each => this.#state.rules.get(each) ?? []);
      return {
        userId: token.user_id,
        userName: this.#state.users.get(token.user_id)?.name ?? '',
        projectId: project?.id ?? '',
        projectName: project?.name ?? '',
        roles: this.#tokens.roles(token).map(each => each.name),
        expiresAt: timeOf(token.expires_at),
        ...(rules.length === 0 ? {} : { accessRules: rules.map(ruleView) }),
      };
    } catch (error) {
      if (error instanceof KeystoneError) return undefined;
      throw error;
    }
  }

  /** All that is remembered, as JSON: passwords and secrets as salted hashes, tokens as hashes. */
  snapshot(): unknown {
    return toSnapshot(this.#state);
  }
}
