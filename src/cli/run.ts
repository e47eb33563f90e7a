import manifest from '../../package.json' with { type: 'json' };
import { configFlags, parseFlags } from '../config/flags.ts';
import { readConfig } from '../config/read-config.ts';
import { helpOfOptions } from '../config/render.ts';
import { runDaemon } from '../daemon/run.ts';
import { standardLogger } from '../observe/pino-logger.ts';
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
    const logger = standardLogger({ level: config.logLevel }, terminal.env);
    await runDaemon({ config, logger, version: manifest.version, env: terminal.env }, signal);
    return 0;
  },
};
