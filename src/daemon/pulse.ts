import { asKuryrError } from '../errors/kuryr-error.ts';
import type { Nics } from '../nic/nic.ts';
import type { HealthBoard } from '../observe/health-board.ts';
import type { Logger } from '../observe/logger.ts';
import type { Neutron } from '../openstack/neutron.ts';
import type { Clock } from '../time/clock.ts';

export interface PulseParts {
  readonly neutron: Pick<Neutron, 'extensions' | 'networks'>;
  readonly nics: Nics;
  readonly health: HealthBoard;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly life: AbortSignal;
}

/** The pause between questions to a cloud that was away, milliseconds: the idle daemon may not poll faster. */
const PAUSE_MS = 30_000;

/** What was set of these is cleared by an answer; where no container starts or stops, nobody else asks. */
const asked = ['KEYSTONE_UNREACHABLE', 'CREDENTIAL_REFUSED', 'NEUTRON_UNREACHABLE', 'NIC_UNKNOWN'] as const;

/** Asks the cloud at the start what the first attach would have to ask, and goes on as long as it does not answer. */
export class Pulse {
  readonly #parts: PulseParts;

  constructor(parts: PulseParts) {
    this.#parts = parts;
  }

  async run(): Promise<void> {
    const { clock, health, logger, life } = this.#parts;
    const { nics, neutron } = this.#parts;
    await Promise.all([this.#look(), neutron.extensions(life)]).catch((thrown: unknown) => {
      const { code, message } = asKuryrError(thrown);
      if (!life.aborted) logger.warn({ code }, `the cloud is not at hand yet: ${message}`);
    });
    while (!life.aborted) {
      await clock.sleep(PAUSE_MS, life).catch(() => undefined);
      if (life.aborted || !asked.some(code => health.isSet(code))) continue;
      if (health.isSet('NIC_UNKNOWN')) nics.forget();
      // The smallest list that any credential may ask for; what comes of it, the health values show.
      await neutron
        .networks({ name: 'kuryr-pulse' }, life)
        .then(() => this.#look())
        .catch(() => undefined);
    }
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
