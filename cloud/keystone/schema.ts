/** The part of JSON Schema (draft 4) that Keystone's requests need, with its texts. */
import { isDeeper } from '../depth.ts';
import { badRequest, crash } from './errors.ts';
import { pretty, repr } from './python.ts';

/** Keywords are looked at in the order in which they stand; the first that fails is told. */
export interface Schema {
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly minProperties?: number;
  readonly maxProperties?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: boolean;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly uniqueItems?: boolean;
  /** Keystone has a stray one, which is printed and never looked at. */
  readonly options?: Schema;
}

interface Flaw {
  message: string;
  keyword: string;
  schema: Schema;
  schemaPath: readonly (string | number)[];
  instance: unknown;
  path: readonly (string | number)[];
}

/** Where Python, too, gives up. */
const DEEPEST = 100;

/** @throws KeystoneError 400 with Keystone's text, 500 for what is nested too deep */
export function validate(schema: Schema, instance: unknown): void {
  if (isDeeper(instance, DEEPEST)) throw crash();
  const flaw = check(schema, instance, [], []);
  if (flaw === undefined) return;
  const quoted = (value: unknown) => pretty(value).replaceAll('\n', '\n    ');
  const text = [
    flaw.message,
    '',
    `Failed validating ${repr(flaw.keyword)} in schema${index(flaw.schemaPath)}:`,
    `    ${quoted(flaw.schema)}`,
    '',
    `On instance${index(flaw.path)}:`,
    `    ${quoted(flaw.instance)}`,
  ].join('\n');
  const field = flaw.path.length === 0 ? '' : `Invalid input for field '${flaw.path.join('/')}': `;
  throw badRequest(`${field}${text}`);
}

const index = (path: readonly (string | number)[]) => path.map(each => `[${repr(each)}]`).join('');

function check(schema: Schema, instance: unknown, schemaPath: Flaw['path'], path: Flaw['path']): Flaw | undefined {
  for (const keyword of Object.keys(schema)) {
    if (keyword === 'properties' && isObject(instance)) {
      for (const [name, each] of Object.entries(schema.properties ?? {})) {
        if (!Object.hasOwn(instance, name)) continue;
        const flaw = check(each, instance[name], [...schemaPath, 'properties', name], [...path, name]);
        if (flaw !== undefined) return flaw;
      }
    } else if (keyword === 'items' && Array.isArray(instance) && schema.items !== undefined) {
      for (const [at, each] of instance.entries()) {
        const flaw = check(schema.items, each, [...schemaPath, 'items'], [...path, at]);
        if (flaw !== undefined) return flaw;
      }
    } else {
      const message = complaint(schema, keyword, instance);
      if (message !== undefined) return { message, keyword, schema, schemaPath, instance, path };
    }
  }
  return undefined;
}

/** What is wrong with the value itself, in jsonschema's words. */
function complaint(schema: Schema, keyword: string, instance: unknown): string | undefined {
  const told = () => repr(instance);
  if (keyword === 'type' && schema.type !== undefined) {
    const types = typeof schema.type === 'string' ? [schema.type] : schema.type;
    return types.some(type => isType(type, instance))
      ? undefined
      : `${told()} is not of type ${types.map(repr).join(', ')}`;
  }
  if (keyword === 'enum' && schema.enum !== undefined) {
    return schema.enum.includes(instance) ? undefined : `${told()} is not one of ${repr(schema.enum)}`;
  }
  if (typeof instance === 'string') return textComplaint(schema, keyword, instance);
  if (Array.isArray(instance)) {
    if (keyword === 'minItems' && instance.length < (schema.minItems ?? 0)) return `${told()} is too short`;
    if (keyword === 'maxItems' && instance.length > (schema.maxItems ?? Infinity)) return `${told()} is too long`;
    if (keyword === 'uniqueItems' && new Set(instance).size < instance.length)
      return `${told()} has non-unique elements`;
  }
  return isObject(instance) ? objectComplaint(schema, keyword, instance) : undefined;
}

function textComplaint(schema: Schema, keyword: string, text: string): string | undefined {
  const length = [...text].length;
  if (keyword === 'minLength' && length < (schema.minLength ?? 0)) return `${repr(text)} is too short`;
  if (keyword === 'maxLength' && length > (schema.maxLength ?? Infinity)) return `${repr(text)} is too long`;
  if (keyword === 'pattern' && schema.pattern !== undefined && !new RegExp(schema.pattern).test(text)) {
    return `${repr(text)} does not match ${repr(schema.pattern)}`;
  }
  return undefined;
}

function objectComplaint(schema: Schema, keyword: string, object: Record<string, unknown>): string | undefined {
  const names = Object.keys(object);
  if (keyword === 'required') {
    const missing = schema.required?.find(name => !names.includes(name));
    return missing === undefined ? undefined : `${repr(missing)} is a required property`;
  }
  if (keyword === 'minProperties' && names.length < (schema.minProperties ?? 0)) {
    return `${repr(object)} does not have enough properties`;
  }
  if (keyword === 'maxProperties' && names.length > (schema.maxProperties ?? Infinity)) {
    return `${repr(object)} has too many properties`;
  }
  if (keyword === 'additionalProperties' && schema.additionalProperties === false) {
    const extra = names.filter(name => !Object.hasOwn(schema.properties ?? {}, name)).sort();
    if (extra.length === 0) return undefined;
    const verb = extra.length === 1 ? 'was' : 'were';
    return `Additional properties are not allowed (${extra.map(repr).join(', ')} ${verb} unexpected)`;
  }
  return undefined;
}

function isType(type: string, value: unknown): boolean {
  if (type === 'null') return value === null;
  if (type === 'array') return Array.isArray(value);
  if (type === 'object') return isObject(value);
  return typeof value === type;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
