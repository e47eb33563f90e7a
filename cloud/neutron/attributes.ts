import { badRequest, badValue } from './refusal.ts';
import type { Validate } from './values.ts';

/** What may be said of one attribute of a resource. */
export interface Attribute {
  /** Whether a POST may name it. */
  readonly post?: boolean;
  /** Whether a PUT may name it. */
  readonly put?: boolean;
  /** What it is where a POST does not name it; without one, a POST has to. `undefined` leaves it open to the plugin. */
  readonly standard?: { readonly value: unknown };
  readonly validate?: Validate;
  /** Runs after the validator, or before it where `convertFirst`. @throws Refusal */
  readonly convert?: (value: unknown) => unknown;
  readonly convertFirst?: boolean;
  /** Whether lists can be filtered by it. */
  readonly filter?: boolean;
  readonly sort?: boolean;
  /** An enumeration of the database's: to filter by another value is more than it can bear. */
  readonly enumerated?: boolean;
  /** Nobody but an administrator sees it. */
  readonly hidden?: boolean;
  /** Named in a request, it makes the request subject to a rule of its own. */
  readonly rule?: boolean;
}

export type Attributes = Readonly<Record<string, Attribute>>;

export type Fields = Readonly<Record<string, unknown>>;

export const open = { value: undefined };

/**
 * What a POST's or PUT's body says of one resource, checked, converted and filled with the defaults.
 * @throws Refusal as Neutron would answer
 */
export function prepare(fields: Fields, attributes: Attributes, verb: 'POST' | 'PUT'): Record<string, unknown> {
  const unknown = Object.keys(fields).filter(name => !Object.hasOwn(attributes, name));
  if (unknown.length > 0) throw badRequest(`Unrecognized attribute(s) '${unknown.sort().join(', ')}'`);
  if (verb === 'POST') for (const [name, attribute] of Object.entries(attributes)) demand(name, attribute, fields);
  const fixed =
    verb === 'PUT' && Object.keys(attributes).find(name => Object.hasOwn(fields, name) && !attributes[name]?.put);
  if (fixed) throw badRequest(`Cannot update read-only attribute ${fixed}`);
  const prepared: Record<string, unknown> = {};
  for (const [name, attribute] of Object.entries(attributes)) {
    if (Object.hasOwn(fields, name)) prepared[name] = checked(name, attribute, fields[name]);
    else if (verb === 'POST' && attribute.post) prepared[name] = attribute.standard?.value;
  }
  return prepared;
}

function demand(name: string, { post = false, standard }: Attribute, fields: Fields): void {
  if (Object.hasOwn(fields, name)) {
    if (!post) throw badRequest(`Attribute '${name}' not allowed in POST`);
  } else if (post && standard === undefined) {
    throw badRequest(`Failed to parse request. Required attribute '${name}' not specified`);
  }
}

function checked(name: string, { validate, convert, convertFirst = false }: Attribute, given: unknown): unknown {
  const value = convertFirst && convert ? convert(given) : given;
  const problem = validate?.(value);
  if (problem !== undefined) throw badValue(name, problem);
  return !convertFirst && convert ? convert(value) : value;
}
