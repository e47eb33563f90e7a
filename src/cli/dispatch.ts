import { asKuryrError } from '../errors/kuryr-error.ts';
import type { ErrorCode } from '../errors/table.ts';
import type { Terminal } from './command.ts';
import { help, loadCommand } from './commands.ts';
import { DaemonError } from './control-client.ts';
import { exitCodes } from './exit-codes.ts';

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
    const own = rest.includes('--') ? rest.slice(0, rest.indexOf('--')) : rest;
    const asked = own.includes('--help') || own.includes('-h');
    if (name === 'help' || asked) {
      terminal.out(await help(name === 'help' ? rest.find(word => !word.startsWith('-')) : name));
      return exitCodes.done.code;
    }
    const command = await loadCommand(name);
    return await command.run(rest, terminal, signal);
  } catch (thrown) {
    if (signal.aborted) return exitCodes.interrupted.code;
    const error = thrown instanceof DaemonError ? thrown : asKuryrError(thrown);
    terminal.err(`kuryr: ${error.text}\n  ${error.todo} [${error.code}]`);
    return usageCodes.some(code => code === error.code) ? exitCodes.usage.code : exitCodes.failed.code;
  }
}
