import type { KuryrError } from '../errors/kuryr-error.ts';
import type { ErrorCode } from '../errors/table.ts';

/**
 * What a failed write of pairs means for the writer:
 * `again`: somebody wrote meanwhile (412), the answer was lost, or port security went off: read, compare, go on;
 * `exhausted`: the list is too long, nothing changed;
 * `one`: something in the list is refused, nothing changed: who asked for the rest must not suffer from it;
 * `all`: whatever is written is refused.
 */
export type Refusal = 'again' | 'exhausted' | 'one' | 'all';

const AGAIN: ReadonlySet<ErrorCode> = new Set([
  ...(['NEUTRON_STALE', 'PORT_SECURITY_OFF', 'NEUTRON_OUTCOME_UNKNOWN'] as const),
  ...(['CLOUD_TIMEOUT', 'CLOUD_UNREACHABLE', 'CLOUD_BAD_ANSWER'] as const),
]);

/** @param error what Neutron's client threw at a PUT of pairs, NEUTRON_NOT_FOUND apart */
export function refusalOf(error: KuryrError): Refusal {
  if (error.code === 'PAIRS_EXHAUSTED') return 'exhausted';
  if (AGAIN.has(error.code)) return 'again';
  const status = error.details['status'];
  // An error of the server's may come after the effect.
  if (typeof status === 'number' && status >= 500) return 'again';
  return status === 400 || status === 409 ? 'one' : 'all';
}
