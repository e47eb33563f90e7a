import type { AttachmentRecord } from '../../attach/records.ts';
import { asKuryrError } from '../../errors/kuryr-error.ts';
import type { Kernel, Link } from '../../linux/kernel.ts';
import type { Logger } from '../../observe/logger.ts';
import type { Clock } from '../../time/clock.ts';

export interface Sandbox {
  /** Path of its netns; on engines before 28 the file appears only after Join was answered. */
  readonly path: string;
  readonly ifindex: number;
  readonly id: string;
}

/**
 * How long an engine may take to bring the link up in the sandbox, milliseconds; then the container did not start. With
 * twenty to start on a slow processor it took more than a minute.
 */
const START_MS = 180_000;
/** Pauses between looks, milliseconds: each longer than the one before, so that waking comes late by a part of the wait. */
const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 500;

/**
 * Makes a Docker sandbox's link silent about itself: router advertisements would add a source address that no pair
 * permits, and neighbour probes from a link-local address of its own are dropped by port security. The engine moves the
 * link and brings it up before anyone else can see it there; so it comes dormant, which keeps IPv6 from beginning on it,
 * and is woken when it was told. In the background: nothing waits for it, and addresses and routes work meanwhile.
 */
export class Sandboxes {
  readonly #kernel: Kernel;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #life: AbortSignal;

  constructor(parts: { kernel: Kernel; clock: Clock; logger: Logger; life: AbortSignal }) {
    this.#kernel = parts.kernel;
    this.#clock = parts.clock;
    this.#logger = parts.logger;
    this.#life = parts.life;
  }

  /**
   * After a start of the daemon: the one before may have ended before it woke a link.
   * @param boot id of the boot; links of an earlier one are gone
   */
  resume(attachments: readonly AttachmentRecord[], boot: string): void {
    for (const { id, link, sandbox: path, ending } of attachments)
      if (link?.boot === boot && path !== undefined && !ending) this.prepare({ path, ifindex: link.ifindex, id });
  }

  prepare(sandbox: Sandbox): void {
    this.#prepare(sandbox).catch(error => {
      if (!this.#life.aborted)
        this.#logger.warn(
          { attachment: sandbox.id, ...asKuryrError(error).details },
          'a sandbox could not be prepared',
        );
    });
  }

  async #prepare(sandbox: Sandbox): Promise<void> {
    const end = this.#clock.monotonic() + START_MS;
    for (let pause = FIRST_PAUSE_MS; !this.#hush(sandbox); pause = Math.min(pause * 1.25, LONGEST_PAUSE_MS)) {
      if (this.#clock.monotonic() > end) return;
      await this.#clock.sleep(pause, this.#life);
    }
  }

  /** Whether the link is up in its sandbox by now, under its last name; if so, it has been told to be silent. */
  #hush({ path, ifindex }: Sandbox): boolean {
    const netns = { path };
    const link = this.#linkIn(netns, ifindex);
    if (link === undefined || !link.up) return false;
    if (link.state !== 'dormant') return true;
    // 1: no link-local address (linux/if_link.h, IN6_ADDR_GEN_MODE_NONE).
    const settings = { accept_ra: '0', autoconf: '0', addr_gen_mode: '1' };
    for (const [name, value] of Object.entries(settings))
      if (this.#kernel.sysctl(netns, `net/ipv6/conf/${link.name}/${name}`) !== undefined)
        this.#kernel.setSysctl(netns, `net/ipv6/conf/${link.name}/${name}`, value);
    this.#kernel.setLink(netns, ifindex, { dormant: false });
    return true;
  }

  #linkIn(netns: { path: string }, ifindex: number): Link | undefined {
    if (!this.#kernel.exists(netns)) return undefined;
    return this.#kernel.links(netns).find(link => link.ifindex === ifindex);
  }
}
