/**
 * The daemon as `kuryr run` starts it, with edges that end the process before its n-th outside effect. With its code loaded
 * and nothing else done it waits for SIGHUP, so that it can stand by while its predecessor still runs. SIGUSR2 reads n from
 * the file named by the first argument and arms the switch.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { configFlags, parseFlags } from '../../src/config/flags.ts';
import { readConfig } from '../../src/config/read-config.ts';
import { runDaemon } from '../../src/daemon/run.ts';
import { standardLogger } from '../../src/observe/pino-logger.ts';
import { noService } from '../../src/service/environment.ts';
import { KillSwitch, killingEdges } from './killing-edges.ts';

const [file = '', ...args] = process.argv.slice(2);
const kill = new KillSwitch();
process.on('SIGUSR2', () => {
  kill.arm(Number(readFileSync(file, 'utf8')));
  writeFileSync(`${file}.armed`, '');
});
const begin = new Promise(resolve => process.once('SIGHUP', resolve));
// A signal that may come does not keep a process alive.
const waiting = setInterval(() => {}, 60_000);
writeFileSync(`${file}.loaded`, '');
await begin;
clearInterval(waiting);
const ending = new AbortController();
process.once('SIGTERM', () => ending.abort());
const env = process.env;
const { text } = parseFlags(args, configFlags);
// The VM has no configuration file.
const { config } = await readConfig({ flags: text, env, readFile: async () => undefined });
const logger = standardLogger({ level: config.logLevel }, env);
await runDaemon({ config, logger, version: 'crash', env, service: noService, wrap: killingEdges(kill) }, ending.signal);
