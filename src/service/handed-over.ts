import { KuryrError } from '../errors/kuryr-error.ts';
import type { LookAtMode, LookAtSocket } from './unix-sockets.ts';

/** SD_LISTEN_FDS_START of sd_listen_fds(3). */
const FIRST = 3;

/**
 * The sockets that systemd listens on for the daemon: descriptors by path. They stay systemd's: the daemon takes
 * connections from them and removes none, so that callers wait in the kernel's queue while it is restarted.
 *
 * @param count how many were handed over
 * @param wanted the paths that the daemon serves
 * @throws SOCKET_HANDED_OVER where one is no such socket, or open to others than root
 */
export function handedOver(
  count: number,
  wanted: readonly string[],
  look: LookAtSocket,
  modeOf: LookAtMode,
): ReadonlyMap<string, number> {
  const taken = new Map<string, number>();
  for (let fd = FIRST; fd < FIRST + count; fd++) {
    const socket = look(fd);
    const path = socket?.path ?? '';
    const refuse = (reason: string) => new KuryrError('SOCKET_HANDED_OVER', { fd, reason, wanted });
    if (socket === undefined) throw refuse('it is no unix socket');
    if (socket.type !== 'stream' || !socket.listening) throw refuse(`${path} is no stream socket that listens`);
    if (!wanted.includes(path)) throw refuse(`it is at ${path}, where this daemon serves nothing`);
    if (taken.has(path)) throw refuse(`${path} was handed over twice`);
    const mode = modeOf(path);
    if (mode === undefined) throw refuse(`its file ${path} is gone`);
    if ((mode & 0o077) !== 0) throw refuse(`${path} is open to others than root (mode ${mode.toString(8)})`);
    taken.set(path, fd);
  }
  return taken;
}
