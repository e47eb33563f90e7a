/** What a case works with: the cloud, things that are made and go away with the case, and how refusals are read. */
import assert from 'node:assert/strict';
import type { Answer } from '../lab/cloud/client.ts';
import type { User } from '../lab/cloud/identity.ts';
import type { Bed } from './bed.ts';
import type { Asking, Target } from './target.ts';

type Body = Answer['body'];
type Fields = Readonly<Record<string, unknown>>;

/** One promise of the cloud's that its users rely on. Cases run side by side, each with networks of its own or the bed. */
export interface Case {
  readonly name: string;
  readonly run: (t: Trial) => Promise<void>;
}

export class Trial {
  readonly target: Target;
  /** Shared by all cases, and changed by none. */
  readonly bed: Bed;
  readonly #undo: (() => Promise<unknown>)[] = [];

  constructor(target: Target, bed: Bed) {
    this.target = target;
    this.bed = bed;
  }

  /** Undone when the case ends, the last first, where the cloud is kept tidy. */
  defer(undo: () => Promise<unknown>): void {
    this.#undo.push(undo);
  }

  async end(): Promise<void> {
    if (this.target.tidy) for (const undo of this.#undo.reverse()) await undo();
  }

  api(method: string, path: string, body?: unknown, asking?: Asking): Promise<Answer> {
    return this.target.api(method, path, body, asking);
  }

  /** What was answered, which must be an agreement. */
  async ok(method: string, path: string, body?: unknown, user: User = 'demo'): Promise<Body> {
    const answer = await this.api(method, path, body, { user });
    if (answer.status < 300) return answer.body;
    throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
  }

  async get(path: string, user: User = 'demo'): Promise<Body> {
    return await this.ok('GET', path, undefined, user);
  }

  /** Makes `{kind: fields}` and deletes it when the case ends. */
  async make(kind: string, fields: Fields, user: User = 'demo'): Promise<Body> {
    const path = `/${kind.replaceAll('_', '-')}s`;
    const made = (await this.ok('POST', path, { [kind]: fields }, user))[kind];
    this.defer(() => this.api('DELETE', `${path}/${made.id}`, undefined, { user }));
    return made;
  }

  network(fields: Fields = {}, user: User = 'demo'): Promise<Body> {
    return this.make('network', { name: 'contract', ...fields }, user);
  }

  /** A subnet, which goes away with its network. */
  async subnet(network_id: string, cidr: string, fields: Fields = {}, user: User = 'demo'): Promise<Body> {
    const ip_version = cidr.includes(':') ? 6 : 4;
    return (await this.ok('POST', '/subnets', { subnet: { network_id, ip_version, cidr, ...fields } }, user)).subnet;
  }

  port(network_id: string, fields: Fields = {}, user: User = 'demo'): Promise<Body> {
    return this.make('port', { network_id, ...fields }, user);
  }

  /** A port on the bed's network without addresses of its own, which is quick to make. */
  bare(fields: Fields = {}): Promise<Body> {
    return this.port(this.bed.network.id, { fixed_ips: [], ...fields });
  }

  /** A network with one subnet. */
  async net(cidr: string, fields: Fields = {}): Promise<{ network: Body; subnet: Body }> {
    const network = await this.network();
    return { network, subnet: await this.subnet(network.id, cidr, fields) };
  }

  async put(port: { id: string }, fields: Fields, asking?: Asking): Promise<Answer> {
    return await this.api('PUT', `/ports/${port.id}`, { port: fields }, asking);
  }
}

/** Asserts a refusal of Neutron's, to the letter. */
export function refused({ status, headers, body }: Answer, code: number, type: string, message: string): void {
  assert.deepEqual({ status, body }, { status: code, body: { NeutronError: { type, message, detail: '' } } });
  assert.match(headers.get('content-type') ?? '', /^application\/json/);
}

/** Asserts the status, and shows what was said where it is another. */
export function status(answer: Answer, code: number): void {
  assert.equal(answer.status, code, JSON.stringify(answer.body));
}

/** The addresses of a port, in order. */
export const addresses = (port: { fixed_ips: readonly { ip_address: string }[] }): string[] =>
  port.fixed_ips.map(({ ip_address }) => ip_address);

/** Neutron's times: UTC, whole seconds. */
export const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/;

/** The fields of a resource but for its id and times, which are asserted to be such. */
export function fieldsOf({ id, created_at, updated_at, ...rest }: Body): Body {
  assert.match(id, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  assert.match(created_at, TIME);
  assert.match(updated_at, TIME);
  return rest;
}

/** The keys of an object, sorted. */
export const keys = (object: object): string[] => Object.keys(object).sort();
