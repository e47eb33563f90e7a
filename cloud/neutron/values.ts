/** Validators and converters of attributes, with the texts that Neutron answers. */
import ipaddr from 'ipaddr.js';
import { badInput } from './refusal.ts';

/** Says what is wrong with a value, without a full stop; undefined when it is good. */
export type Validate = (value: unknown) => string | undefined;

/** A value as Python prints it: the texts of refusals quote it so. */
export function shown(value: unknown): string {
  if (value === null || value === undefined) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (Array.isArray(value)) return `[${value.map(quoted).join(', ')}]`;
  if (typeof value === 'object') {
    return `{${Object.entries(value)
      .map(([key, held]) => `'${key}': ${quoted(held)}`)
      .join(', ')}}`;
  }
  return String(value);
}

const quoted = (value: unknown): string => (typeof value === 'string' ? `'${value}'` : shown(value));

export const text =
  (most = 255): Validate =>
  value => {
    if (typeof value !== 'string') return `'${shown(value)}' is not a valid string`;
    return [...value].length > most ? `'${value}' exceeds maximum length of ${most}` : undefined;
  };

export const isUuid = (value: unknown): boolean =>
  typeof value === 'string' && /^[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}$/i.test(value);

export const uuid: Validate = value => (isUuid(value) ? undefined : `'${shown(value)}' is not a valid UUID`);

export const uuidOrNone: Validate = value => (value === null ? undefined : uuid(value));

export const uuidList: Validate = value => {
  if (!Array.isArray(value)) return `'${shown(value)}' is not a list`;
  return value.map(uuid).find(problem => problem !== undefined) ?? duplicates(value);
};

/** A list of texts, each once. */
export const textList: Validate = value => {
  if (!Array.isArray(value)) return `'${shown(value)}' is not a list`;
  const one = text();
  return duplicates(value) ?? value.map(one).find(problem => problem !== undefined);
};

export function duplicates(list: readonly unknown[]): string | undefined {
  const seen = new Set<unknown>();
  for (const value of list) {
    if (seen.has(value)) return `Duplicate items in the list: '${shown(value)}'`;
    seen.add(value);
  }
  return undefined;
}

export const oneOf =
  (...values: readonly unknown[]): Validate =>
  value =>
    values.includes(value) ? undefined : `${shown(value)} is not in valid_values`;

export const mac: Validate = value =>
  typeof value === 'string' && /^[0-9a-f]{2}([:-])[0-9a-f]{2}(\1[0-9a-f]{2}){4}$/i.test(value)
    ? undefined
    : `'${shown(value)}' is not a valid MAC address`;

/** Strict, as Neutron is: four decimal parts without leading zeros, or IPv6. */
export function isAddress(value: unknown): value is string {
  if (typeof value !== 'string') return false;
  if (value.includes(':')) return ipaddr.IPv6.isValid(value) && !value.includes('%');
  return ipaddr.IPv4.isValidFourPartDecimal(value) && !value.split('.').some(part => /^0\d/.test(part));
}

export const address: Validate = value =>
  isAddress(value) ? undefined : `'${shown(value)}' is not a valid IP address`;

export const addressOrNone: Validate = value => (value === null ? undefined : address(value));

/** `10.0.0.0/24`; host bits may be set. */
export function isCidr(value: unknown): value is string {
  if (typeof value !== 'string') return false;
  const [ip, prefix, ...rest] = value.split('/');
  if (!isAddress(ip) || prefix === undefined || rest.length > 0 || !/^\d{1,3}$/.test(prefix)) return false;
  return Number(prefix) <= (ip.includes(':') ? 128 : 32);
}

export const cidr: Validate = value => (isCidr(value) ? undefined : `'${shown(value)}' is not a valid CIDR`);

export const integerFrom =
  (least: number): Validate =>
  value =>
    typeof value === 'number' && value < least ? `'${value}' is too small - must be at least '${least}'` : undefined;

export const anything: Validate = () => undefined;

/** @throws Refusal */
export function toBoolean(value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  const word = String(value).toLowerCase();
  if (word === 'true' || word === '1') return true;
  if (word === 'false' || word === '0') return false;
  throw badInput(`'${shown(value)}' cannot be converted to boolean`);
}

/** @throws Refusal */
export function toInteger(value: unknown): number {
  if (Number.isSafeInteger(value)) return value as number;
  if (typeof value === 'string' && /^\s*[+-]?\d{1,15}\s*$/.test(value)) return Number(value);
  throw badInput(`'${shown(value)}' is not an integer`);
}

/** @throws Refusal */
export const toIntegerOrNone = (value: unknown): number | null => (value === null ? null : toInteger(value));

export const noneToList = (value: unknown): unknown => value ?? [];
