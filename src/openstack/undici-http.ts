import { X509Certificate } from 'node:crypto';
import tls from 'node:tls';
import { Agent, type Dispatcher, ProxyAgent } from 'undici';
import { KuryrError } from '../errors/kuryr-error.ts';
import { type HttpAnswer, type HttpClient, type HttpRequest, TransportError } from './http.ts';
import { isExempt, proxySettings, shownProxy } from './proxy.ts';

export interface UndiciHttpOptions {
  /** Where the proxy variables are read from. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** PEM of the authorities to trust in place of the system's and Node's own. */
  readonly ca?: string | undefined;
  /** PEM of the client's certificate and key. */
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** False: any certificate is accepted. */
  readonly verify: boolean;
  /** Connections to one origin. */
  readonly connections: number;
}

/** Enough for a list of 10,000 ports of 2 KiB three times over; more is no answer of Neutron's. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

/** A connection that takes longer is a wrong address or a firewall, and leaves time for another try. */
const CONNECT_TIMEOUT_MS = 5_000;

/**
 * HTTP/1.1 over kept connections. Idle ones are dropped after 4 s (undici's default, less where the server hints so),
 * before a server that drops its own could meet a request.
 * @throws CLOUD_CONFIG_INVALID where certificate, key or authority is no PEM, or a proxy variable is no URL
 */
export function undiciHttp(options: UndiciHttpOptions): HttpClient {
  const proxies = proxySettings(options.env);
  for (const scheme of ['http', 'https'] as const) {
    const problem = 'it must be the URL of an HTTP proxy';
    if (proxies[scheme] === '' || URL.canParse(proxies[scheme])) continue;
    throw new KuryrError('CLOUD_CONFIG_INVALID', { source: `${scheme}_proxy`, problem });
  }
  const plain = agents(options, proxies.http);
  // Reading the trusted authorities takes tenths of a second, which only https needs; own files are judged at once.
  let secured: Agents | undefined;
  const secure = () => {
    const trust = { secureContext: secureContext(options), rejectUnauthorized: options.verify };
    secured ??= agents(options, proxies.https, trust);
    return secured;
  };
  if (options.ca ?? options.cert ?? options.key) secure();
  return {
    request(request, signal) {
      const url = new URL(request.url);
      const { direct, proxied } = url.protocol === 'https:' ? (secured ?? secure()) : plain;
      return exchange(isExempt(url, proxies.exempt) ? direct : proxied, url, request, signal);
    },
    async close() {
      const all = [plain, secured].flatMap(one => (one === undefined ? [] : [one.direct, one.proxied]));
      await Promise.all([...new Set(all)].map(one => one.agent.destroy()));
    },
  };
}

interface Trust {
  readonly secureContext?: tls.SecureContext;
  readonly rejectUnauthorized?: boolean;
}

/** A way to a server. */
interface Route {
  readonly agent: Dispatcher;
  /** The proxy that is asked, without its password. */
  readonly proxy?: string;
}

/** For one scheme: straight, and by the proxy if there is one. */
interface Agents {
  readonly direct: Route;
  readonly proxied: Route;
}

function agents({ connections }: UndiciHttpOptions, proxy: string, trust: Trust = {}): Agents {
  const shared = {
    connections,
    connect: { ...trust, timeout: CONNECT_TIMEOUT_MS },
    connectTimeout: CONNECT_TIMEOUT_MS,
    requestTls: trust,
    allowH2: false,
    // The caller's signal is the one deadline.
    headersTimeout: 0,
    bodyTimeout: 0,
  };
  const direct = { agent: new Agent(shared) };
  if (proxy === '') return { direct, proxied: direct };
  return { direct, proxied: { agent: new ProxyAgent({ ...shared, uri: proxy }), proxy: shownProxy(proxy) } };
}

