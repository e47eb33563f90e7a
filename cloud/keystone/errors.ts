import { STATUS_CODES } from 'node:http';
import type { Reply } from '../wire.ts';

/** A refusal as Keystone words it; thrown by handlers, rendered by the router. */
export class KeystoneError extends Error {
  readonly status: number;
  /** What the body's `error` holds besides code, message and title. */
  readonly more: object;

  constructor(status: number, message: string, more: object = {}) {
    super(message);
    this.status = status;
    this.more = more;
  }

  /** @param identityUrl what `WWW-Authenticate` names, ending in /v3 */
  reply(identityUrl: string): Reply {
    const title = STATUS_CODES[this.status] ?? '';
    const body = { error: { code: this.status, ...this.more, message: this.message, title } };
    if (this.status !== 401) return { status: this.status, body };
    return { status: 401, headers: { 'www-authenticate': `Keystone uri="${identityUrl}"` }, body };
  }
}

const CLIENT_IN_ERROR =
  'The server could not comply with the request since it is either malformed or otherwise incorrect.' +
  ' The client is assumed to be in error.';

export const badRequest = (message: string): KeystoneError => new KeystoneError(400, message);

/** The 400 for something that is missing. */
export const lacking = (attribute: string, target: string): KeystoneError =>
  badRequest(`Expecting to find ${attribute} in ${target}. ${CLIENT_IN_ERROR}`);

export const badTimestamp = (): KeystoneError => badRequest(`Timestamp not in expected format. ${CLIENT_IN_ERROR}`);

export const inThePast = (): KeystoneError => badRequest(`The 'expires_at' must not be before now. ${CLIENT_IN_ERROR}`);

export const tooLong = (text: string, column: string, length: number): KeystoneError =>
  badRequest(
    `String length exceeded. The length of string '${text}' exceeds the limit of column ${column}(CHAR(${length})).`,
  );

/** The only 401 that tells why is that of an unknown method or of a credential with a scope. */
export const unauthorized = (
  message = 'The request you have made requires authentication.',
  more?: object,
): KeystoneError => new KeystoneError(401, message, more);

export const forbidden = (action?: string): KeystoneError =>
  new KeystoneError(
    403,
    `You are not authorized to perform the requested action${action === undefined ? '' : `: ${action}`}.`,
  );

/** `kind` as in the text: project, user, Application Credential, Access Rule, … */
export const notFound = (kind: string, id: string): KeystoneError =>
  new KeystoneError(404, `Could not find ${kind}: ${id}.`);

export const conflict = (type: string, details: string): KeystoneError =>
  new KeystoneError(409, `Conflict occurred attempting to store ${type} - ${details}.`);

/** Where Keystone's own code fails: the lab's server then cuts the connection, others answer this. */
export const crash = (): KeystoneError =>
  new KeystoneError(500, 'An unexpected error prevented the server from fulfilling your request.');
