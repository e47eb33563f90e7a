import type { Config } from '../config/config.ts';
import { parseLinkSpec } from '../link/link-spec.ts';
import type { Logger } from '../observe/logger.ts';
import type { Threshold } from '../observe/pino-logger.ts';
import { plainGet } from '../openstack/plain-get.ts';
import type { ServiceEnvironment } from '../service/environment.ts';
import { handedOver } from '../service/handed-over.ts';
import { lookAtMode, lookAtSocket } from '../service/unix-sockets.ts';
import { keepAlive } from '../service/watchdog.ts';
import { assemble, controlSocket, type DaemonConfig } from './assemble.ts';
import { type RealEdgesOptions, realEdges } from './edges.ts';
import { Reloads, SERVING } from './reload.ts';

export interface RunOptions {
  readonly config: Config;
  readonly logger: Logger;
  readonly version: string;
  readonly env: RealEdgesOptions['env'];
  readonly service: ServiceEnvironment;
  /** How it is told to read its configuration again; missing where it has none. */
  readonly reloading?: {
    readonly read: () => Promise<Config>;
    readonly threshold: Threshold;
    /** Has `reload` called when it is asked for from outside, by SIGHUP. */
    on(reload: () => void): void;
  };
  readonly wrap?: RealEdgesOptions['wrap'];
}

/**
 * The daemon on the running machine, until the signal is aborted; containers keep running without it.
 * @throws DAEMON_RUNNING, SOCKET_TAKEN, SOCKET_HANDED_OVER, LEDGER_*, CLOUD_CONFIG_*
 */
export async function runDaemon(options: RunOptions, signal: AbortSignal): Promise<void> {
  const { config, logger, version, env, service, wrap } = options;
  // Sockets, locks and the ledger are root's alone from the moment they appear.
  process.umask(0o077);
  const control = controlSocket(config.runDir);
  const handed = handedOver(service.sockets, [config.dockerSocket, control], lookAtSocket, lookAtMode);
  const edges = await realEdges({ cloud: config.cloud, logger, env, service, ...(wrap && { wrap }) });
  const { notifier, clock } = edges;
  const reloads = options.reloading && reloadsOf(options, options.reloading);
  const host = { handed, reload: reloads && ((bound: AbortSignal) => reloads.reload(bound)) };
  const daemon = await assemble(daemonConfig(config, version), edges, host).catch(async error => {
    await edges.close();
    throw error;
  });
  try {
    await daemon.start();
    notifier.ready(SERVING);
    if (reloads) options.reloading?.on(() => void reloads.reload(signal).catch(() => undefined));
    const serves = (bound: AbortSignal) => servesAt(control, bound);
    if (service.watchdogMs !== undefined)
      void keepAlive(service.watchdogMs, { notifier, serves, clock, logger }, signal);
    await aborted(signal);
  } finally {
    notifier.stopping();
    await daemon.stop();
  }

  function reloadsOf({ config }: RunOptions, { read, threshold }: NonNullable<RunOptions['reloading']>): Reloads {
    return new Reloads({
      ...{ config, read, notifier, clock, logger, renewal: edges.renewal },
      prepare(next) {
        const { take, follow } = daemon.reload(daemonConfig(next, version));
        return {
          take() {
            threshold.level = next.logLevel;
            take();
          },
          follow,
        };
      },
    });
  }
}

/** What the daemon is told by the options of `kuryr run`. */
export function daemonConfig(config: Config, version: string): DaemonConfig {
  return {
    master: config.master,
    link: parseLinkSpec({ kind: config.link, mode: config.mode }),
    stateDir: config.stateDir,
    runDir: config.runDir,
    lockDir: '/run/lock/kuryr',
    dockerSocket: config.dockerSocket,
    waitSeconds: config.wait === 'permitted' ? 0 : config.waitSeconds,
    holdSeconds: config.holdSeconds,
    hostAccess: config.hostAccess,
    services: { ranges: config.services, backends: config.serviceBackends },
    publishedPorts: config.publishedPorts,
    metricsListen: config.metricsListen,
    version,
  };
}

/** @throws Error where the daemon does not answer itself as it answers others */
async function servesAt(socket: string, signal: AbortSignal): Promise<void> {
  const { status } = await plainGet({ socket, url: 'http://localhost/v1/version' }, signal);
  if (status !== 200) throw new Error(`the answer was ${status}`);
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
