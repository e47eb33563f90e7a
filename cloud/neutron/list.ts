import type { Request } from '../wire.ts';
import { MOUNT } from './discovery.ts';
import type { Kind } from './kinds/kind.ts';
import { badInput, badRequest, internalError, Refusal } from './refusal.ts';
import type { Context, Row } from './store.ts';
import { shown } from './values.ts';

type Shown = Readonly<Record<string, unknown>>;

/** Names of a query that are no filters. */
const CONTROLS = ['fields', 'limit', 'marker', 'page_reverse', 'sort_key', 'sort_dir'];

interface Page {
  readonly limit: number;
  readonly marker: string | undefined;
  readonly reverse: boolean;
  readonly keys: readonly (readonly [key: string, descending: boolean])[];
}

/** A list as GET answers it: filtered, sorted, a page of it, with the fields that are wanted. @throws Refusal */
export function list<R extends Row>(kind: Kind<R>, request: Request, context: Context): object {
  const { query } = request;
  const page = pageOf(kind, query);
  const matches = filtersOf(kind, query);
  const rows = [...kind.table(context.tables).values()].filter(row => kind.visible(row, context));
  // Filters see what their sender does not.
  const everything = { ...context, isAdmin: true };
  const all = rows.map(row => ({ ...kind.view(row, everything), ...kind.unshown?.(row, everything) })).filter(matches);
  const some = paged(kind, all, page);
  const unshown = new Set(rows.flatMap(row => Object.keys(kind.unshown?.(row, everything) ?? {})));
  const hidden = Object.keys(kind.attributes).filter(
    name => unshown.has(name) || (!context.isAdmin && kind.attributes[name]?.hidden),
  );
  const seen = (entry: Shown) => Object.fromEntries(Object.entries(entry).filter(([name]) => !hidden.includes(name)));
  const entries = some.map(entry => fieldsOf(seen(entry), query));
  if (page.limit === 0) return { [kind.plural]: entries };
  return { [kind.plural]: entries, [`${kind.plural}_links`]: links(request, some, page) };
}

/** An entry cut down to the fields of the query. */
export function fieldsOf(entry: Shown, query: Request['query']): Shown {
  const wanted = query.filter(([name]) => name === 'fields').map(([, value]) => value);
  if (wanted.length === 0) return entry;
  return Object.fromEntries(Object.entries(entry).filter(([name]) => wanted.includes(name)));
}

function valuesOf(query: Request['query'], name: string): string[] {
  return query.filter(([key]) => key === name).map(([, value]) => value);
}

function pageOf<R extends Row>(kind: Kind<R>, query: Request['query']): Page {
  const [limit = '0'] = valuesOf(query, 'limit');
  if (!/^\d+$/.test(limit)) {
    throw new Refusal(
      400,
      'BadRequest',
      `Bad limit request: Limit must be an integer 0 or greater and not '${limit}'.`,
    );
  }
  const keys = valuesOf(query, 'sort_key');
  const directions = valuesOf(query, 'sort_dir');
  if (keys.length !== directions.length) throw badRequest('The number of sort_keys and sort_dirs must be same');
  const invalid = keys.filter(key => !kind.attributes[key]?.sort);
  if (invalid.length > 0) throw badRequest(`${shown(invalid)} is invalid attribute for sort_keys`);
  const strange = directions.filter(direction => direction !== 'asc' && direction !== 'desc');
  if (strange.length > 0)
    throw badRequest(`${shown(strange)} is invalid value for sort_dirs, valid value is 'asc' and 'desc'`);
  return {
    limit: Number(limit),
    marker: Number(limit) === 0 ? undefined : valuesOf(query, 'marker')[0],
    reverse: valuesOf(query, 'page_reverse')[0]?.toLowerCase() === 'true',
    keys: keys.map((key, index) => [key, directions[index] === 'desc']),
  };
}

function paged<R extends Row>(kind: Kind<R>, all: readonly Shown[], page: Page): readonly Shown[] {
  const { limit, marker, reverse, keys } = page;
  const ordered = [...all];
  // Only pages need an order of their own: a list without one is in no order.
  if (keys.length > 0 || limit > 0 || marker !== undefined)
    ordered.sort((a, b) => compare(a, b, [...keys, ['id', false]]));
  if (reverse) ordered.reverse();
  const from = marker === undefined ? 0 : ordered.findIndex(({ id }) => id === marker) + 1;
  if (marker !== undefined && from === 0) throw kind.missing(marker);
  const some = ordered.slice(from, limit === 0 ? undefined : from + limit);
  return reverse ? some.reverse() : some;
}

