/** Commands of the host, and waiting without guessing how long a thing takes. */
import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

/** Runs a command to its end and returns what it printed. Throws with the command and its stderr when it fails. */
export function run(command: string, args: readonly string[], signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(command, [...args], { signal, maxBuffer: 64 << 20 }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else if (signal.aborted) reject(signal.reason);
      else reject(new Error(`${command} ${args.join(' ')}: ${stderr.trim() || stdout.trim() || error.message}`));
    });
  });
}

/** Runs a shell script (dash) on the host; `$1`… are `args`. Fails at the first failing line. */
export const shell = (script: string, args: readonly string[], signal: AbortSignal): Promise<string> =>
  run('/bin/sh', ['-euc', script, 'sh', ...args], signal);

/** What makes further waiting useless: thrown by a question of until(), it is the answer. */
export class Hopeless extends Error {}

/**
 * Asks until the answer is not undefined or false; a throwing question counts as no answer yet.
 * Throws after `seconds`, with `what` and the last error.
 */
export async function until<T>(
  what: string,
  ask: () => Promise<T | undefined | false> | T | undefined | false,
  signal: AbortSignal,
  { seconds = 300, every = 50 }: { seconds?: number; every?: number } = {},
): Promise<T> {
  const end = performance.now() + seconds * 1000;
  let last: unknown;
  for (;;) {
    signal.throwIfAborted();
    try {
      const answer = await ask();
      if (answer !== undefined && answer !== false) return answer;
      last = undefined;
    } catch (error) {
      if (error instanceof Hopeless) throw error;
      last = error;
    }
    if (performance.now() > end) throw new Error(`${what}: not within ${seconds} s`, { cause: last });
    await sleep(every, undefined, { signal });
  }
}