function secureContext({ ca, cert, key }: UndiciHttpOptions): tls.SecureContext {
  try {
    // Node trusts its own list alone; a company's authority usually stands in the system's.
    const trusted =
      ca === undefined ? [...tls.getCACertificates('default'), ...tls.getCACertificates('system')] : pem(ca);
    return tls.createSecureContext({ ca: [...trusted], ...(cert ? { cert } : {}), ...(key ? { key } : {}) });
  } catch (error) {
    const problem = `cacert, cert or key is not usable (${(error as NodeJS.ErrnoException).code ?? 'not PEM'})`;
    throw new KuryrError('CLOUD_CONFIG_INVALID', { source: 'TLS files', problem });
  }
}

/** The certificates of the text. Node takes what is none without a word, and then trusts nobody. */
function pem(text: string): readonly string[] {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0) throw new Error('no certificate');
  return blocks.map(block => new X509Certificate(block).toString());
}

function exchange({ agent, proxy }: Route, url: URL, request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    let status = 0;
    let headers: HttpAnswer['headers'] = {};
    let started: Dispatcher.DispatchController | undefined;
    const end = (settle: () => void) => {
      signal.removeEventListener('abort', aborted);
      settle();
    };
    const fail = (code: string, reason: string, cause?: unknown, unsent = started === undefined) => {
      const by = proxy === undefined ? '' : `by the proxy ${proxy}: `;
      end(() => reject(new TransportError(unsent, code, `${by}${reason}`, { cause })));
    };
    const aborted = () => {
      fail('ABORTED', 'the request was given up', signal.reason);
      started?.abort(new Error('given up'));
    };
    if (signal.aborted) return aborted();
    signal.addEventListener('abort', aborted);
    agent.dispatch(
      {
        origin: url.origin,
        path: `${url.pathname}${url.search}`,
        method: request.method,
        headers: { ...request.headers },
        body: request.body ?? null,
      },
      {
        // Called when a connection stands and the first byte is about to be written: before it nothing was sent.
        onRequestStart(controller) {
          if (signal.aborted) return controller.abort(new Error('given up'));
          started = controller;
        },
        onResponseStart(_, statusCode, received) {
          status = statusCode;
          headers = Object.fromEntries(Object.entries(received).map(([name, value]) => [name, String(value)]));
        },
        onResponseData(controller, chunk) {
          size += chunk.length;
          if (size <= MAX_ANSWER_BYTES) return void chunks.push(chunk);
          fail('TOO_LARGE', `the answer is larger than ${MAX_ANSWER_BYTES} bytes`);
          controller.abort(new Error('too large'));
        },
        onResponseEnd() {
          // Only a proxy answers so (RFC 9110, 15.5.8), and then it has passed nothing on.
          if (proxy !== undefined && status === 407) return fail('PROXY_407', refusedBy(407), undefined, true);
          end(() => resolve({ status, headers, body: Buffer.concat(chunks).toString('utf8') }));
        },
        onResponseError(_, error) {
          const refusal = /^Proxy response \((\d+)\)/.exec(error.message)?.[1];
          if (refusal === undefined) return fail(codeOf(error), reasonOf(error), error);
          fail(`PROXY_${refusal}`, refusedBy(Number(refusal)), error);
        },
      },
    );
  });
}

function refusedBy(status: number): string {
  const want = status === 407 ? ', it wants a user and password in its URL' : '';
  return `it refused with ${status}${want} (PROXY_${status})`;
}

/** The innermost code: undici and Node's address attempts wrap the system's. */
function codeOf(error: Error): string {
  const { code, cause } = error as NodeJS.ErrnoException;
  const [first] = error instanceof AggregateError ? (error.errors as readonly NodeJS.ErrnoException[]) : [];
  if (/^UND_ERR_PRX/.test(code ?? '') && cause instanceof Error) return codeOf(cause);
  return code ?? first?.code ?? 'UNKNOWN';
}

function reasonOf(error: Error): string {
  const [first] = error instanceof AggregateError ? (error.errors as readonly Error[]) : [];
  return `${(first ?? error).message || error.name} (${codeOf(error)})`;
}