function compare(one: Shown, other: Shown, keys: Page['keys']): number {
  for (const [key, descending] of keys) {
    const [a, b] = [one[key], other[key]];
    if (a === b) continue;
    const less =
      a === null || a === undefined ? false : b === null || b === undefined ? true : (a as string) < (b as string);
    return less === descending ? 1 : -1;
  }
  return 0;
}

function links(request: Request, some: readonly Shown[], { limit, reverse }: Page): object[] {
  const kept = request.query.filter(([name]) => name !== 'marker' && name !== 'page_reverse');
  const href = (marker: Shown | undefined, ...more: [string, string][]) => {
    const at: [string, string][] = marker === undefined ? [] : [['marker', String(marker['id'])]];
    const query = [...kept, ...at, ...more].map(([name, value]) => [name, value]);
    return `${request.origin}${MOUNT}${request.path}?${new URLSearchParams(query)}`;
  };
  const short = some.length < limit;
  return [
    ...(short && !reverse ? [] : [{ rel: 'next', href: href(some.at(-1)) }]),
    ...(short && reverse ? [] : [{ rel: 'previous', href: href(some[0], ['page_reverse', 'True']) }]),
  ];
}

/** What a query asks of each entry. @throws Refusal where it names what cannot be asked for */
function filtersOf<R extends Row>(kind: Kind<R>, query: Request['query']): (entry: Shown) => boolean {
  const asked = query.filter(([name]) => !CONTROLS.includes(name));
  const names = [...new Set(asked.map(([name]) => name))];
  const invalid = names.filter(name => !kind.attributes[name]?.filter);
  if (invalid.length > 0) throw badRequest(`${shown(invalid)} is invalid attribute for filtering`);
  // A value that is empty asks for nothing.
  const tests = [...new Set(asked.filter(([, value]) => value !== '').map(([name]) => name))].map(name =>
    filterOf(kind, name, valuesOf(query, name)),
  );
  return entry => tests.every(test => test(entry));
}

function filterOf<R extends Row>(kind: Kind<R>, name: string, values: readonly string[]): (entry: Shown) => boolean {
  if (name === 'fixed_ips') return fixedIps(values);
  const tags = values.flatMap(value => value.split(','));
  const has = (entry: Shown) => (tag: string) => (entry['tags'] as string[]).includes(tag);
  if (name === 'tags') return entry => tags.every(has(entry));
  if (name === 'tags-any') return entry => tags.some(has(entry));
  if (name === 'not-tags') return entry => !tags.every(has(entry));
  if (name === 'not-tags-any') return entry => !tags.some(has(entry));
  const { enumerated, validate } = kind.attributes[name] ?? {};
  // The database knows no such value, and Neutron fails over that.
  if (enumerated && values.some(value => validate?.(value) !== undefined)) throw internalError();
  const convert = kind.attributes[name]?.convert ?? (value => value);
  const wanted = values.map(value => String(convert(value)));
  return entry => {
    const value = entry[name];
    if (Array.isArray(value)) return value.some(item => wanted.includes(String(item)));
    return wanted.includes(value === null || value === undefined ? '' : String(value));
  };
}

/** `ip_address=A`, `subnet_id=S`, `ip_address_substr=T`: one address of the port has to fit all kinds that are named. */
function fixedIps(values: readonly string[]): (entry: Shown) => boolean {
  const pairs = values.map(value => {
    const [key = '', ...rest] = value.split('=');
    if (rest.length === 0) throw badInput(`'${value}' is not of the form <key>=[value]`);
    return [key, rest.join('=')] as const;
  });
  const of = (name: string) => pairs.filter(([key]) => key === name).map(([, value]) => value);
  const [addresses, subnets, parts] = [of('ip_address'), of('subnet_id'), of('ip_address_substr')];
  return entry =>
    pairs.every(([key]) => !['ip_address', 'subnet_id', 'ip_address_substr'].includes(key)) ||
    (entry['fixed_ips'] as readonly { ip_address: string; subnet_id: string }[]).some(
      ip =>
        (addresses.length === 0 || addresses.includes(ip.ip_address)) &&
        (subnets.length === 0 || subnets.includes(ip.subnet_id)) &&
        (parts.length === 0 || parts.some(part => ip.ip_address.includes(part))),
    );
}
