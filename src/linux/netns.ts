import { KuryrError } from '../errors/kuryr-error.ts';
import { errnoName } from './errno.ts';
import type { Netns } from './kernel.ts';
import { refusal } from './refusal.ts';
import { CLONE_NEWNET, O_NONBLOCK, O_RDONLY, type Sys } from './sys.ts';

/** Refuses, at compile time, a function that returns a promise. */
export type Synchronous<T> = T extends PromiseLike<unknown> ? never : unknown;

/** Network namespaces, entered from the daemon's own. Keeps one descriptor: that of the way back. */
export class NetnsDoor implements Disposable {
  readonly #sys: Sys;
  readonly #home: number;

  constructor(sys: Sys) {
    this.#sys = sys;
    // Of the thread, not of the process: /proc/self is the main thread's.
    this.#home = sys.open('/proc/thread-self/ns/net', O_RDONLY);
    if (this.#home < 0) throw refusal('open the own network namespace', -this.#home);
  }

  /**
   * Runs `within` in that namespace. Only synchronous work may happen there: the thread itself is moved, so whatever ran
   * before the way back, another request's continuation too, would act in the container's namespace. When the way back
   * fails the process ends.
   * @throws NETNS_GONE, NOT_PRIVILEGED, KERNEL_REFUSED, and what `within` throws
   */
  in<T>(netns: Netns, request: string, within: () => T & Synchronous<T>): T {
    if (netns === 'host') return within();
    using target = this.open(netns, request);
    this.#enter(target.fd, netns.path, request);
    return this.#andBack(within);
  }

  /** The same in a new namespace, which goes when `within` has not seen to it that it stays. */
  inNew<T>(request: string, within: () => T & Synchronous<T>): T {
    const errno = -this.#sys.unshare(CLONE_NEWNET);
    if (errno > 0) throw refusal(request, errno);
    return this.#andBack(within);
  }

  /** A descriptor of the namespace behind the path. @throws NETNS_GONE */
  open(netns: { readonly path: string }, request: string): Disposable & { readonly fd: number } {
    // Non-blocking, so that a FIFO in the namespace's place cannot hold the daemon.
    const fd = this.#sys.open(netns.path, O_RDONLY | O_NONBLOCK);
    if (fd < 0) throw gone(netns.path, request, -fd);
    return { fd, [Symbol.dispose]: () => void this.#sys.close(fd) };
  }

  [Symbol.dispose](): void {
    this.#sys.close(this.#home);
  }

  #andBack<T>(within: () => T): T {
    try {
      return within();
    } finally {
      const errno = -this.#sys.setns(this.#home, CLONE_NEWNET);
      if (errno > 0) this.#sys.abort(`cannot return to the own network namespace: ${errnoName(errno)}`);
    }
  }

  #enter(fd: number, path: string, request: string): void {
    const errno = -this.#sys.setns(fd, CLONE_NEWNET);
    if (errno > 0) throw gone(path, request, errno);
  }
}

function gone(path: string, request: string, errno: number): KuryrError {
  const name = errnoName(errno);
  // Of all else, a lack of descriptors say, nothing follows for who lives in there. EINVAL: the file is there but no
  // namespace, as a bind mount's leftover is.
  if (!['ENOENT', 'ENOTDIR', 'ENXIO', 'EINVAL', 'ESRCH'].includes(name)) return refusal(`${request} in ${path}`, errno);
  return new KuryrError('NETNS_GONE', { path, request, errno: name, reason: name });
}
