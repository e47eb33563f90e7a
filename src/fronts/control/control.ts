import * as v from 'valibot';
import { asKuryrError, KuryrError } from '../../errors/kuryr-error.ts';
import type { HealthReport } from '../../observe/health-board.ts';
import type { Logger } from '../../observe/logger.ts';
import { withinTime } from '../../openstack/deadline.ts';
import type { Clock } from '../../time/clock.ts';
import { type Answer, UnixServer } from '../http-server.ts';
import { plainObject } from '../plain-object.ts';
import { readBody } from '../read-body.ts';
import { LoopbackServer } from './loopback-server.ts';

/** What the control socket serves; the daemon hands the functions in. */
export interface ControlParts {
  readonly status: (signal: AbortSignal) => Promise<unknown>;
  readonly gc: (dryRun: boolean, signal: AbortSignal) => Promise<unknown>;
  readonly networkPlan: (request: NetworkPlanRequest, signal: AbortSignal) => Promise<{ command: readonly string[] }>;
  readonly explain: (what: string, signal: AbortSignal) => Promise<unknown>;
  /** All lives that can be explained. */
  readonly lives: () => unknown;
  /** All metrics as Prometheus reads them. */
  readonly metrics: () => string;
  readonly health: () => HealthReport;
  /** Takes away what stands in the VM for its containers, until the daemon ends. */
  readonly withdraw: () => void;
  /** Reads the configuration again; missing where the daemon has none to read. */
  readonly reload?: ((signal: AbortSignal) => Promise<unknown>) | undefined;
  readonly version: string;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly life: AbortSignal;
}

const text = v.pipe(v.string(), v.minLength(1), v.maxLength(255));

const networkPlanRequest = v.object({
  /** Docker's own rule for names of networks. */
  name: v.pipe(v.string(), v.regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/, 'not a name that Docker takes'), v.maxLength(128)),
  /** Id or name of a Neutron network; by default the one of the master. */
  network: v.optional(text),
  /** Ids, names or CIDRs of subnets; by default the one IPv4 subnet, with `ipv6` the IPv6 one too. */
  subnets: v.optional(v.pipe(v.array(text), v.maxLength(16)), []),
  ipv6: v.optional(v.boolean(), false),
  master: v.optional(text),
  /** `-o` options to hand on, such as ipvlan_flag. */
  options: v.optional(v.pipe(plainObject, v.record(v.string(), v.string())), {}),
});

export type NetworkPlanRequest = v.InferOutput<typeof networkPlanRequest>;

const gcRequest = v.object({ dryRun: v.boolean() });

const explainRequest = v.object({
  /** An address, an id or its beginning, or a container's name. */
  what: v.pipe(text, v.regex(/^[^\p{C}\s]+$/u, 'not a name')),
});

/** A request of the CLI may wait for the cloud for this long, milliseconds. */
const REQUEST_MS = 120_000;

/** What Prometheus names its text format. */
const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** The operator's socket: status, gc, the plan of a Docker network, explanations, metrics and health. */
export class Control {
  readonly #parts: ControlParts;
  readonly #routes: Readonly<Record<string, (body: unknown, signal: AbortSignal) => Promise<unknown>>>;

  /** What monitoring reads; neither cloud nor engine is asked for it. */
  readonly #pages: Readonly<Record<string, () => Answer>>;

  constructor(parts: ControlParts) {
    this.#parts = parts;
    const { reload } = parts;
    this.#routes = {
      'GET /v1/version': async () => ({ version: parts.version }),
      'GET /v1/status': (_, signal) => parts.status(signal),
      'GET /v1/lives': async () => parts.lives(),
      'POST /v1/explain': (body, signal) => parts.explain(readBody(explainRequest, body, invalid).what, signal),
      'POST /v1/gc': (body, signal) => parts.gc(readBody(gcRequest, body, invalid).dryRun, signal),
      'POST /v1/withdraw': async () => {
        parts.withdraw();
        return {};
      },
      ...(reload && { 'POST /v1/reload': (_: unknown, signal: AbortSignal) => reload(signal) }),
      'POST /v1/network-plan': (body, signal) => parts.networkPlan(readBody(networkPlanRequest, body, invalid), signal),
    };
    this.#pages = {
      '/metrics': () => ({ status: 200, body: parts.metrics(), contentType: METRICS_TYPE }),
      '/health': () => healthAnswer(parts.health()),
    };
  }

  /** Metrics and health alone, for who is on this machine. */
  loopback(listen: string): LoopbackServer {
    return new LoopbackServer({ listen, pages: this.#pages, refuse, clock: this.#parts.clock });
  }

  server(path: string): UnixServer {
    return new UnixServer({
      path,
      contentType: 'application/json',
      answer: ({ method, path: where, body }) => this.answer(`${method} ${where}`, body),
      refuse,
    });
  }

  /** What one call is answered; never rejects. */
  async answer(route: string, body: unknown): Promise<Answer> {
    try {
      const [method, path = ''] = route.split(' ');
      const page = method === 'GET' && Object.hasOwn(this.#pages, path) ? this.#pages[path] : undefined;
      if (page !== undefined) return page();
      const handle = Object.hasOwn(this.#routes, route) ? this.#routes[route] : undefined;
      if (handle === undefined) throw new KuryrError('CONTROL_ROUTE_UNKNOWN', { route: route.slice(0, 100) });
      const { clock, life } = this.#parts;
      const late = (cause: unknown) => new KuryrError('CONTROL_TOO_SLOW', { route }, { cause });
      const answer = await withinTime(clock, REQUEST_MS, life, signal => handle(body, signal), late);
      return { status: 200, body: answer };
    } catch (thrown) {
      const error = asKuryrError(thrown);
      this.#parts.logger.warn(
        { route: route.slice(0, 100), code: error.code, cause: String(error.cause ?? '') },
        error.text,
      );
      return refuse(error);
    }
  }
}

/** 503 while containers cannot start or are not safe: what a probe looks at. */
function healthAnswer(report: HealthReport): Answer {
  return { status: report.status === 'error' ? 503 : 200, body: report };
}

function refuse({ code, text: what, todo, status }: KuryrError): Answer {
  return { status, body: { error: { code, text: what, todo } } };
}

const invalid = (reason: string): KuryrError => new KuryrError('CONTROL_BODY_INVALID', { reason });
