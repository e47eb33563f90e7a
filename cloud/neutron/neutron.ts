import type { Caller, Reply, Request } from '../wire.ts';
import { type Fields, prepare } from './attributes.ts';
import { asked, assertRevision, ifMatch, only } from './body.ts';
import { resources, unauthorized, versions } from './discovery.ts';
import { extensions } from './extensions.ts';
import { type Kind, projectOf } from './kinds/kind.ts';
import { network } from './kinds/network.ts';
import { portKind } from './kinds/port.ts';
import { defaultGroup, securityGroup } from './kinds/security-group.ts';
import { securityGroupRule } from './kinds/security-group-rule.ts';
import { subnet } from './kinds/subnet.ts';
import { subnetPool } from './kinds/subnet-pool.ts';
import { changeSubPorts, trunk } from './kinds/trunk.ts';
import { measuredMs, type Work } from './latency.ts';
import { fieldsOf, list } from './list.ts';
import { judge, owns } from './policy.ts';
import { assertRoom, quotas } from './quotas.ts';
import { forbidden, noResource, notAllowed, Refusal } from './refusal.ts';
import { type Context, changed, emptyTables, type PortRow, type Row, type Settings, type Tables } from './store.ts';
import { tags } from './tags.ts';
import { TokenCache } from './token-cache.ts';

export interface NeutronOptions {
  readonly settings: Settings;
  readonly latency: 'none' | 'measured';
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly newId: () => string;
  /** A number in [0, 1). */
  readonly random: () => number;
  readonly pause: (ms: number) => Promise<void>;
  readonly authenticate: (token: string | undefined) => Caller | undefined;
  /** Whether the access rules of the caller's application credential let it do that. */
  readonly mayCall: (caller: Caller, method: string, path: string) => boolean;
  /** Where Keystone is, given the origin that a client used. */
  readonly keystone: (origin: string) => string;
  /** Told after each change. */
  readonly changed: () => void;
  /** What an earlier snapshot() gave. */
  readonly state?: unknown;
}

/** A write takes time even where nothing is slowed down: requests that come meanwhile are requests of the same moment. */
const WRITE_MS = 20;
/** What a PUT that says nothing does not count on. */
const UNMOVED = ['network', 'security_group', 'trunk'];
/** Lists of what this cloud has none of. */
const EMPTY = [
  ...['agents', 'availability_zones', 'service-providers', 'routers', 'floatingips', 'address-groups'],
  ...['rbac-policies', 'address-scopes', 'flavors', 'segments'],
];

/** Neutron's API, in memory: a plain function from requests to replies, but for the time that they take. */
export class Neutron {
  readonly #options: NeutronOptions;
  readonly #kinds: readonly Kind[];
  readonly #tables: Tables;
  readonly #tokens: TokenCache;
  #count: number;

