import manifest from '../../package.json' with { type: 'json' };
import type { Config } from '../config/config.ts';
import { configFlags, parseFlags } from '../config/flags.ts';
import { readConfig } from '../config/read-config.ts';
import { helpOfOptions } from '../config/render.ts';
import { assemble, type DaemonConfig } from '../daemon/assemble.ts';
import { realEdges } from '../daemon/edges.ts';
import { parseLinkSpec } from '../link/link-spec.ts';
import { pinoLogger } from '../observe/pino-logger.ts';
import type { Command } from './command.ts';

export const runCommand: Command = {
  help: () =>
    [
      'usage: kuryr run [FLAGS]',
      '',
      'Runs the daemon until SIGTERM or SIGINT; containers keep running without it.',
      'Each flag can also be a variable (--wait-seconds: KURYR_WAIT_SECONDS) or a key of the file (wait-seconds).',
      '',
      helpOfOptions(),
    ].join('\n'),

  async run(args, terminal, signal) {
    const { text } = parseFlags(args, configFlags);
    const { config } = await readConfig({ flags: text, env: terminal.env, readFile: terminal.readFile });
    // What the daemon makes is root's alone from its first moment.
    process.umask(0o077);
    const logger = pinoLogger(config.logLevel);
    const edges = await realEdges({ cloud: config.cloud, logger, env: terminal.env });
    const daemon = await assemble(daemonConfig(config), edges).catch(async error => {
      await edges.close();
      throw error;
    });
    try {
      await daemon.start();
      await aborted(signal);
    } finally {
      await daemon.stop();
    }
    return 0;
  },
};

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

function daemonConfig(config: Config): DaemonConfig {
  return {
    master: config.master,
    link: parseLinkSpec({ kind: config.link, mode: config.mode }),
    stateDir: config.stateDir,
    runDir: config.runDir,
    dockerSocket: config.dockerSocket,
    waitSeconds: config.wait === 'permitted' ? 0 : config.waitSeconds,
    holdSeconds: config.holdSeconds,
    publishedPorts: config.publishedPorts,
    version: manifest.version,
  };
}
