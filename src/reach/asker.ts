import type { Kernel } from '../linux/kernel.ts';
import type { Master } from '../nic/nic.ts';
import type { Clock } from '../time/clock.ts';
import { question } from './question.ts';
import { SharedSockets } from './shared-sockets.ts';

/** Most answers come within a few milliseconds of enforcement, so the first questions follow each other quickly. */
const FIRST_QUESTIONS_MS = [0, 50, 100, 200, 400];
const THEN_EVERY_MS = 500;

export interface Asked {
  readonly answered: boolean;
  /** Milliseconds from the first question to the answer, or to the end. */
  readonly afterMs: number;
  /** How many questions were sent. */
  readonly probes: number;
}

/** Asks neighbours by frames out of a master, until they answer. */
export class Asker {
  readonly #clock: Clock;
  readonly #sockets: SharedSockets;

  constructor(kernel: Pick<Kernel, 'packetSocket'>, clock: Clock) {
    this.#clock = clock;
    this.#sockets = new SharedSockets(kernel);
  }

  /**
   * Asks `target` in the name of `source` until it answers or `withinMs` is over.
   * @throws what the kernel's edge throws, when not even the first question can be sent; the signal's reason
   */
  async ask(
    master: Master,
    from: { readonly address: string; readonly mac: string },
    target: string,
    withinMs: number,
    signal: AbortSignal,
  ): Promise<Asked> {
    signal.throwIfAborted();
    const started = this.#clock.monotonic();
    const { etherType, frame, answeredBy } = question(from.mac, from.address, target);
    const answer = new AbortController();
    let answeredAt: number | undefined;
    const take = (arrived: Uint8Array) => {
      if (answeredAt !== undefined || !answeredBy(arrived)) return;
      answeredAt = this.#clock.monotonic();
      answer.abort();
    };
    const foreignMac = from.mac === master.mac ? undefined : from.mac;
    using line = this.#sockets.use(master.ifindex, etherType, foreignMac, take);
    let probes = 0;
    for (const at of questionTimes(withinMs)) {
      await this.#waitUntil(started + at, answer.signal, signal);
      if (answeredAt !== undefined) break;
      if (at < withinMs) {
        this.#send(line, frame, probes === 0);
        probes++;
      }
    }
    return { answered: answeredAt !== undefined, afterMs: (answeredAt ?? this.#clock.monotonic()) - started, probes };
  }

  /** Sends a frame out of the master. @throws what the kernel's edge throws */
  tell(master: Master, etherType: number, frame: Uint8Array): void {
    using line = this.#sockets.use(master.ifindex, etherType, undefined, () => {});
    line.send(frame);
  }

  /** A later question may find the link down for a moment, or its queue full: the next one follows anyway. */
  #send(line: { send(frame: Uint8Array): void }, frame: Uint8Array, first: boolean): void {
    try {
      line.send(frame);
    } catch (error) {
      if (first) throw error;
    }
  }

  async #waitUntil(time: number, answered: AbortSignal, signal: AbortSignal): Promise<void> {
    const ms = time - this.#clock.monotonic();
    if (ms <= 0 || answered.aborted) return;
    try {
      await this.#clock.sleep(ms, AbortSignal.any([answered, signal]));
    } catch (error) {
      if (!answered.aborted || signal.aborted) throw error;
    }
  }
}

/** When to ask, and last the end of the wait. */
function* questionTimes(withinMs: number): Generator<number> {
  let at = 0;
  for (let count = 0; at < withinMs; count++) {
    yield at;
    at = FIRST_QUESTIONS_MS[count + 1] ?? at + THEN_EVERY_MS;
  }
  yield withinMs;
}
