import koffi from 'koffi';

const POLLIN = 1;
/** struct pollfd { int fd; short events; short revents; } */
const ENTRY_BYTES = 8;

/**
 * Waits until something may be read from one of the descriptors: poll(2). It holds the thread, so it is for a process that
 * does nothing else; where there is much to read it costs far less than a signal for each arrival.
 */
export class Readable {
  readonly #poll = koffi.load('libc.so.6').func('int poll(void *fds, unsigned long count, int timeout)');
  readonly #entries: Buffer;
  readonly #count: number;

  constructor(fds: readonly number[]) {
    this.#count = fds.length;
    this.#entries = Buffer.alloc(fds.length * ENTRY_BYTES);
    for (const [n, fd] of fds.entries()) {
      this.#entries.writeInt32LE(fd, n * ENTRY_BYTES);
      this.#entries.writeInt16LE(POLLIN, n * ENTRY_BYTES + 4);
    }
  }

  /** Whether anything became readable within that many milliseconds; then {@link has} tells which. */
  wait(ms: number): boolean {
    return Number(this.#poll(this.#entries, this.#count, ms)) > 0;
  }

  /** Whether the n-th descriptor was readable, or in error, when the last wait ended. */
  has(n: number): boolean {
    return this.#entries.readInt16LE(n * ENTRY_BYTES + 6) !== 0;
  }
}
