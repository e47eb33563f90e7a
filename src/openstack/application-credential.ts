import * as v from 'valibot';
import { KuryrError } from '../errors/kuryr-error.ts';
import type { AccessRule } from './access-rules.ts';
import { badAnswer, readAnswer, readRefusal } from './answer.ts';
import { type Caller, requestId } from './caller.ts';
import { identityUrl } from './catalogue.ts';
import type { CloudConfig } from './cloud-config.ts';
import { withDeadline } from './deadline.ts';
import { type HttpAnswer, type HttpRequest, TransportError } from './http.ts';
import type { Keystone } from './keystone.ts';
import { tidy } from './refusal.ts';
import type { Repeating } from './repeat.ts';
import { Secret } from './secret.ts';
import { unreachable } from './unreachable.ts';

/** What an application credential is to be. */
export interface CredentialRequest {
  /** Unique among its user's. */
  readonly name: string;
  readonly description: string;
  /** Names of roles that the user has on the project. */
  readonly roles: readonly string[];
  readonly rules: readonly AccessRule[];
  /** When it ends by itself, ISO 8601 in UTC; never when left out. */
  readonly expires?: string | undefined;
}

export interface ApplicationCredential {
  readonly id: string;
  /** Told by Keystone this once. */
  readonly secret: Secret;
}

const schema = v.object({
  application_credential: v.object({
    id: v.pipe(v.string(), v.regex(/^[\w-]{1,64}$/)),
    secret: v.pipe(v.string(), v.minLength(1), v.maxLength(255)),
  }),
});

interface Edges {
  readonly config: CloudConfig;
  readonly keystone: Keystone;
  readonly caller: Caller;
  readonly repeating: Repeating;
  readonly deadlineMs: number;
}

/**
 * Makes an application credential of the user that the session is of. It is sent once: the secret of one whose answer was
 * lost is lost with it.
 * @throws CREDENTIAL_EXISTS, CREDENTIAL_FORBIDDEN, CREDENTIAL_LOST, KEYSTONE_REFUSED, and what Keystone's session throws
 */
export async function createApplicationCredential(
  { config, keystone, caller, repeating, deadlineMs }: Edges,
  { name, description, roles, rules, expires }: CredentialRequest,
  signal: AbortSignal,
): Promise<ApplicationCredential> {
  const { token, userId } = await keystone.authorization(signal);
  if (userId === undefined) throw badAnswer({ method: 'POST', url: keystone.url }, 'the token names no user');
  const route = '/users/{id}/application_credentials';
  const request: HttpRequest = {
    method: 'POST',
    url: `${identityUrl(config.authUrl)}/users/${encodeURIComponent(userId)}/application_credentials`,
    headers: {
      accept: 'application/json',
      'content-type': 'application/json',
      'user-agent': 'kuryr',
      'x-auth-token': token.reveal(),
    },
    body: JSON.stringify({
      application_credential: {
        name,
        description,
        roles: roles.map(role => ({ name: role })),
        access_rules: rules,
        unrestricted: false,
        ...(expires === undefined ? {} : { expires_at: expires }),
      },
    }),
  };
  return withDeadline(repeating.clock, deadlineMs, signal, async deadline => {
    const answer = await caller.send(request, route, deadline.signal).catch((error: unknown) => {
      if (error instanceof TransportError && error.unsent) throw unreachable(error, 'POST', request.url);
      throw new KuryrError('CREDENTIAL_LOST', { name }, { cause: error });
    });
    if (answer.status >= 400) throw refused(answer, { name, authUrl: config.authUrl }, token);
    const { id, secret } = readAnswer(schema, answer, request).application_credential;
    return { id, secret: new Secret(secret) };
  });
}

function refused(answer: HttpAnswer, about: { name: string; authUrl: string }, token: Secret): KuryrError {
  const { status } = answer;
  const message = tidy(readRefusal(answer, [token.reveal()]).message);
  const details = { ...about, status, message, requestId: requestId(answer) ?? 'unknown' };
  if (status === 409) return new KuryrError('CREDENTIAL_EXISTS', details);
  if (status === 403) return new KuryrError('CREDENTIAL_FORBIDDEN', details);
  return new KuryrError('KEYSTONE_REFUSED', details);
}
