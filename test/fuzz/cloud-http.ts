import { isKuryrError } from '../../src/errors/kuryr-error.ts';
import type { FakeNeutron } from '../../src/openstack/fake-neutron.ts';
import { type HttpAnswer, type HttpClient, type HttpRequest, TransportError } from '../../src/openstack/http.ts';

/** What may stand in the place of an honest answer; `all` is the honest one to the same request without its query. */
export type Lie = (
  request: HttpRequest,
  honest: HttpAnswer,
  all: () => Promise<HttpAnswer>,
) => Promise<HttpAnswer | TransportError>;

/** An honest cloud. */
export const honestly: Lie = async (_, honest) => honest;

/** Never to be seen in an answer or a log line. */
export const SECRETS = { password: 'pa55-of-the-user', token: 'gAAAA-token-of-the-user' };

const AUTH = 'http://keystone.test:5000/v3';
const ENDPOINT = 'http://neutron.test:9696';

/** A file that names this cloud. */
export const cloudsYaml = `clouds:
  fuzz:
    auth: {auth_url: '${AUTH}', username: demo, password: '${SECRETS.password}', project_name: demo,
           user_domain_name: Default, project_domain_name: Default}
`;

/** Keystone and Neutron's HTTP over a Neutron in memory, honest until told to lie. */
export class CloudHttp implements HttpClient {
  readonly #neutron: FakeNeutron;
  /** All that was asked, with what was answered in the end. */
  readonly exchanges: { readonly request: HttpRequest; readonly answer: HttpAnswer | TransportError }[] = [];
  lie = honestly;

  constructor(neutron: FakeNeutron) {
    this.#neutron = neutron;
  }

  async request(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
    if (signal.aborted) throw new TransportError(true, 'ABORTED', 'given up');
    const honest = request.url.startsWith(AUTH) ? token() : await this.#network(request, signal);
    const all = () => this.#network({ ...request, url: request.url.replace(/\?.*/, '') }, signal);
    const answer = await this.lie(request, honest, all);
    this.exchanges.push({ request, answer });
    if (answer instanceof TransportError) throw answer;
    return answer;
  }

  async close(): Promise<void> {}

  async #network(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
    const { pathname, searchParams } = new URL(request.url);
    const [kind = '', id = ''] = pathname.replace('/v2.0/', '').split('/').map(decodeURIComponent);
    try {
      const body = await this.#answer(request, kind, id, searchParams, signal);
      return json(body === undefined ? 204 : request.method === 'POST' ? 201 : 200, body);
    } catch (error) {
      if (!isKuryrError(error)) throw error;
      const { status, type, message } = error.details;
      return json(Number(status), { NeutronError: { type, message, detail: '' } });
    }
  }

  async #answer(request: HttpRequest, kind: string, id: string, query: URLSearchParams, signal: AbortSignal) {
    const neutron = this.#neutron;
    const { method } = request;
    const body = request.body === undefined ? {} : JSON.parse(request.body).port;
    if (kind === 'extensions') return { extensions: [...(await neutron.extensions(signal))].map(alias => ({ alias })) };
    if (method === 'POST') return { port: await neutron.createPort(body, signal) };
    if (method === 'DELETE') return await neutron.deletePort(id, signal);
    if (method === 'PUT') {
      const revision = /revision_number=(\d+)/.exec(request.headers['if-match'] ?? '')?.[1];
      return {
        port: await neutron.updatePort(id, body, revision === undefined ? undefined : Number(revision), signal),
      };
    }
    if (kind === 'ports' && id !== '') return { port: await neutron.port(id, signal) };
    const filter: Record<string, string[]> = {};
    for (const [key, value] of query)
      if (!['limit', 'marker', 'fields'].includes(key)) filter[key] = [...(filter[key] ?? []), value];
    if (kind === 'ports') return { ports: await neutron.ports(filter, signal) };
    if (kind === 'networks') return { networks: await neutron.networks(filter, signal) };
    return { subnets: await neutron.subnets(filter, signal) };
  }
}

export function json(status: number, body: unknown): HttpAnswer {
  const headers = { 'content-type': 'application/json', 'x-openstack-request-id': 'req-fuzz' };
  return { status, headers, body: body === undefined ? '' : JSON.stringify(body) };
}

function token(): HttpAnswer {
  const issued = new Date();
  const body = {
    token: {
      issued_at: issued.toISOString(),
      expires_at: new Date(issued.getTime() + 3_600_000).toISOString(),
      project: { id: 'project' },
      roles: [{ name: 'member' }],
      catalog: [{ type: 'network', endpoints: [{ interface: 'public', region: 'RegionOne', url: ENDPOINT }] }],
    },
  };
  const answer = json(201, body);
  return { ...answer, headers: { ...answer.headers, 'x-subject-token': SECRETS.token } };
}
