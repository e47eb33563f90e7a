import { join } from 'node:path';
import { options } from '../config/options.ts';
import { readConfig } from '../config/read-config.ts';
import { isKuryrError, KuryrError } from '../errors/kuryr-error.ts';
import type { Terminal } from './command.ts';

/** An error that the daemon answered, in its words; its code may be one that this CLI does not know. */
export class DaemonError extends Error {
  readonly code: string;
  readonly text: string;
  readonly todo: string;

  constructor(code: string, text: string, todo: string) {
    super(`${text} ${todo} [${code}]`);
    this.code = code;
    this.text = text;
    this.todo = todo;
  }
}

/** Flags of each command that talks to the daemon. */
export const controlFlags = { 'run-dir': 'text', config: 'text' } as const;

/** What help says of them, a line each. `column`: where it says what a flag does. */
export function controlHelp(column: number): readonly string[] {
  return [
    ['--run-dir PATH', "the folder of the daemon's control socket"],
    ['--config PATH', `the file that names this folder, in the place of ${options.config.fallback.value}`],
  ].map(([flag = '', what]) => `  ${flag.padEnd(column - 2)}${what}`);
}

/** An answer may list a thousand attachments; one that is larger than this is no answer. */
const longestAnswer = 16 * 1024 * 1024;

/** How long the daemon may take: a little more than it gives itself, milliseconds. */
const patience = 130_000;

/** Who knows already that the daemon has to be restarted. */
const told = new WeakSet<Terminal>();

const socketIn = (runDir: string): string => join(runDir, 'control.sock');

/**
 * Asks the daemon at its control socket, whose folder is found as the daemon finds it. What the file says may be newer than
 * the daemon: then it is asked where it is by default, which is where systemd listens for it, and the user is told.
 *
 * @param usual the socket where it is by default
 * @throws DAEMON_NOT_RUNNING, CONTROL_FORBIDDEN, CONTROL_ANSWER_INVALID, DaemonError with what the daemon says
 */
export async function askDaemon(
  route: { readonly method: 'GET' | 'POST'; readonly path: string; readonly body?: unknown },
  flags: Readonly<Partial<Record<string, string>>>,
  terminal: Terminal,
  signal: AbortSignal,
  usual = socketIn(options['run-dir'].fallback.value),
): Promise<unknown> {
  const { config, origins } = await readConfig({ flags, env: terminal.env, readFile: terminal.readFile });
  const named = socketIn(config.runDir);
  const origin = origins['run-dir'];
  const { socket, status, text } = await request(named, route, signal).catch(async error => {
    if (!isKuryrError(error, 'DAEMON_NOT_RUNNING') || origin.kind !== 'file' || named === usual) throw error;
    // Who names a file means the daemon of that one.
    if (origins.config.kind !== 'default') throw error;
    const found = await request(usual, route, signal).catch(nowhere => {
      if (!isKuryrError(nowhere, 'DAEMON_NOT_RUNNING')) throw nowhere;
      throw new KuryrError('DAEMON_NOT_RUNNING', { socket: [named, usual] });
    });
    if (!told.has(terminal))
      terminal.err(`kuryr: the daemon answers at ${usual}: ${origin.name} takes a restart of it`);
    told.add(terminal);
    return found;
  });
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    throw new KuryrError('CONTROL_ANSWER_INVALID', { socket });
  }
  if (status === 200) return answer;
  const { error } = Object(answer) as { error?: { code?: unknown; text?: unknown; todo?: unknown } };
  if (error === undefined) throw new KuryrError('CONTROL_ANSWER_INVALID', { socket });
  throw new DaemonError(String(error.code), String(error.text), String(error.todo));
}

function request(
  socket: string,
  { method, path, body }: { readonly method: string; readonly path: string; readonly body?: unknown },
  signal: AbortSignal,
): Promise<{ readonly socket: string; readonly status: number; readonly text: string }> {
  // Loaded so, since an import of node:http adds 35 ms to the start (measured on Node 26).
  const http = process.getBuiltinModule('node:http');
  return new Promise((resolve, reject) => {
    const headers = { host: 'kuryr', 'content-type': 'application/json' };
    const options = { socketPath: socket, method, path, headers, signal, timeout: patience };
    const sent = http.request(options, response => {
      const parts: Buffer[] = [];
      let length = 0;
      response.on('data', (part: Buffer) => {
        length += part.length;
        parts.push(part);
        if (length > longestAnswer) sent.destroy(new KuryrError('CONTROL_ANSWER_INVALID', { socket }));
      });
      response.on('error', reject);
      response.on('end', () =>
        resolve({ socket, status: response.statusCode ?? 0, text: Buffer.concat(parts).toString() }),
      );
    });
    sent.on('timeout', () => sent.destroy(new KuryrError('CONTROL_ANSWER_INVALID', { socket })));
    sent.on('error', error => reject(unreachable(error, socket)));
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

function unreachable(error: Error, socket: string): Error {
  const code = 'code' in error ? error.code : undefined;
  if (code === 'ENOENT' || code === 'ECONNREFUSED') return new KuryrError('DAEMON_NOT_RUNNING', { socket });
  if (code === 'EACCES' || code === 'EPERM') return new KuryrError('CONTROL_FORBIDDEN', { socket });
  return error;
}
