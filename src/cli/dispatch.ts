import { nearest } from '../config/nearest.ts';
import { asKuryrError, KuryrError } from '../errors/kuryr-error.ts';
import type { ErrorCode } from '../errors/table.ts';
import type { Terminal } from './command.ts';
import { commands } from './commands.ts';
import { DaemonError } from './control-client.ts';

/** Exit code of a command line that cannot be understood: EX_USAGE of sysexits.h. */
const usageExit = 64;

const usageCodes: readonly ErrorCode[] = ['COMMAND_UNKNOWN', 'COMMAND_USAGE', 'CONFIG_INVALID', 'CONFIG_UNKNOWN'];

const aliases = new Map([
  ['--help', 'help'],
  ['-h', 'help'],
  ['--version', 'version'],
]);

/** Runs the command that the arguments name; errors are printed with code and what to do. Gives the exit code. */
export async function dispatch(args: readonly string[], terminal: Terminal, signal: AbortSignal): Promise<number> {
  const [first = 'help', ...rest] = args;
  const name = aliases.get(first) ?? first;
  try {
    const entry = Object.hasOwn(commands, name) ? commands[name] : undefined;
    if (entry === undefined) throw unknownCommand(name);
    const command = await entry.load();
    const own = rest.includes('--') ? rest.slice(0, rest.indexOf('--')) : rest;
    if (own.includes('--help') || own.includes('-h')) {
      terminal.out(command.help());
      return 0;
    }
    return await command.run(rest, terminal, signal);
  } catch (thrown) {
    const error = thrown instanceof DaemonError ? thrown : asKuryrError(thrown);
    terminal.err(`kuryr: ${error.text}\n  ${error.todo} [${error.code}]`);
    return usageCodes.some(code => code === error.code) ? usageExit : 1;
  }
}

/** @returns COMMAND_UNKNOWN naming the nearest command */
export function unknownCommand(name: string): KuryrError {
  const near = nearest(name, Object.keys(commands));
  return new KuryrError('COMMAND_UNKNOWN', {
    command: name,
    hint: near === undefined ? 'kuryr help lists the commands' : `did you mean kuryr ${near}`,
  });
}
