import { KuryrError } from '../errors/kuryr-error.ts';

/**
 * Runs a program with this process' own standard streams; resolves with its exit code, 128 and more for a signal.
 *
 * @throws PROGRAM_MISSING
 */
export function runProgram(command: readonly string[], signal: AbortSignal): Promise<number> {
  const { spawn } = process.getBuiltinModule('node:child_process');
  const { constants } = process.getBuiltinModule('node:os');
  const [program = '', ...args] = command;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: 'inherit', signal });
    child.on('error', error => {
      // An abort ends the child, whose `close` is then the answer. All else here means that it never ran.
      if (error.name === 'AbortError') return;
      reject(new KuryrError('PROGRAM_MISSING', { program, reason: error.message }, { cause: error }));
    });
    child.on('close', (code, name) => resolve(code ?? 128 + (name ? constants.signals[name] : 0)));
  });
}
