import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** Options of {@link command}. */
export interface CommandOptions {
  readonly env?: Record<string, string>;
  readonly cwd?: string;
  /** Called with each line of the output, of either stream. */
  readonly line?: (text: string) => void;
}

/**
 * Runs a program to its end and gives its standard output.
 * It dies with this process, even by SIGKILL. @throws Error with the end of its output when it fails.
 */
export async function command(argv: readonly string[], options: CommandOptions = {}): Promise<string> {
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', ...argv], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  let out = '';
  let all = '';
  let partial = '';
  const take = (chunk: string): void => {
    all = (all + chunk).slice(-8000);
    const lines = (partial + chunk).split('\n');
    partial = lines.pop() ?? '';
    for (const text of lines) options.line?.(text);
  };
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    out += chunk;
    take(chunk);
  });
  child.stderr.setEncoding('utf8').on('data', take);
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  if (code !== 0) throw new Error(`${argv.join(' ')}: ${signal ?? `exit ${code}`}\n${all.trimEnd()}`);
  return out;
}
