import { hash } from 'node:crypto';
import { KuryrError } from '../errors/kuryr-error.ts';
import type { Logger } from '../observe/logger.ts';
import type { Clock } from '../time/clock.ts';
import type { Random } from '../time/random.ts';
import {
  type ApplicationCredential,
  type CredentialRequest,
  createApplicationCredential,
} from './application-credential.ts';
import { CALLS_AT_ONCE, Caller, type CallObserver } from './caller.ts';
import type { CloudConfig } from './cloud-config.ts';
import type { CloudSurroundings } from './clouds-file.ts';
import { loadCloudConfig } from './clouds-yaml.ts';
import type { HttpClient } from './http.ts';
import { type Authorization, Keystone } from './keystone.ts';
import type { Neutron } from './neutron.ts';
import { NeutronApi } from './neutron-api.ts';
import { NeutronClient } from './neutron-client.ts';
import { undiciHttp } from './undici-http.ts';

export interface OpenCloudOptions extends CloudSurroundings {
  /** The cloud in clouds.yaml; else `OS_CLOUD` and the rest of openstacksdk's rules. */
  readonly cloud?: string | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Told of every request that was sent. */
  readonly observer?: CallObserver | undefined;
  /** Milliseconds that one logical call may take, repeats included. */
  readonly deadlineMs?: number | undefined;
  /** Puts an edge around the HTTP client, or another in its place. */
  readonly wrapHttp?: ((http: HttpClient) => HttpClient) | undefined;
}

/** A cloud that calls can be made to. */
export interface Cloud {
  readonly config: CloudConfig;
  /** Tells whether the files of cacert, cert and key hold the same as those of another cloud; shows nothing of them. */
  readonly files: string;
  readonly neutron: Neutron;
  /** The token in force, its project and its end; for `doctor`. @throws what Keystone's session throws */
  authorization(signal: AbortSignal): Promise<Authorization>;
  /** The project of the last token, also of one that has ended; undefined before the first. */
  project(): string | undefined;
  /** Makes an application credential of this one's user. @throws what createApplicationCredential throws */
  createCredential(request: CredentialRequest, signal: AbortSignal): Promise<ApplicationCredential>;
  /** Ends all connections. */
  close(): Promise<void>;
}

/** A call with all its repetitions. Twenty ports at once took Neutron over 30 s on a busy machine of two cores; runtimes wait for minutes. */
export const DEADLINE_MS = 60_000;

/**
 * Reads the configuration and prepares the calls; nothing is sent yet.
 * @throws CLOUD_CONFIG_MISSING, CLOUD_CONFIG_INVALID, CLOUD_UNKNOWN
 */
export async function openCloud(options: OpenCloudOptions): Promise<Cloud> {
  const { clock, random, logger, observer, deadlineMs = DEADLINE_MS } = options;
  const config = await loadCloudConfig(options, options.cloud);
  const [ca, cert, key] = await Promise.all(
    (['cacert', 'cert', 'key'] as const).map(name => readPem(options, config, name)),
  );
  const own = undiciHttp({ env: options.env, ca, cert, key, verify: config.verify, connections: CALLS_AT_ONCE });
  const http = options.wrapHttp?.(own) ?? own;
  const repeating = { clock, random };
  const identity = new Caller('identity', http, clock, logger, observer);
  const keystone = new Keystone(config, identity, repeating, deadlineMs);
  const caller = new Caller('network', http, clock, logger, observer);
  const neutron = new NeutronClient(new NeutronApi(keystone, caller, repeating, deadlineMs), repeating);
  return {
    config,
    files: hash('sha256', JSON.stringify([ca, cert, key])),
    neutron,
    authorization: signal => keystone.authorization(signal),
    project: () => keystone.project,
    createCredential: (request, signal) =>
      createApplicationCredential({ config, keystone, caller: identity, repeating, deadlineMs }, request, signal),
    async close() {
      keystone.close();
      await http.close();
    },
  };
}

async function readPem(options: OpenCloudOptions, config: CloudConfig, name: 'cacert' | 'cert' | 'key') {
  const path = config[name];
  if (path === undefined) return undefined;
  try {
    return await options.readFile(path);
  } catch (error) {
    const problem = `the file ${path} of the key ${name} cannot be read (${(error as NodeJS.ErrnoException).code})`;
    throw new KuryrError('CLOUD_CONFIG_INVALID', { source: config.source, problem });
  }
}
