import type * as v from 'valibot';
import { asKuryrError, KuryrError } from '../../errors/kuryr-error.ts';
import type { Logger } from '../../observe/logger.ts';
import { withinTime } from '../../openstack/deadline.ts';
import type { Clock } from '../../time/clock.ts';
import { type Answer, UnixServer } from '../http-server.ts';
import { readBody } from '../read-body.ts';
import type { IpamDriver } from './ipam-driver.ts';
import { messages } from './messages.ts';
import type { NetworkDriver } from './network-driver.ts';

export interface PluginParts {
  readonly network: NetworkDriver;
  readonly ipam: IpamDriver;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly life: AbortSignal;
}

type Verb = (body: unknown, signal: AbortSignal) => Promise<unknown>;

/**
 * Docker waits without end for an answer; what takes longer than this will not succeed any more, milliseconds. Longer than
 * a call of the cloud and than an attach may wait for frames, so that these tell what was slow.
 */
const VERB_MS = 75_000;

/** Docker's plug-in protocol: a verb a path, errors under both drivers' keys, since the wrong key counts as success. */
export class DockerPlugin {
  readonly #verbs: ReadonlyMap<string, Verb>;
  readonly #parts: PluginParts;

  constructor(parts: PluginParts) {
    this.#parts = parts;
    this.#verbs = new Map(Object.entries(verbs(parts)));
  }

  /** The server at the path where Docker looks for the plug-in. */
  server(path: string): UnixServer {
    return new UnixServer({
      path,
      contentType: 'application/vnd.docker.plugins.v1.2+json',
      answer: async ({ method, path: asked, body }) => {
        if (method === 'POST') return this.answer(asked, body);
        return refuse(new KuryrError('HTTP_METHOD_REFUSED', { method, path: asked.slice(0, 100) }));
      },
      refuse,
    });
  }

  /** What one call is answered; never rejects. */
  async answer(path: string, body: unknown): Promise<Answer> {
    const { logger, clock, life } = this.#parts;
    const verb = path.replace(/^\//, '').slice(0, 64);
    const started = clock.monotonic();
    try {
      const handle = this.#verbs.get(verb);
      if (handle === undefined) throw new KuryrError('DOCKER_VERB_UNKNOWN', { verb });
      const late = (cause: unknown) => new KuryrError('DOCKER_VERB_TOO_SLOW', { verb }, { cause });
      const answer = await withinTime(clock, VERB_MS, life, signal => handle(body, signal), late);
      logger.debug({ verb, ms: Math.round(clock.monotonic() - started) }, 'answered docker');
      return { status: 200, body: answer };
    } catch (thrown) {
      const error = asKuryrError(thrown);
      const level = error.code === 'INTERNAL' ? 'error' : 'warn';
      logger[level]({ verb, code: error.code, ...error.details, cause: String(error.cause ?? '') }, error.text);
      return refuse(error);
    }
  }
}

function refuse(error: KuryrError): Answer {
  return { status: error.status, body: { Err: error.message, Error: error.message } };
}

function verbs({ network, ipam }: PluginParts): Record<string, Verb> {
  const nothing = verb('anything', async () => ({}));
  return {
    'Plugin.Activate': async () => ({ Implements: ['NetworkDriver', 'IpamDriver'] }),
    'NetworkDriver.GetCapabilities': async () => network.getCapabilities(),
    'NetworkDriver.AllocateNetwork': verb('allocateNetwork', async ({ Options }) => ({ Options })),
    'NetworkDriver.FreeNetwork': nothing,
    'NetworkDriver.CreateNetwork': verb('createNetwork', (body, signal) => network.createNetwork(body, signal)),
    'NetworkDriver.DeleteNetwork': verb('networkId', body => network.deleteNetwork(body)),
    'NetworkDriver.CreateEndpoint': verb('createEndpoint', (body, signal) => network.createEndpoint(body, signal)),
    'NetworkDriver.EndpointOperInfo': verb('endpoint', async () => network.endpointOperInfo()),
    'NetworkDriver.DeleteEndpoint': verb('endpoint', body => network.deleteEndpoint(body)),
    'NetworkDriver.Join': verb('join', (body, signal) => network.join(body, signal)),
    'NetworkDriver.Leave': verb('endpoint', async () => ({})),
    'NetworkDriver.ProgramExternalConnectivity': verb('endpoint', async () => ({})),
    'NetworkDriver.RevokeExternalConnectivity': verb('endpoint', async () => ({})),
    'NetworkDriver.DiscoverNew': nothing,
    'NetworkDriver.DiscoverDelete': nothing,
    'IpamDriver.GetCapabilities': async () => ipam.getCapabilities(),
    'IpamDriver.GetDefaultAddressSpaces': async () => ipam.getDefaultAddressSpaces(),
    'IpamDriver.RequestPool': verb('requestPool', (body, signal) => ipam.requestPool(body, signal)),
    'IpamDriver.ReleasePool': verb('releasePool', body => ipam.releasePool(body)),
    'IpamDriver.RequestAddress': verb('requestAddress', (body, signal) => ipam.requestAddress(body, signal)),
    'IpamDriver.ReleaseAddress': verb('releaseAddress', body => ipam.releaseAddress(body)),
  };

  /** A verb whose body has the message's shape. */
  function verb<K extends keyof typeof messages>(
    name: K,
    handle: (body: v.InferOutput<(typeof messages)[K]>, signal: AbortSignal) => Promise<unknown>,
  ): Verb {
    return async (body, signal) => {
      const refusal = (reason: string) =>
        body === undefined
          ? new KuryrError('DOCKER_BODY_MISSING', { verb: name })
          : new KuryrError('DOCKER_BODY_INVALID', { verb: name, reason });
      return handle(readBody(messages[name], body, refusal), signal);
    };
  }
}
