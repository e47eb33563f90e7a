import manifest from '../../package.json' with { type: 'json' };
import { configFlags, parseFlags } from '../config/flags.ts';
import { readConfig } from '../config/read-config.ts';
import { helpOfOptions } from '../config/render.ts';
import { runDaemon } from '../daemon/run.ts';
import { standardLogger } from '../observe/pino-logger.ts';
import { takeServiceEnvironment } from '../service/environment.ts';
import type { Command } from './command.ts';

export const runCommand: Command = {
  help: () =>
    [
      'usage: kuryr run [FLAGS]',
      '',
      'Runs the daemon until SIGTERM or SIGINT; containers keep running without it. SIGHUP, or kuryr reload, reads the',
      'configuration and the credential again.',
      'Each flag can also be a variable (--wait-seconds: KURYR_WAIT_SECONDS) or a key of the file (wait-seconds).',
      '',
      helpOfOptions(),
    ].join('\n'),

  async run(args, { env, readFile }, signal) {
    const { text } = parseFlags(args, configFlags);
    const service = takeServiceEnvironment(process.env, process.pid);
    const read = async () => (await readConfig({ flags: text, env, readFile })).config;
    const config = await read();
    const threshold = { level: config.logLevel };
    const logger = standardLogger(threshold, env);
    const reloading = { read, threshold, on: (reload: () => void) => void process.on('SIGHUP', reload) };
    await runDaemon({ config, logger, version: manifest.version, env, service, reloading }, signal);
    return 0;
  },
};
