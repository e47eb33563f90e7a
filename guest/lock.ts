import { spawn } from 'node:child_process';
import { once } from 'node:events';

/**
 * Runs `work` while no other process on this machine holds the same lock file; `waiting` is called if another does.
 * The kernel drops the lock when this process ends, however it ends: flock(1) holds it for as long as our pipe is open.
 */
export async function withLock<T>(file: string, waiting: () => void, work: () => Promise<T>): Promise<T> {
  const holder = spawn('flock', ['--exclusive', file, 'cat'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const late = setTimeout(waiting, 1000);
  try {
    holder.stdin.on('error', () => {});
    holder.stdin.write('held\n');
    const first = await Promise.race([
      once(holder.stdout, 'data').then(() => true),
      once(holder, 'exit').then(() => false),
    ]);
    if (!first) throw new Error(`cannot lock ${file} by flock (package util-linux)`);
    clearTimeout(late);
    return await work();
  } finally {
    clearTimeout(late);
    holder.stdin.end();
  }
}
