import type { Ledger } from '../ledger/ledger.ts';
import { HealthBoard } from '../observe/health-board.ts';
import { Lives } from '../observe/lives.ts';
import { MetricStore } from '../observe/metric-store.ts';
import type { Observe } from '../observe/observe.ts';
import type { CloudCall } from '../openstack/caller.ts';
import { CloudHealth } from '../openstack/cloud-health.ts';
import type { Clock } from '../time/clock.ts';
import { type HealthSources, watchSources } from './health-sources.ts';
import { collectReadings, type ReadingsParts } from './readings.ts';

/** What another credential, another rule or another NIC may have mended. */
const REFUSALS = [
  ...(['CREDENTIAL_REFUSED', 'NEUTRON_UNAUTHORIZED', 'PAIRS_FORBIDDEN'] as const),
  ...(['GROUPS_NOT_FOLLOWED', 'VM_PORT_GONE'] as const),
];

/** All that the daemon knows of itself: counted, told of ways, and health. */
export class Observatory implements Observe {
  readonly meter = new MetricStore();
  readonly timeline: Lives;
  readonly health: HealthBoard;
  readonly #cloud: CloudHealth;

  constructor(clock: Clock) {
    this.timeline = new Lives({ meter: this.meter, clock });
    this.health = new HealthBoard(() => clock.now());
    this.#cloud = new CloudHealth(this.health, () => clock.now());
  }

  /** A request to the cloud is over; called on behalf of whom it was made for. */
  readonly call = (call: CloudCall): void => {
    const { service, method, route, status, ms, requestId } = call;
    const kind = { service, method, resource: route };
    this.meter.add('kuryr_cloud_calls_total', { ...kind, status: status === undefined ? 'none' : String(status) });
    this.meter.observe('kuryr_cloud_call_seconds', kind, ms / 1000);
    this.timeline.call({ method, route, status, ms, requestId });
    this.#cloud.see(call);
  };

  /** The ledger, whose failures are told of. */
  watching(ledger: Ledger): Ledger {
    const { health } = this;
    return {
      get: key => ledger.get(key),
      entries: prefix => ledger.entries(prefix),
      next: counter => ledger.next(counter),
      close: () => ledger.close(),
      write(changes) {
        const written = ledger.write(changes);
        written.then(
          () => health.clear('LEDGER_UNWRITABLE'),
          (error: unknown) => health.set('LEDGER_UNWRITABLE', { reason: reasonOf(error) }),
        );
        return written;
      },
    };
  }

  /** After a reload: who meets it again tells it again. Nobody may, where nothing is done for hours. */
  anew(): void {
    this.#cloud.anew();
    for (const code of REFUSALS) this.health.drop(code);
  }

  /** Reads of the parts what they know, when somebody asks. */
  look(parts: Omit<ReadingsParts, 'health'> & HealthSources): void {
    watchSources(this.health, parts);
    collectReadings(this.meter, { ...parts, health: this.health });
  }
}

function reasonOf(error: unknown): string {
  const { details } = Object(error) as { details?: { reason?: unknown } };
  return String(details?.reason ?? error);
}
