import type { Config } from '../config/config.ts';
import { parseLinkSpec } from '../link/link-spec.ts';
import type { Logger } from '../observe/logger.ts';
import { assemble, type DaemonConfig } from './assemble.ts';
import { type RealEdgesOptions, realEdges } from './edges.ts';

export interface RunOptions {
  readonly config: Config;
  readonly logger: Logger;
  readonly version: string;
  readonly env: RealEdgesOptions['env'];
  readonly wrap?: RealEdgesOptions['wrap'];
}

/**
 * The daemon on the running machine, until the signal is aborted; containers keep running without it.
 * @throws DAEMON_RUNNING, SOCKET_TAKEN, LEDGER_*, CLOUD_CONFIG_*
 */
export async function runDaemon(
  { config, logger, version, env, wrap }: RunOptions,
  signal: AbortSignal,
): Promise<void> {
  // Sockets, locks and the ledger are root's alone from the moment they appear.
  process.umask(0o077);
  const edges = await realEdges({ cloud: config.cloud, logger, env, ...(wrap && { wrap }) });
  const daemon = await assemble(daemonConfig(config, version), edges).catch(async error => {
    await edges.close();
    throw error;
  });
  try {
    await daemon.start();
    await aborted(signal);
  } finally {
    await daemon.stop();
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

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
