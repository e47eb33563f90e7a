import { isKuryrError } from '../errors/kuryr-error.ts';
import type { Neutron } from '../openstack/neutron.ts';

/** Refusals that come after the policy has let the write pass. */
const PAST_POLICY: readonly string[] = ['NEUTRON_STALE', 'PAIR_MAC_REFUSED', 'PORT_SECURITY_OFF'];

/**
 * Whether an answer shows that the credential may write the port's pairs, asked by a write that cannot change anything: the list as it was just
 * read, on condition that the port has the revision 0, which no port has. Rules and policy are looked at before it (Neutron 21
 * and 29): 401 or 403 where they forbid, 200 or 412 where they do not. Foreign pairs stay as they are even where something
 * on the way drops the condition.
 * @throws what the reading of the port throws
 */
export async function mayWritePairs(
  neutron: Pick<Neutron, 'port' | 'updatePort'>,
  portId: string,
  signal: AbortSignal,
): Promise<boolean> {
  const { allowed_address_pairs: pairs, fixed_ips } = await neutron.port(portId, signal);
  // The policy of entries is looked at only where there is one; the VM's own address would do no harm if it were ever written.
  const own = fixed_ips.slice(0, 1).map(({ ip_address }) => ({ ip_address }));
  const fields = { allowed_address_pairs: pairs.length > 0 ? pairs : own };
  try {
    await neutron.updatePort(portId, fields, 0, signal);
    return true;
  } catch (error) {
    return isKuryrError(error) && PAST_POLICY.includes(error.code);
  }
}
