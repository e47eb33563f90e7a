import { constants } from 'node:os';
import { refusal } from './refusal.ts';
import { LOCK_EX, LOCK_NB, O_CREAT, O_NOFOLLOW, O_RDWR, type Sys } from './sys.ts';

/**
 * flock(2) on a file that is made when it is missing and never removed: a removed lock file can be locked twice. The
 * kernel releases the lock when the process ends, however it ends. Undefined when another has it.
 */
export function lockFile(sys: Sys, path: string): Disposable | undefined {
  const fd = sys.open(path, O_RDWR | O_CREAT | O_NOFOLLOW);
  if (fd < 0) throw refusal(`open the lock file ${path}`, -fd);
  const locked = sys.flock(fd, LOCK_EX | LOCK_NB);
  if (locked === 0) return { [Symbol.dispose]: () => void sys.close(fd) };
  sys.close(fd);
  if (locked === -constants.errno.EWOULDBLOCK) return undefined;
  throw refusal(`lock the file ${path}`, -locked);
}