  constructor(options: NeutronOptions) {
    this.#options = options;
    const port = portKind(options.settings.pairLimit);
    const kinds = [network, subnet, subnetPool, port, securityGroup, securityGroupRule, trunk];
    // Each kind is told its own rows alone, by its own table.
    this.#kinds = kinds as unknown as readonly Kind[];
    this.#tables = read(options.state);
    const rules = [...this.#tables.security_group_rules.values()];
    this.#count = rules.reduce((most, rule) => Math.max(most, rule.standard_attr_id), 0) + 1;
    this.#tokens = new TokenCache(options.now, options.authenticate);
  }

  /** What `state` of a new one makes it go on from. */
  snapshot(): unknown {
    return Object.fromEntries(Object.entries(this.#tables).map(([name, table]) => [name, [...table]]));
  }

  ports(): readonly PortRow[] {
    return [...this.#tables.ports.values()];
  }

  /** Answers a request whose path begins at the service's mount point. */
  async handle(request: Request): Promise<Reply> {
    try {
      return await this.#answer(request);
    } catch (error) {
      if (error instanceof Refusal) return error.reply();
      throw error;
    }
  }

  async #answer(request: Request): Promise<Reply> {
    const { method, path, origin } = request;
    if (path === '' || path === '/') return versions(origin);
    const caller = this.#tokens.authenticate(request.headers['x-auth-token']);
    if (caller === undefined || !this.#options.mayCall(caller, method, path))
      return unauthorized(this.#options.keystone(origin));
    // Some clients say what they want to read.
    const [, version, ...parts] = path
      .replace(/\.json$/, '')
      .split('/')
      .map(decode);
    if (version !== 'v2.0' || parts.length === 0) throw noResource();
    if (parts.length === 1 && parts[0] === '') return resources(origin, this.#kinds);
    const context = this.#context(caller);
    const [collection = '', id, what, tag, ...rest] = parts.at(-1) === '' ? parts.slice(0, -1) : parts;
    if (rest.length > 0) throw noResource();
    if (collection === 'extensions' && what === undefined) return extensions(id, method);
    const kind = this.#kinds.find(one => one.path === collection);
    if (kind === undefined) return this.#special(collection, id, what, request, context);
    if (!['GET', 'POST', 'PUT', 'DELETE'].includes(method)) throw notAllowed();
    const groups = context.tables.security_groups.size;
    defaultGroup(caller.projectId, context);
    if (context.tables.security_groups.size > groups) this.#options.changed();
    if (id === undefined) return this.#collection(kind, request, context);
    if (what === undefined) return this.#single(kind, id, request, context);
    if (what === 'tags' && kind.tags) {
      await this.#take({ method, what: 'tags', count: 1 });
      return this.#told(tags(kind, id, tag, request, context), method);
    }
    if (kind.path === 'trunks' && tag === undefined) return this.#subPorts(id, what, request, context);
    throw noResource();
  }

  async #collection(kind: Kind, request: Request, context: Context): Promise<Reply> {
    const { method } = request;
    if (method === 'GET') {
      await this.#take({ method, what: 'list', count: 1 });
      return { status: 200, body: list(kind, request, context) };
    }
    if (method !== 'POST') throw kind.missing('None');
    const { many, entries } = asked(kind, request);
    const prepared = entries.map(named => {
      projectOf(named, context);
      return { fields: prepare(named, kind.attributes, 'POST'), named };
    });
    await this.#take({ method, what: kind.name === 'port' ? 'port' : 'other', count: entries.length });
    const all = () => prepared.map(({ fields, named }) => make(kind, fields, named, context));
    const made = many ? allOrNothing(context.tables, all) : all();
    const views = made.map(row => kind.view(row, context, 'made'));
    return this.#told({ status: 201, body: many ? { [kind.plural]: views } : { [kind.name]: views[0] } }, method);
  }

  async #single(kind: Kind, id: string, request: Request, context: Context): Promise<Reply> {
    const { method } = request;
    if (method === 'POST') throw noResource();
    const fields = method === 'PUT' ? prepare(only(kind, request, context), kind.attributes, 'PUT') : {};
    const revision = ifMatch(request);
    const seen = rowOf(kind, id, context);
    await this.#take({ method, what: kind.name === 'port' ? 'port' : 'other', count: 1 });
    const row = rowOf(kind, id, context);
    if (method === 'GET')
      return { status: 200, body: { [kind.name]: fieldsOf(kind.view(row, context), request.query) } };
    const action = `${method === 'PUT' ? 'update' : 'delete'}_${kind.name}`;
    const may = owns(context, row) || (method === 'DELETE' && kind.mayDelete?.(row, context));
    if (!may) throw forbidden(`rule:${action}`);
    const denied = kind.denied?.(row, fields, context);
    if (denied !== undefined) judge({ action, fields, attributes: kind.attributes, denied });
    // Up to 2025.1 the revision is compared when the request comes, so that those of the same moment all pass.
    const judged = context.settings.races === 'union' ? seen : row;
    assertRevision(revision, judged.revision_number);
    if (method === 'DELETE') {
      kind.remove(row, context);
      return this.#told({ status: 204 }, method);
    }
    const idle = Object.keys(fields).length === 0 && UNMOVED.includes(kind.name);
    const { row: next, answered = next } = idle ? { row } : kind.update(row, fields, context, judged);
    kind.table(context.tables).set(id, next);
    return this.#told({ status: 200, body: { [kind.name]: kind.view(answered, context, 'changed') } }, method);
  }

  async #subPorts(id: string, what: string, request: Request, context: Context): Promise<Reply> {
    const { method } = request;
    const seen = rowOf(trunk, id, context);
    if (method === 'GET' && what === 'get_subports') return { status: 200, body: { sub_ports: seen.sub_ports } };
    if (method !== 'PUT' || (what !== 'add_subports' && what !== 'remove_subports')) throw noResource();
    await this.#take({ method, what: 'other', count: 1 });
    const row = rowOf(trunk, id, context);
    assertRevision(ifMatch(request), (context.settings.races === 'union' ? seen : row).revision_number);
    const next = changeSubPorts(
      row,
      what === 'add_subports' ? 'add' : 'remove',
      (request.body ?? {}) as Fields,
      context,
    );
    context.tables.trunks.set(id, next.row);
    return this.#told({ status: 200, body: trunk.view(next.answered ?? next.row, context) }, method);
  }

  #special(
    collection: string,
    id: string | undefined,
    what: string | undefined,
    request: Request,
    context: Context,
  ): Reply {
    if (collection === 'quotas') return this.#told(quotas(id, what, request, context), request.method);
    if (request.method !== 'GET') throw noResource();
    if (EMPTY.includes(collection) && id === undefined)
      return { status: 200, body: { [collection.replaceAll('-', '_')]: [] } };
    if (collection === 'qos' && id === 'policies') return { status: 200, body: { policies: [] } };
    throw noResource();
  }

  async #take(work: Work): Promise<void> {
    const { latency, pause, random } = this.#options;
    const quick = work.method === 'GET' ? 0 : WRITE_MS;
    const ms = latency === 'measured' ? measuredMs(work, random()) : quick;
    if (ms > 0) await pause(ms);
  }

  #told(reply: Reply, method: string): Reply {
    if (method !== 'GET') this.#options.changed();
    return reply;
  }

