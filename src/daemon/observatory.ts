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

/** What was said of the former credential: this one has got its token, and whether groups are followed is seen within five minutes. */
const OF_CREDENTIAL = ['KEYSTONE_UNREACHABLE', 'CREDENTIAL_REFUSED', 'GROUPS_NOT_FOLLOWED'] as const;

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

  /** A request to the cloud is over; called on behalf of whom it was made for. One of another credential than that in use says nothing of it. */
  readonly call = (call: CloudCall, inUse: boolean): void => {
    const { service, method, route, status, ms, requestId } = call;
    const kind = { service, method, resource: route };
    this.meter.add('kuryr_cloud_calls_total', { ...kind, status: status === undefined ? 'none' : String(status) });
    this.meter.observe('kuryr_cloud_call_seconds', kind, ms / 1000);
    this.timeline.call({ method, route, status, ms, requestId });
    if (inUse) this.#cloud.see(call);
  };

  /** The ledger, whose failures are told of. */
  watching(ledger: Ledger): Ledger {
    const { health } = this;
    const watched = (written: Promise<void>) => {
      written.then(
        () => health.clear('LEDGER_UNWRITABLE'),
        (error: unknown) => health.set('LEDGER_UNWRITABLE', { reason: reasonOf(error) }),
      );
      return written;
    };
    return {
      get: key => ledger.get(key),
      entries: prefix => ledger.entries(prefix),
      next: counter => ledger.next(counter),
      close: () => ledger.close(),
      write: changes => watched(ledger.write(changes)),
      prove: () => watched(ledger.prove()),
    };
  }

  /** Another credential is in use. What else was refused may be refused still: it is looked at again. */
  renewed(): void {
    this.#cloud.anew();
    for (const code of OF_CREDENTIAL) this.health.drop(code);
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
