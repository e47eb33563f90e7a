import { once } from 'node:events';
import type { Config } from '../config/config.ts';
import { parseLinkSpec } from '../link/link-spec.ts';
import type { Logger } from '../observe/logger.ts';
import { assemble } from './assemble.ts';
import { type RealEdgesOptions, realEdges } from './edges.ts';

export interface RunOptions {
  readonly config: Config;
  readonly logger: Logger;
  readonly version: string;
  readonly env: RealEdgesOptions['env'];
  readonly wrap?: RealEdgesOptions['wrap'];
}

/**
 * The daemon's life: from the options to SIGTERM or SIGINT.
 * @throws DAEMON_RUNNING, SOCKET_TAKEN, LEDGER_*, CLOUD_CONFIG_*
 */
export async function runDaemon({ config, logger, version, env, wrap }: RunOptions): Promise<void> {
  // Sockets, locks and the ledger are root's alone from the moment they appear.
  process.umask(0o077);
  const stopped = Promise.race(['SIGTERM', 'SIGINT'].map(signal => once(process, signal)));
  const edges = await realEdges({ cloud: config.cloud, logger, env, ...(wrap && { wrap }) });
  const daemon = await assemble(
    {
      master: config.master,
      link: parseLinkSpec({ kind: config.link, mode: config.mode }),
      stateDir: config.stateDir,
      runDir: config.runDir,
      dockerSocket: config.dockerSocket,
      waitSeconds: config.wait === 'permitted' ? 0 : config.waitSeconds,
      holdSeconds: config.holdSeconds,
      publishedPorts: config.publishedPorts,
      version,
    },
    edges,
  );
  await daemon.start();
  await stopped;
  logger.info({}, 'stopping; containers keep running');
  await daemon.stop();
}
