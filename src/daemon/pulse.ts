import { asKuryrError } from '../errors/kuryr-error.ts';
import type { Nics } from '../nic/nic.ts';
import type { HealthBoard } from '../observe/health-board.ts';
import { cloudAway } from '../observe/health-codes.ts';
import type { Logger } from '../observe/logger.ts';
import type { Neutron } from '../openstack/neutron.ts';
import type { Clock } from '../time/clock.ts';
import { harmless } from './harmless.ts';
import type { Recheck } from './recheck.ts';

export interface PulseParts {
  readonly neutron: Neutron;
  readonly nics: Nics;
  readonly health: HealthBoard;
  /** What looks after the other values. */
  readonly recheck: Pick<Recheck, 'look'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly life: AbortSignal;
}

/** The pause between questions to a cloud that was away, milliseconds: the idle daemon may not poll faster. */
const PAUSE_MS = 30_000;

/** What was set of these is cleared by an answer; where no container starts or stops, nobody else asks. */
const asked = [...cloudAway, 'NIC_UNKNOWN'] as const;

/** Asks the cloud at the start what the first attach would have to ask, and looks after what is set as long as it is. */
export class Pulse {
  readonly #parts: PulseParts;
  #waking = new AbortController();

  constructor(parts: PulseParts) {
    this.#parts = parts;
  }

  /** Has it look at once, at all that is set: after a reload something may be mended, or not be right any more. */
  soon(): void {
    this.#waking.abort();
  }

  async run(): Promise<void> {
    const { clock, health, nics, neutron, recheck, life } = this.#parts;
    await this.#greet();
    while (!life.aborted) {
      await clock.sleep(PAUSE_MS, AbortSignal.any([this.#waking.signal, life])).catch(() => undefined);
      if (life.aborted) return;
      const isWoken = this.#waking.signal.aborted;
      if (isWoken) this.#waking = new AbortController();
      const isNicLost = health.isSet('NIC_UNKNOWN') || health.isSet('VM_PORT_GONE');
      if (health.isSet('NIC_UNKNOWN')) nics.forget();
      // The smallest list that any credential may ask for; what comes of it, the health values show.
      if (isWoken) await this.#greet();
      else if (asked.some(code => health.isSet(code)))
        await harmless['GET /networks'](neutron, life).catch(() => undefined);
      await recheck.look(isWoken).catch(() => undefined);
      if (isNicLost) await this.#look().catch(() => undefined);
    }
  }

  /** What the first attach would have to ask, most of which is remembered. */
  async #greet(): Promise<void> {
    const { neutron, logger, life } = this.#parts;
    await Promise.all([this.#look(), neutron.extensions(life)]).catch((thrown: unknown) => {
      const { code, message } = asKuryrError(thrown);
      if (!life.aborted) logger.warn({ code }, `the cloud is not at hand yet: ${message}`);
    });
  }

  /** Whether there is a NIC for containers; remembered, so that it costs nothing when it was found. */
  async #look(): Promise<void> {
    const { nics, health, life } = this.#parts;
    if ((await nics.all(life)).length > 0) return health.clear('NIC_UNKNOWN');
    await nics
      .find({}, life)
      .catch((thrown: unknown) => health.set('NIC_UNKNOWN', { reason: asKuryrError(thrown).text }));
  }
}
