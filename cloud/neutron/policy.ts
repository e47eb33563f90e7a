import type { Attributes, Fields } from './attributes.ts';
import { forbidden } from './refusal.ts';
import type { Context } from './store.ts';

/** Who may do what: Neutron's rules as they are with `enforce_new_defaults = false`, where a reader is a member too. */

/** Whether a request concerns its own project. */
export const owns = ({ caller, isAdmin }: Context, row: { readonly project_id: string }): boolean =>
  isAdmin || row.project_id === caller.projectId;

export interface Judged {
  readonly action: string;
  readonly fields: Fields;
  readonly attributes: Attributes;
  /** Attributes of the request that its sender may not name, with a dot before a key inside of them. */
  readonly denied: (name: string) => boolean;
}

/**
 * Judges a request by the rule of its action and those of the attributes it names; the answer quotes all of them.
 * @throws Refusal 403
 */
export function judge({ action, fields, attributes, denied }: Judged): void {
  const named = Object.keys(attributes).filter(name => attributes[name]?.rule && Object.hasOwn(fields, name));
  if (!named.some(denied)) return;
  let rule = `rule:${action}`;
  for (const name of named) rule = `(${rule} and ${ruleOf(action, name, fields[name])})`;
  throw forbidden(rule);
}

/** Keys of the entries of these lists have rules of their own. */
const PARTS: Readonly<Record<string, readonly string[]>> = {
  fixed_ips: ['subnet_id', 'ip_address'],
  allowed_address_pairs: ['mac_address', 'ip_address'],
};

function ruleOf(action: string, name: string, value: unknown): string {
  const own = `rule:${action}:${name}`;
  const keys = PARTS[name]?.filter(key => namesPart(value, key)) ?? [];
  if (keys.length === 0) return own;
  return `(${own} and (${keys.map(key => `${own}:${key}`).join(' and ')}))`;
}

export const namesPart = (list: unknown, key: string): boolean =>
  Array.isArray(list) && list.some(entry => typeof entry === 'object' && entry !== null && Object.hasOwn(entry, key));
