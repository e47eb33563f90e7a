import type * as v from 'valibot';
import { isKuryrError } from '../errors/kuryr-error.ts';
import { assertSuccess, badAnswer, readAnswer } from './answer.ts';
import type { Deadline } from './deadline.ts';
import type { HttpAnswer } from './http.ts';
import type { Filter, Network, Neutron, Port, PortCreate, Subnet } from './neutron.ts';
import { type ApiRequest, isOutcomeUnknown, type NeutronApi, outcomeUnknown, waitBeforeRepeat } from './neutron-api.ts';
import { extensionsSchema, networkSchema, one, PORT_FIELDS, page, portSchema, subnetSchema } from './neutron-wire.ts';
import { type Repeating, repeat } from './repeat.ts';

/** Entries on a page; clouds that allow fewer (pagination_max_limit) give fewer. */
const PAGE_SIZE = 500;
/** A list longer than a million entries is a server that goes round in circles. */
const MAX_PAGES = 2_000;
/** What all pages of a list may hold together, characters: 10,000 ports of 2 KiB three times over. */
const MAX_LIST_CHARACTERS = 64 * 1024 * 1024;
/** How often a list is begun again whose place was lost. */
const MAX_BEGINNINGS = 5;

/** Neutron over HTTP. */
export class NeutronClient implements Neutron {
  readonly #api: NeutronApi;
  readonly #repeating: Repeating;
  #extensions: ReadonlySet<string> | undefined;

  constructor(api: NeutronApi, repeating: Repeating) {
    this.#api = api;
    this.#repeating = repeating;
  }

  async extensions(signal: AbortSignal): Promise<ReadonlySet<string>> {
    if (this.#extensions !== undefined) return this.#extensions;
    const { extensions } = await this.#get('/extensions', '/extensions', extensionsSchema, signal);
    this.#extensions = new Set(extensions.map(extension => extension.alias));
    return this.#extensions;
  }

  port(id: string, signal: AbortSignal): Promise<Port> {
    return this.#get(`/ports/${encodeURIComponent(id)}`, '/ports/{id}', one('port', portSchema, id), signal);
  }

  ports(filter: Filter, signal: AbortSignal): Promise<readonly Port[]> {
    return this.#list('ports', portSchema, filter, PORT_FIELDS, signal);
  }

  networks(filter: Filter, signal: AbortSignal): Promise<readonly Network[]> {
    return this.#list('networks', networkSchema, filter, [], signal);
  }

  subnets(filter: Filter, signal: AbortSignal): Promise<readonly Subnet[]> {
    return this.#list('subnets', subnetSchema, filter, [], signal);
  }

  async createPort(body: PortCreate, signal: AbortSignal): Promise<Port> {
    const request: ApiRequest = { method: 'POST', path: '/ports', route: '/ports', body: { port: body } };
    return this.#api.within(request, signal, async deadline => {
      let doubtful = false;
      const attempt = async () => {
        const made = doubtful ? await this.#made(body, deadline) : undefined;
        if (made !== undefined) return made;
        try {
          const port = await this.#send(request, one('port', portSchema), deadline);
          // The one that was thought lost may only have been slow, and then there are two.
          return doubtful ? ((await this.#made(body, deadline)) ?? port) : port;
        } catch (error) {
          if (isOutcomeUnknown(error)) doubtful = true;
          else if (doubtful && isKuryrError(error) && waitBeforeRepeat(error) === undefined) {
            // Refused perhaps because the first one took the address or the last of the quota after all.
            const late = await this.#made(body, deadline);
            if (late !== undefined) return late;
            doubtful = false;
          }
          throw error;
        }
      };
      try {
        return await repeat(this.#repeating, deadline, attempt, waitBeforeRepeat);
      } catch (error) {
        // The last try failed otherwise, but an earlier one may have taken effect.
        throw doubtful && !isOutcomeUnknown(error) ? outcomeUnknown(error) : error;
      }
    });
  }

  updatePort(
    id: string,
    fields: Readonly<Record<string, unknown>>,
    revision: number | undefined,
    signal: AbortSignal,
  ): Promise<Port> {
    const path = `/ports/${encodeURIComponent(id)}`;
    const request: ApiRequest = { method: 'PUT', path, route: '/ports/{id}', body: { port: fields }, revision };
    // Repeated after a lost answer, a write with a revision meets its own effect and is refused as stale.
    const again = (error: unknown) =>
      revision !== undefined && isOutcomeUnknown(error) ? undefined : waitBeforeRepeat(error);
    return this.#api.within(request, signal, deadline => {
      const attempt = () => this.#send(request, one('port', portSchema, id), deadline);
      return repeat(this.#repeating, deadline, attempt, again);
    });
  }

  deletePort(id: string, signal: AbortSignal): Promise<void> {
    const path = `/ports/${encodeURIComponent(id)}`;
    return this.#api.within({ method: 'DELETE', path }, signal, deadline => this.#delete(id, deadline));
  }

  async #delete(id: string, deadline: Deadline): Promise<void> {
    const path = `/ports/${encodeURIComponent(id)}`;
    const attempt = async () => {
      const sent = await this.#api.send({ method: 'DELETE', path, route: '/ports/{id}' }, deadline);
      assertSuccess(sent.answer, sent.request);
    };
    try {
      await repeat(this.#repeating, deadline, attempt, waitBeforeRepeat);
    } catch (error) {
      if (!isKuryrError(error, 'NEUTRON_NOT_FOUND')) throw error;
    }
  }

  /** The port that an earlier POST of this body has made; of several one is kept. */
  async #made({ name, device_id, network_id }: PortCreate, deadline: Deadline): Promise<Port | undefined> {
    const ports = await this.#pages('ports', portSchema, { name, device_id, network_id }, PORT_FIELDS, deadline);
    // Looked at again, since the surplus is deleted: a gateway may lose the query, and then all ports are listed.
    const made = ports.filter(
      port => port.name === name && port.device_id === device_id && port.network_id === network_id,
    );
    const [kept, ...surplus] = made.toSorted((a, b) => (a.id < b.id ? -1 : 1));
    for (const port of surplus) await this.#delete(port.id, deadline);
    return kept;
  }

