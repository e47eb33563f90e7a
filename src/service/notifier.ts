import { errnoName } from '../linux/errno.ts';
import { AF_UNIX, SOCK_DGRAM, type Sys, unixAddress } from '../linux/sys.ts';
import type { Logger } from '../observe/logger.ts';

/** What a service tells systemd of itself, each as a datagram of its own (sd_notify(3)). */
export interface Notifier {
  ready(status: string): void;
  /** Until the next `ready`. */
  reloading(): void;
  stopping(): void;
  alive(): void;
}

/** For a daemon that systemd did not start. */
const silentNotifier: Notifier = { ready() {}, reloading() {}, stopping() {}, alive() {} };

/** @param socket an absolute path, or `@` and a name in the abstract namespace */
export function notifierOf(sys: Sys, socket: string | undefined, logger: Logger): Notifier {
  return socket === undefined ? silentNotifier : new SocketNotifier(sys, socket, logger);
}

class SocketNotifier implements Notifier {
  readonly #sys: Sys;
  readonly #socket: string;
  readonly #logger: Logger;

  constructor(sys: Sys, socket: string, logger: Logger) {
    this.#sys = sys;
    this.#socket = socket;
    this.#logger = logger;
  }

  ready(status: string): void {
    this.#tell('READY=1', `STATUS=${status.replace(/\s+/g, ' ')}`);
  }

  reloading(): void {
    // The time of CLOCK_MONOTONIC, by which Type=notify-reload tells this reload's READY=1 from an earlier one's.
    this.#tell(
      'RELOADING=1',
      `MONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`,
      'STATUS=Reads its configuration again',
    );
  }

  stopping(): void {
    this.#tell('STOPPING=1', 'STATUS=Answers the calls under way');
  }

  alive(): void {
    this.#tell('WATCHDOG=1');
  }

  /** Waits while systemd's queue is full, as libsystemd does: of a READY=1 that is lost systemd would never hear. */
  #tell(...lines: string[]): void {
    const fd = this.#sys.socket(AF_UNIX, SOCK_DGRAM, 0);
    const sent = fd < 0 ? fd : this.#sys.sendTo(fd, Buffer.from(lines.join('\n')), unixAddress(this.#socket));
    if (fd >= 0) this.#sys.close(fd);
    if (sent < 0) this.#logger.warn({ socket: this.#socket, errno: errnoName(-sent) }, 'systemd could not be told');
  }
}
