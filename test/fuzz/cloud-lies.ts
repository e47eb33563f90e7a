import fc from 'fast-check';
import { type HttpAnswer, type HttpRequest, TransportError } from '../../src/openstack/http.ts';
import { json, type Lie } from './cloud-http.ts';
import { type Change, changed, changes } from './mutate.ts';

/** How an answer is not what it should be. */
type Lying =
  | { readonly how: 'changed'; readonly list: readonly Change[] }
  | { readonly how: 'refused'; readonly status: number; readonly type: string; readonly message: string }
  | { readonly how: 'status'; readonly status: number }
  | { readonly how: 'body'; readonly body: string }
  | { readonly how: 'header'; readonly name: string; readonly value: string }
  | { readonly how: 'lost'; readonly unsent: boolean; readonly code: string }
  /** It repeats what it was sent, as a talkative gateway does. */
  | { readonly how: 'echo' }
  /** Each page of a list ends with another entry, and says that there is more. */
  | { readonly how: 'endless' }
  /** Whatever the query asks for, all there is. */
  | { readonly how: 'unfiltered' };

/** Which requests are answered otherwise, and how. */
export interface Fault {
  readonly method: HttpRequest['method'] | 'any';
  readonly of: 'identity' | 'network' | 'one port' | 'any';
  /** Of the fitting requests only each n-th. */
  readonly every: number;
  readonly lying: Lying;
}

const statuses = [
  ...[200, 201, 204, 206, 300, 301, 302, 304, 307, 400, 401, 403, 404, 409, 412, 413, 429, 500, 502, 503, 504, 599],
];
const types = [
  ...[
    '',
    'constructor',
    '__proto__',
    'IpAddressInUse',
    'AddressPairAndPortSecurityRequired',
    'a\u001b[2J',
    'OverQuota',
  ],
  ...['AllowedAddressPairExhausted', 'a'.repeat(5000)],
];
const messages = [
  ...[
    '',
    'no',
    'exceeds the maximum 0',
    `exceeds the maximum ${'9'.repeat(30)}`,
    '\u001b]0;a\u0007',
    '{port} {toString}',
  ],
  ...['IP address ::::: in subnet', 'a'.repeat(100_000)],
];
const bodies = ['', '<html>', '[', 'null', '0', '"a"', '\ufeff{}', '[]', '{}', '['.repeat(5_000) + ']'.repeat(5_000)];
const headers = ['retry-after', 'x-subject-token', 'x-openstack-request-id', 'date', 'location'];
const values = ['', '0', '-1', '1', '9'.repeat(400), 'Thu, 32 Foo', 'a\u00ff', '../..', 'http://evil.test/'];
const codes = ['ECONNRESET', 'ECONNREFUSED', 'UND_ERR_SOCKET', 'HPE_INVALID_CONSTANT', 'CERT_HAS_EXPIRED', 'TOO_LARGE'];

const how = <H extends Lying['how']>(name: H) => fc.constant(name);
const lyings: fc.Arbitrary<Lying> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ how: how('changed'), list: changes }) },
  fc.record({
    ...{ how: how('refused'), status: fc.constantFrom(...statuses) },
    ...{ type: fc.constantFrom(...types), message: fc.constantFrom(...messages) },
  }),
  fc.record({ how: how('status'), status: fc.constantFrom(...statuses) }),
  fc.record({ how: how('body'), body: fc.constantFrom(...bodies) }),
  fc.record({ how: how('header'), name: fc.constantFrom(...headers), value: fc.constantFrom(...values) }),
  fc.record({ how: how('lost'), unsent: fc.boolean(), code: fc.constantFrom(...codes) }),
  fc.constantFrom<Lying>({ how: 'echo' }, { how: 'endless' }, { how: 'unfiltered' }),
);

export const faults: fc.Arbitrary<readonly Fault[]> = fc.array(
  fc.record({
    method: fc.constantFrom('GET', 'GET', 'POST', 'PUT', 'DELETE', 'any'),
    of: fc.constantFrom('identity', 'network', 'one port', 'any'),
    every: fc.constantFrom(1, 1, 2, 3),
    lying: lyings,
  }),
  { minLength: 1, maxLength: 2 },
);

/** Answers as the faults say. */
export function liar(list: readonly Fault[]): Lie {
  const seen = new Map<Fault, number>();
  let entries = 0;
  const nextId = () => `x${++entries}`;
  return async (request, honest, all) => {
    let answer: HttpAnswer | TransportError = honest;
    for (const fault of list) {
      if (answer instanceof TransportError || !concerns(fault, request)) continue;
      seen.set(fault, (seen.get(fault) ?? 0) + 1);
      if ((seen.get(fault) ?? 0) % fault.every === 0) answer = await lied(fault.lying, request, answer, all, nextId);
    }
    return answer;
  };
}

function concerns({ method, of }: Fault, request: HttpRequest): boolean {
  if (method !== 'any' && method !== request.method) return false;
  const identity = request.url.includes('/v3/');
  if (of === 'any') return true;
  return of === 'identity' ? identity : !identity && (of === 'network' || /\/ports\/[^?]/.test(request.url));
}

async function lied(
  lying: Lying,
  request: HttpRequest,
  honest: HttpAnswer,
  all: () => Promise<HttpAnswer>,
  nextId: () => string,
): Promise<HttpAnswer | TransportError> {
  switch (lying.how) {
    case 'changed':
      return { ...honest, body: JSON.stringify(changed(JSON.parse(honest.body || '{}'), lying.list)) };
    case 'refused': {
      const { status, type, message } = lying;
      return json(status, { NeutronError: { type, message, detail: '' }, error: { message, code: status } });
    }
    case 'status':
      return { ...honest, status: lying.status };
    case 'body':
      return { ...honest, body: lying.body };
    case 'header':
      return { ...honest, headers: { ...honest.headers, [lying.name]: lying.value } };
    case 'lost':
      return new TransportError(lying.unsent, lying.code, lying.code);
    case 'echo': {
      const message = `no: ${request.headers['x-auth-token']} ${request.body}`.slice(0, 450);
      return json(403, { NeutronError: { type: message, message, detail: '' }, error: { message, code: 403 } });
    }
    case 'endless':
      return endless(honest, nextId);
    case 'unfiltered':
      return request.method === 'GET' ? all() : honest;
  }
}

function endless(honest: HttpAnswer, nextId: () => string): HttpAnswer {
  const body = JSON.parse(honest.body || '{}') as Record<string, unknown>;
  for (const kind of ['ports', 'networks', 'subnets']) {
    const entries = body[kind];
    if (!Array.isArray(entries)) continue;
    const more = entries.map(entry => ({ ...entry, id: nextId() }));
    return json(200, {
      [kind]: [...entries, ...more],
      [`${kind}_links`]: [{ rel: 'next', href: 'http://evil.test/' }],
    });
  }
  return honest;
}