  #get<T>(path: string, route: string, schema: v.GenericSchema<unknown, T>, signal: AbortSignal): Promise<T> {
    const request: ApiRequest = { method: 'GET', path, route };
    return this.#api.within(request, signal, deadline => this.#getOnce(request, schema, deadline));
  }

  /** @param arrived told of each answer before it is read */
  #getOnce<T>(
    request: ApiRequest,
    schema: v.GenericSchema<unknown, T>,
    deadline: Deadline,
    arrived?: (answer: HttpAnswer) => void,
  ): Promise<T> {
    return repeat(this.#repeating, deadline, () => this.#send(request, schema, deadline, arrived), waitBeforeRepeat);
  }

  async #send<T>(
    request: ApiRequest,
    schema: v.GenericSchema<unknown, T>,
    deadline: Deadline,
    arrived?: (answer: HttpAnswer) => void,
  ): Promise<T> {
    const sent = await this.#api.send(request, deadline);
    arrived?.(sent.answer);
    return readAnswer(schema, sent.answer, sent.request);
  }

  #list<T extends { readonly id: string }>(
    kind: string,
    schema: v.GenericSchema<unknown, T>,
    filter: Filter,
    fields: readonly string[],
    signal: AbortSignal,
  ): Promise<readonly T[]> {
    return this.#api.within({ method: 'GET', path: `/${kind}` }, signal, deadline =>
      this.#pages(kind, schema, filter, fields, deadline),
    );
  }

  /**
   * All pages of a list. The next page is asked for by marker at our own endpoint: the link in the answer is never
   * followed, since a wrong one would carry the token to another host.
   */
  async #pages<T extends { readonly id: string }>(
    kind: string,
    schema: v.GenericSchema<unknown, T>,
    filter: Filter,
    fields: readonly string[],
    deadline: Deadline,
  ): Promise<readonly T[]> {
    const items = new Map<string, T>();
    const query = new URLSearchParams({ limit: String(PAGE_SIZE) });
    for (const [key, value] of Object.entries(filter)) for (const each of [value].flat()) query.append(key, each);
    const endless = () => badAnswer({ method: 'GET', url: `/v2.0/${kind}` }, 'the list does not come to an end');
    let beginnings = 1;
    let characters = 0;
    for (let pages = 0; pages < MAX_PAGES; pages++) {
      const request: ApiRequest = { method: 'GET', path: `/${kind}?${query}`, fields, route: `/${kind}` };
      const count = ({ body }: HttpAnswer) => {
        characters += body.length;
      };
      const got = await this.#getOnce(request, page(kind, schema), deadline, count).catch((error: unknown) => {
        if (!query.has('marker') || !isKuryrError(error, 'NEUTRON_NOT_FOUND')) throw error;
        return undefined;
      });
      if (characters > MAX_LIST_CHARACTERS) throw endless();
      if (got === undefined) {
        if (beginnings++ === MAX_BEGINNINGS) throw endless();
        // The entry that the last page ended with was deleted meanwhile, and Neutron no longer knows where that was.
        items.clear();
        query.delete('marker');
        pages = -1;
        continue;
      }
      const before = items.size;
      for (const item of got.items) items.set(item.id, item);
      const last = got.items.at(-1);
      if (!got.more || last === undefined || items.size === before) return [...items.values()];
      query.set('marker', last.id);
    }
    throw endless();
  }
}
