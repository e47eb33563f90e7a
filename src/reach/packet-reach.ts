import { asKuryrError, isKuryrError } from '../errors/kuryr-error.ts';
import type { Kernel } from '../linux/kernel.ts';
import type { Logger } from '../observe/logger.ts';
import type { Clock } from '../time/clock.ts';
import { Asker } from './asker.ts';
import { announcement } from './question.ts';
import type { Reach, Reached, ReachTarget } from './reach.ts';
import { Targets } from './targets.ts';

/**
 * Seconds after the cloud permitted an address. Agents enforce up to a few seconds late, and OVN claims a virtual port
 * for this VM only by an announcement that it lets pass.
 */
const ANNOUNCE_AT_MS = [0, 1000, 2000, 4000, 8000];

export interface ReachParts {
  readonly kernel: Pick<Kernel, 'packetSocket' | 'addresses' | 'neighbours'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Reach by packet sockets on the masters. */
export class PacketReach implements Reach {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #asker: Asker;
  readonly #targets: Targets;

  constructor({ kernel, clock, logger }: ReachParts) {
    this.#clock = clock;
    this.#logger = logger;
    this.#asker = new Asker(kernel, clock);
    this.#targets = new Targets(kernel, clock, this.#asker);
  }

  announce(target: ReachTarget, signal: AbortSignal): void {
    void this.#announce(target, signal);
  }

  async probe(target: ReachTarget, withinMs: number, signal: AbortSignal): Promise<Reached> {
    signal.throwIfAborted();
    const started = this.#clock.monotonic();
    try {
      const asked = await within(this.#targets.choose(target), signal);
      if (asked === undefined) return { reachable: false, reason: 'no-target', probes: 0 };
      const before = this.#clock.monotonic() - started;
      const from = { address: target.address, mac: target.mac };
      const { answered, afterMs, probes } = await this.#asker.ask(
        target.nic.master,
        from,
        asked,
        withinMs - before,
        signal,
      );
      if (!answered) return { reachable: false, reason: 'unanswered', probes };
      return { reachable: true, afterMs: before + afterMs, probes, target: asked };
    } catch (error) {
      if (signal.aborted || !isKuryrError(error)) throw error;
      this.#logger.warn({ address: target.address, error: error.message }, 'cannot ask whether frames pass');
      return { reachable: false, reason: 'unavailable', probes: 0 };
    }
  }

  async #announce({ nic, address, mac }: ReachTarget, signal: AbortSignal): Promise<void> {
    const started = this.#clock.monotonic();
    const { etherType, frame } = announcement(mac, address);
    for (const at of ANNOUNCE_AT_MS) {
      try {
        const ms = started + at - this.#clock.monotonic();
        if (ms > 0) await this.#clock.sleep(ms, signal);
        if (signal.aborted) return;
        this.#asker.tell(nic.master, etherType, frame);
      } catch (error) {
        if (signal.aborted) return;
        this.#logger.warn({ address, error: asKuryrError(error).message }, 'cannot announce an address');
      }
    }
  }
}

/** The promise's value, or the signal's reason if it is aborted first. */
function within<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}
