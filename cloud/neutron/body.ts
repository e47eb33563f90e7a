import type { Request } from '../wire.ts';
import type { Fields } from './attributes.ts';
import { type Kind, projectOf } from './kinds/kind.ts';
import { badRequest, Refusal } from './refusal.ts';
import type { Context } from './store.ts';

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function fieldsOf({ body, malformed }: Request): Fields {
  if (malformed || (body !== undefined && !isObject(body))) throw badRequest('Body contains invalid data');
  return body ?? {};
}

/** The entries of a POST's body, one or many. @throws Refusal */
export function asked({ name, plural }: Kind, request: Request): { many: boolean; entries: readonly Fields[] } {
  const fields = fieldsOf(request);
  if (plural in fields && !(name in fields)) {
    const entries = fields[plural];
    const none = Array.isArray(entries) ? entries.length === 0 : isObject(entries) && Object.keys(entries).length === 0;
    if (none) throw badRequest('Resources required');
    if (!Array.isArray(entries) || !entries.every(isObject)) throw badRequest(`Object '${name}' contains invalid data`);
    return { many: true, entries };
  }
  return { many: false, entries: [entryOf(name, fields)] };
}

/** The one entry of a PUT's body. @throws Refusal */
export function only({ name, plural }: Kind, request: Request, context: Context): Fields {
  const fields = fieldsOf(request);
  if (plural in fields && !(name in fields)) throw badRequest('Bulk operation not supported');
  const entry = entryOf(name, fields);
  projectOf(entry, context);
  return entry;
}

function entryOf(name: string, fields: Fields): Fields {
  if (!(name in fields)) throw badRequest(`Unable to find '${name}' in request body`);
  const entry = fields[name];
  if (!isObject(entry)) throw badRequest(`Object '${name}' contains invalid data`);
  return entry;
}

/** The revision of `If-Match: revision_number=N`; anything else there is no concern of Neutron's. @throws Refusal */
export function ifMatch({ headers, method }: Request): number | undefined {
  const text = headers['if-match']?.replaceAll('"', '');
  if (text === undefined || method === 'GET' || !text.startsWith('revision_number=')) return undefined;
  const number = text.slice('revision_number='.length);
  if (/^\d+$/.test(number)) return Number(number);
  const reason = 'Bad if-match request: Revision number etag must be in the format of revision_number=<int>.';
  throw new Refusal(400, 'BadRequest', reason);
}

/** @throws Refusal where the request wants another revision than that */
export function assertRevision(wanted: number | undefined, current: number): void {
  if (wanted === undefined || wanted === current) return;
  const text = `Constrained to ${wanted}, but current revision is ${current}`;
  throw new Refusal(412, 'RevisionNumberConstraintFailed', text);
}
