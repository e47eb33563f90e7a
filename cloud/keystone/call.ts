/** A request on its way through Keystone, and what its handlers answer with. */
import type { Reply, Request } from '../wire.ts';
import { forbidden, notFound, unauthorized } from './errors.ts';
import { rolesOf, type State, type Token } from './state.ts';
import type { Tokens } from './tokens.ts';

export interface Call {
  readonly request: Request;
  /** Decoded, by the names of the route. */
  readonly params: Readonly<Record<string, string>>;
  /** Empty where none was sent. */
  readonly body: Readonly<Record<string, unknown>>;
  /** Where links begin: ends in /v3. */
  readonly base: string;
  /** Of X-Auth-Token, where it is valid. */
  readonly token: Token | undefined;
}

/** What handlers work on. */
export interface Keep {
  readonly state: State;
  readonly tokens: Tokens;
  readonly now: () => number;
  /** 32 hex digits. */
  readonly newId: () => string;
}

export type Handler = (call: Call) => Reply;

export const ok = (body: object): Reply => ({ status: 200, body });
export const created = (body: object): Reply => ({ status: 201, body });
export const noContent: Reply = { status: 204 };

export const param = (call: Call, name: string): string => call.params[name] ?? '';

/** What the body has under a key; empty where it has none. */
export const given = (call: Call, key: string): unknown => (Object.hasOwn(call.body, key) ? call.body[key] : {});

/** The first value of a query key; undefined where it is not there. */
export const query = ({ request }: Call, name: string): string | undefined =>
  request.query.find(([key]) => key === name)?.[1];

/** A flag is on when it is there, unless it is said to be off. */
export const flag = (call: Call, name: string): boolean => {
  const value = query(call, name);
  return value !== undefined && value !== '0' && value.toLowerCase() !== 'false';
};

/** The entity of a path. @throws KeystoneError 404, in whose text it is called `kind` */
export function find<T>(entities: ReadonlyMap<string, T>, id: string, kind: string): T {
  return entities.get(id) ?? fail(notFound(kind, id));
}

export function fail(error: Error): never {
  throw error;
}

/** An entity with its link. */
export const withLink = ({ base }: Call, collection: string, entity: { readonly id: string }): object => ({
  ...entity,
  links: { self: `${base}/${collection}/${entity.id}` },
});

/** A list of a collection, cut down by those query keys that are in `filters`: `name=x` and `name__contains=x`. */
export function listed(
  call: Call,
  collection: string,
  entities: readonly { readonly id: string }[],
  filters: readonly string[] = [],
): Reply {
  const kept = call.request.query.reduce((left, [key, value]) => {
    const [name = '', comparator] = key.split('__');
    if (!filters.includes(name)) return left;
    return left.filter(entity => matches((entity as unknown as Record<string, unknown>)[name], value, comparator));
  }, entities);
  return page(
    call,
    collection,
    kept.map(entity => withLink(call, collection, entity)),
  );
}

/** A list as it is, under its key. */
export function page(call: Call, collection: string, entries: readonly object[]): Reply {
  return ok({ [collection]: entries, links: { next: null, self: selfLink(call), previous: null } });
}

function matches(held: unknown, wanted: string, comparator: string | undefined): boolean {
  if (typeof held === 'boolean') return held === !['0', 'false', 'no', 'off', 'f', 'n'].includes(wanted.toLowerCase());
  const text = String(held ?? '');
  if (comparator === undefined) return text === wanted;
  const [a, b] = comparator.startsWith('i') ? [text.toLowerCase(), wanted.toLowerCase()] : [text, wanted];
  const kind = comparator.replace(/^i/, '');
  if (kind === 'startswith') return a.startsWith(b);
  if (kind === 'endswith') return a.endsWith(b);
  return kind === 'contains' ? a.includes(b) : true;
}

/** The request's own URL. */
function selfLink({ request, base }: Call): string {
  const query = request.query
    .map(([key, value]) =>
      value === '' ? encodeURIComponent(key) : `${encodeURIComponent(key)}=${encodeURIComponent(value)}`,
    )
    .join('&');
  const path = request.path.replace(/^\/v3/, '').replace(/\/+$/, '');
  return `${base}${path}${query === '' ? '' : `?${query}`}`;
}

/** @throws KeystoneError 401 without a valid token */
export const authenticated = ({ token }: Call): Token => token ?? fail(unauthorized());

/** What a token may do, seen from the policy. */
export interface Rights {
  readonly token: Token;
  readonly admin: boolean;
  /** An admin, or a reader of the whole system. */
  readonly reader: boolean;
  readonly has: (role: string) => boolean;
}

function rightsOf(call: Call, keep: Keep): Rights {
  const token = authenticated(call);
  const names = keep.tokens.roles(token).map(each => each.name);
  const admin = names.includes('admin');
  return {
    token,
    admin,
    reader: admin || (token.system && names.includes('reader')),
    has: role => names.includes(role),
  };
}

/** @throws KeystoneError 401, or 403 that names the action */
export function permit(call: Call, keep: Keep, action: string, may: (rights: Rights) => boolean): Rights {
  const rights = rightsOf(call, keep);
  if (!may(rights)) throw forbidden(`identity:${action}`);
  return rights;
}

export const isAdmin = (rights: Rights): boolean => rights.admin;
export const isReader = (rights: Rights): boolean => rights.reader;

/** The projects on which a user has a role. */
export const projectsOf = (state: State, userId: string) =>
  [...state.projects.values()].filter(each => rolesOf(state, userId, each.id).length > 0);
