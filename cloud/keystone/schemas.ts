/** What Keystone's requests must look like. The order of keywords is the order in which they are judged. */
import type { Schema } from './schema.ts';

/** Upstream one table is shared and changed by another schema, whence its None. */
const boolean: Schema = { type: 'boolean', enum: [true, false, null] };
const nullableBoolean: Schema = { type: ['boolean', 'null'], enum: [true, false, null] };
const text: Schema = { type: 'string' };
const nullableText: Schema = { type: ['string', 'null'] };
const name = (maxLength: number): Schema => ({ type: 'string', minLength: 1, maxLength, pattern: '[\\S]+' });
const idOf = (type: string | readonly string[]): Schema => ({
  type,
  minLength: 1,
  maxLength: 64,
  pattern: '^[a-zA-Z0-9-]+$',
});
const id = idOf('string');
const nullableId = idOf(['string', 'null']);
const object = (properties: Schema['properties'] & object): Schema => ({ type: 'object', properties });
const options = (properties: Schema['properties'] & object): Schema => ({
  type: 'object',
  properties,
  additionalProperties: false,
});

const domain = object({ id: text, name: text });

export const TOKEN_ISSUE: Schema = {
  type: 'object',
  properties: {
    identity: {
      type: 'object',
      properties: {
        methods: { type: 'array', items: text },
        password: object({ user: object({ id: text, name: text, password: text, domain }) }),
        token: { type: 'object', properties: { id: text }, required: ['id'] },
      },
      required: ['methods'],
    },
    scope: {
      type: ['object', 'string'],
      properties: {
        project: object({ name: text, id: text, domain }),
        domain,
        'OS-TRUST:trust': object({ id: text }),
        system: object({ all: boolean }),
      },
    },
  },
  required: ['identity'],
};

export const APPLICATION_CREDENTIAL: Schema = {
  type: 'object',
  properties: {
    name: name(255),
    description: nullableText,
    secret: { type: ['null', 'string'] },
    expires_at: { type: ['null', 'string'] },
    roles: {
      type: 'array',
      items: {
        type: 'object',
        properties: { id, name: name(255) },
        minProperties: 1,
        maxProperties: 1,
        additionalProperties: false,
      },
    },
    unrestricted: boolean,
    access_rules: {
      type: 'array',
      items: {
        type: 'object',
        properties: {
          path: { type: 'string', minLength: 0, maxLength: 225, pattern: '^\\/.*' },
          method: { type: 'string', pattern: '^(POST|GET|HEAD|PATCH|PUT|DELETE)$' },
          service: id,
          id,
        },
        additionalProperties: false,
      },
    },
  },
  required: ['name'],
  additionalProperties: true,
};

const project = {
  description: nullableText,
  domain_id: nullableId,
  enabled: boolean,
  is_domain: boolean,
  parent_id: nullableId,
  name: name(64),
  tags: {
    type: 'array',
    items: { type: 'string', minLength: 1, maxLength: 255, pattern: '^[^,/]*$' },
    required: [],
    maxItems: 80,
    uniqueItems: true,
  },
  options: options({ immutable: nullableBoolean }),
};

const protocol: Schema = {
  type: 'object',
  properties: { protocol_id: text, unique_id: text },
  required: ['protocol_id', 'unique_id'],
};
const federated: Schema = {
  type: 'object',
  properties: { idp_id: text, protocols: { type: 'array', items: protocol, minItems: 1 } },
  required: ['idp_id', 'protocols'],
};

const user = {
  default_project_id: nullableId,
  description: nullableText,
  domain_id: id,
  enabled: boolean,
  federated: { type: 'array', items: federated },
  name: name(255),
  password: nullableText,
  options: options({
    ignore_change_password_upon_first_use: nullableBoolean,
    ignore_lockout_failure_attempts: nullableBoolean,
    ignore_password_expiry: nullableBoolean,
    ignore_user_inactivity: nullableBoolean,
    lock_password: nullableBoolean,
    multi_factor_auth_enabled: nullableBoolean,
    multi_factor_auth_rules: {
      type: ['array', 'null'],
      items: { type: 'array', items: text, minItems: 1, uniqueItems: true },
      uniqueItems: true,
    },
  }),
};

const role = { name: name(255), description: text, options: options({ immutable: nullableBoolean }) };

const create = (properties: Schema['properties'] & object, required: readonly string[]): Schema => ({
  type: 'object',
  properties,
  required,
  additionalProperties: true,
});
const update = (properties: Schema['properties'] & object): Schema => ({
  type: 'object',
  properties,
  minProperties: 1,
  additionalProperties: true,
});

export const PROJECT_CREATE = create(project, ['name']);
export const PROJECT_UPDATE = update(project);
/** It stands there upstream, misplaced, and is quoted. */
const stray = { options: { type: 'object' } };
export const USER_CREATE: Schema = { ...create(user, ['name']), ...stray };
export const USER_UPDATE: Schema = { ...update(user), ...stray };
export const ROLE_CREATE = create(role, ['name']);
export const REGION_CREATE = create({ description: nullableText, id: text, parent_region_id: nullableText }, []);
export const SERVICE_CREATE = create(
  { enabled: boolean, name: name(255), type: { type: 'string', minLength: 1, maxLength: 255 } },
  ['type'],
);
export const ENDPOINT_CREATE = create(
  {
    enabled: boolean,
    interface: { type: 'string', enum: ['admin', 'internal', 'public'] },
    region_id: text,
    region: text,
    service_id: text,
    url: { type: 'string', minLength: 0, maxLength: 225, pattern: '^[a-zA-Z0-9+.-]+:.+' },
  },
  ['interface', 'service_id', 'url'],
);

export const PASSWORD_CHANGE: Schema = {
  type: 'object',
  properties: { original_password: text, password: text },
  required: ['original_password', 'password'],
  additionalProperties: false,
};
