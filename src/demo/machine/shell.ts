import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunResult } from '../../../guest/line.ts';

/**
 * Runs a shell script in a session of its own, in what the command `enter` enters; as a guest runs one: out of time it is
 * ended with all of its session's first group, and only the shell is waited for, not what it leaves behind.
 */
export async function runShell(
  enter: readonly string[],
  script: string,
  timeoutS: number,
  env: NodeJS.ProcessEnv,
): Promise<RunResult> {
  const from = performance.now();
  // Timed within: who enters is another process than the script, and its end is not the script's.
  const timed = ['setsid', '--wait', 'timeout', '-s', 'KILL', String(timeoutS), 'sh', '-c', script];
  const [program = '', ...args] = [...enter, ...timed];
  const folder = await mkdtemp(join(tmpdir(), 'kuryr-demo-script-'));
  const files = ['stdout', 'stderr'].map(name => join(folder, name));
  const handles = await Promise.all(files.map(file => open(file, 'w')));
  try {
    const child = spawn(program, args, { stdio: ['ignore', ...handles.map(({ fd }) => fd)], env, cwd: '/' });
    const [exit, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
    const ms = performance.now() - from;
    const code = signal === null ? (exit ?? 0) : 128 + constants.signals[signal];
    const [stdout = '', stderr = ''] = await Promise.all(files.map(file => readFile(file, 'utf8')));
    return { code: code === killed && ms >= timeoutS * 1000 ? 124 : code, stdout, stderr, ms };
  } finally {
    await Promise.all(handles.map(handle => handle.close()));
    await rm(folder, { recursive: true });
  }
}

/** The code of what SIGKILL ended, such as by timeout(1). */
const killed = 128 + constants.signals.SIGKILL;
