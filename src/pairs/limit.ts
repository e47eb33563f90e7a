import { isKuryrError, type KuryrError } from '../errors/kuryr-error.ts';
import type { Neutron } from '../openstack/neutron.ts';

/** More than any cloud is known to allow. */
const TOO_MANY = 2000;

/**
 * Asks for max_allowed_address_pair by a write that cannot succeed: a list that is too long is refused before anything
 * else of it is judged, with the maximum in the sentence; and where it is not too long, its entries lack an address, which
 * is refused too (seen on Neutron 21 and 29). Undefined where the answer tells no number.
 */
export async function askLimit(
  neutron: Pick<Neutron, 'updatePort'>,
  portId: string,
  signal: AbortSignal,
): Promise<number | undefined> {
  const probe = { allowed_address_pairs: Array.from({ length: TOO_MANY }, () => ({})) };
  try {
    await neutron.updatePort(portId, probe, undefined, signal);
    return undefined;
  } catch (error) {
    if (isKuryrError(error, 'PAIRS_EXHAUSTED')) return toldLimit(error);
    if (isKuryrError(error) && error.details['status'] === 400) return undefined;
    throw error;
  }
}

/** The maximum that a refusal names. */
export function toldLimit(error: KuryrError): number | undefined {
  const limit = error.details['limit'];
  return typeof limit === 'number' ? limit : undefined;
}