  #context(caller: Caller): Context {
    const { settings, now, newId, random } = this.#options;
    return {
      tables: this.#tables,
      settings,
      caller,
      isAdmin: caller.roles.includes('admin'),
      now: `${new Date(now()).toISOString().slice(0, 19)}Z`,
      newId,
      pick: below => Math.floor(random() * below),
      count: () => this.#count++,
    };
  }
}

/** Makes one and puts it into its table. @throws Refusal */
function make(kind: Kind, fields: Record<string, unknown>, named: Fields, context: Context): Row {
  assertRoom(projectOf(named, context), kind.name, 1, context);
  const row = kind.create(fields, named, context);
  // Tags are put there afterwards, and counted.
  const tagged = row.tags.length === 0 ? row : changed(row, context, {});
  kind.table(context.tables).set(row.id, tagged);
  return tagged;
}

/** Where one of many is refused, none is made. */
function allOrNothing<T>(tables: Tables, work: () => T): T {
  const before = (Object.values(tables) as Map<string, unknown>[]).map(table => [table, [...table]] as const);
  try {
    return work();
  } catch (error) {
    for (const [table, rows] of before) {
      table.clear();
      for (const [id, row] of rows) table.set(id, row);
    }
    throw error;
  }
}

function rowOf<R extends Row>(kind: Kind<R>, id: string, context: Context): R {
  const row = kind.table(context.tables).get(id);
  if (row === undefined || !kind.visible(row, context)) throw kind.missing(id);
  return row;
}

function read(state: unknown): Tables {
  const tables = emptyTables();
  const kept = (state ?? {}) as Partial<Record<keyof Tables, [string, unknown][]>>;
  for (const [name, table] of Object.entries(tables) as [keyof Tables, Map<string, unknown>][]) {
    for (const [id, row] of kept[name] ?? []) table.set(id, row);
  }
  return tables;
}

const decode = (part: string): string => {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
};
