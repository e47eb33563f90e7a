import type { Reply } from '../wire.ts';

/** What Neutron says no with; its text and type are Neutron's own. */
export class Refusal extends Error {
  readonly status: number;
  readonly type: string;

  constructor(status: number, type: string, message: string) {
    super(message);
    this.status = status;
    this.type = type;
  }

  reply(): Reply {
    return { status: this.status, body: { NeutronError: { type: this.type, message: this.message, detail: '' } } };
  }
}

/** The body or the query is not what the API describes. */
export const badRequest = (message: string): Refusal => new Refusal(400, 'HTTPBadRequest', message);

/** An attribute's value failed its validator. */
export const badValue = (attribute: string, reason: string): Refusal =>
  badRequest(`Invalid input for ${attribute}. Reason: ${reason}.`);

/** A converter or the plugin refused a value. */
export const badInput = (reason: string): Refusal =>
  new Refusal(400, 'InvalidInput', `Invalid input for operation: ${reason}.`);

export const noResource = (): Refusal => new Refusal(404, 'HTTPNotFound', 'The resource could not be found.');

/** What Neutron answers where its own code fails; kept where the real one fails so too. */
export const internalError = (): Refusal =>
  new Refusal(500, 'HTTPInternalServerError', 'Request Failed: internal server error while processing your request.');

export const forbidden = (rule: string): Refusal =>
  new Refusal(403, 'PolicyNotAuthorized', `${rule} is disallowed by policy`);

export const notAllowed = (): Refusal =>
  new Refusal(
    405,
    'HTTPMethodNotAllowed',
    'The server could not comply with the request since it is either malformed or otherwise incorrect.',
  );
