/** Finds the handler of a request, and says what happens where there is none. */
import type { Reply, Request } from '../wire.ts';
import type { Handler } from './call.ts';
import { KeystoneError, lacking } from './errors.ts';
import { isObject } from './schema.ts';
import type { Token } from './state.ts';

/** `GET /v3/users/{user_id}`; a HEAD is a GET without its body. */
export type Routes = Readonly<Record<string, Handler>>;

interface Route {
  readonly segments: readonly string[];
  readonly methods: Map<string, Handler>;
}

export class Router {
  readonly #routes: Route[] = [];

  constructor(routes: Routes) {
    for (const [key, handler] of Object.entries(routes)) {
      const [method = '', path = ''] = key.split(' ');
      const segments = split(path);
      let route = this.#routes.find(each => each.segments.join('/') === segments.join('/'));
      if (route === undefined) {
        route = { segments, methods: new Map() };
        this.#routes.push(route);
      }
      route.methods.set(method, handler);
    }
    // what is spelt out goes before what a parameter matches
    const parameters = ({ segments }: Route) => segments.filter(isParameter).length;
    this.#routes.sort((a, b) => parameters(a) - parameters(b));
  }

  /** @param tokenOf the valid token of the request, if it has one; may throw KeystoneError */
  handle(request: Request, tokenOf: () => Token | undefined): Reply {
    const reply = this.#answer(request, tokenOf);
    const headers = { ...reply.headers, vary: 'X-Auth-Token' };
    if (request.method !== 'HEAD') return { ...reply, headers };
    return { status: reply.status, headers };
  }

  #answer(request: Request, tokenOf: () => Token | undefined): Reply {
    const base = `${request.origin}/identity/v3`;
    try {
      const token = tokenOf();
      const body = bodyOf(request);
      const segments = split(request.path);
      const route = this.#routes.find(each => fits(each.segments, segments));
      if (route === undefined) return page(404, 'Not Found', UNKNOWN_URL);
      const method = request.method === 'HEAD' ? 'GET' : request.method;
      const handler = route.methods.get(method);
      if (handler === undefined) return otherwise(request.method, segments, route);
      const names = route.segments.map((name, at) => [name.slice(1, -1), segments[at] ?? ''] as const);
      const params = Object.fromEntries(names.filter((_, at) => isParameter(route.segments[at] ?? '')));
      return handler({ request, params, body, base, token });
    } catch (error) {
      if (error instanceof KeystoneError) return error.reply(base);
      throw error;
    }
  }
}

const UNKNOWN_URL =
  'The requested URL was not found on the server. If you entered the URL manually please check your spelling and try again.';
const WRONG_METHOD = 'The method is not allowed for the requested URL.';

function otherwise(method: string, segments: readonly string[], route: Route): Reply {
  const known = [...route.methods.keys(), ...(route.methods.has('GET') ? ['HEAD'] : []), 'OPTIONS'];
  const allow = { allow: known.sort().join(', ') };
  if (method === 'OPTIONS') return { status: 200, headers: { ...HTML, ...allow }, body: '' };
  if (segments.length > 1) return { status: 405, headers: allow, body: { message: WRONG_METHOD } };
  const reply = page(405, 'Method Not Allowed', WRONG_METHOD);
  return { ...reply, headers: { ...reply.headers, ...allow } };
}

const HTML = { 'content-type': 'text/html; charset=utf-8' };

const page = (status: number, title: string, text: string): Reply => ({
  status,
  headers: HTML,
  body: `<!doctype html>\n<html lang=en>\n<title>${status} ${title}</title>\n<h1>${title}</h1>\n<p>${text}</p>\n`,
});

/** @throws KeystoneError 400: a body must be a JSON object, and be said to be JSON if anything is said */
function bodyOf({ body, malformed, headers }: Request): Record<string, unknown> {
  if (body === undefined && !malformed) return {};
  const type = (headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
  if (type !== '' && !/^application\/(.+\+)?json$/.test(type)) {
    throw lacking('application/json', 'Content-Type header');
  }
  if (malformed || !isObject(body)) throw lacking('valid JSON', 'request body');
  return body;
}

const isParameter = (segment: string): boolean => segment.startsWith('{');

const fits = (pattern: readonly string[], segments: readonly string[]): boolean =>
  pattern.length === segments.length && pattern.every((each, at) => isParameter(each) || each === segments[at]);

const split = (path: string): string[] =>
  path
    .split('/')
    .filter(each => each !== '')
    .map(decode);

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
