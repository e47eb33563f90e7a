import { sameAddress } from '../../address/address.ts';
import { asKuryrError } from '../../errors/kuryr-error.ts';
import type { Kernel, Link } from '../../linux/kernel.ts';
import type { Logger } from '../../observe/logger.ts';
import type { Clock } from '../../time/clock.ts';

export interface Sandbox {
  /** Path of its netns; on engines before 28 the file appears only after Join was answered. */
  readonly path: string;
  readonly ifindex: number;
  readonly id: string;
  /** The container's own addresses: all others on the link go. */
  readonly addresses: readonly string[];
}

/**
 * How long an engine may take to move the link into the sandbox, milliseconds; then the container did not start. With twenty
 * to start on a slow processor it took more than a minute.
 */
const START_MS = 180_000;
/** A link-local address can appear while Docker brings the link up: the sandbox is looked at once more after this, ms. */
const SECOND_LOOK_MS = 1000;

/**
 * Makes a Docker sandbox's link silent about itself: router advertisements would add a source address that no pair
 * permits, and neighbour probes from a link-local address of its own are dropped by port security. Done once when the
 * sandbox has the link, in the background: nothing waits for it.
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
    for (let pause = 20; !this.#hush(sandbox); pause = Math.min(pause * 2, 500)) {
      if (this.#clock.monotonic() > end) return;
      await this.#clock.sleep(pause, this.#life);
    }
    await this.#clock.sleep(SECOND_LOOK_MS, this.#life);
    this.#hush(sandbox);
  }

  /** Whether the link is in its sandbox by now; if so, it is told to be silent. */
  #hush({ path, ifindex, addresses }: Sandbox): boolean {
    const netns = { path };
    const link = this.#linkIn(netns, ifindex);
    if (link === undefined) return false;
    // 1: no link-local address (linux/if_link.h, IN6_ADDR_GEN_MODE_NONE).
    const settings = { accept_ra: '0', autoconf: '0', addr_gen_mode: '1' };
    for (const [name, value] of Object.entries(settings))
      if (this.#kernel.sysctl(netns, `net/ipv6/conf/${link.name}/${name}`) !== undefined)
        this.#kernel.setSysctl(netns, `net/ipv6/conf/${link.name}/${name}`, value);
    for (const { address, prefix, family, ...held } of this.#kernel.addresses(netns))
      if (held.ifindex === ifindex && family === 6 && !addresses.some(own => sameAddress(own, address)))
        this.#kernel.removeAddress(netns, ifindex, address, prefix);
    return true;
  }

  #linkIn(netns: { path: string }, ifindex: number): Link | undefined {
    if (!this.#kernel.exists(netns)) return undefined;
    return this.#kernel.links(netns).find(link => link.ifindex === ifindex);
  }
}
