import { isKuryrError } from '../errors/kuryr-error.ts';
import type { Neutron } from '../openstack/neutron.ts';
import { stands } from './merge.ts';

/** Refusals that come after the policy has let the write pass. */
const PAST_POLICY: readonly string[] = ['NEUTRON_STALE', 'PAIR_MAC_REFUSED', 'PORT_SECURITY_OFF'];

/**
 * Whether an answer shows that the credential may write the port's pairs, asked by a write that cannot happen: the list as it was
 * just read and an address of the VM's own, on condition that the port has the revision 0, which no port has. Rules and policy
 * are looked at before it (Neutron 21 and 29): 401 or 403 where they forbid, 412 where they do not. The list alone would be
 * answered 200 and count the revision up, which a writer elsewhere may be waiting with; and where something on the way drops
 * the condition, foreign pairs stay as they are and the own address does no harm.
 * A full list tells nothing: its length is looked at first.
 * @throws what the reading of the port throws
 */
export async function mayWritePairs(
  neutron: Pick<Neutron, 'port' | 'updatePort'>,
  portId: string,
  signal: AbortSignal,
): Promise<boolean> {
  const { allowed_address_pairs: entries, fixed_ips, mac_address: mac } = await neutron.port(portId, signal);
  const own = fixed_ips.find(({ ip_address: address }) => !stands({ address }, { entries, mac }));
  const added = own === undefined ? [] : [{ ip_address: own.ip_address }];
  try {
    await neutron.updatePort(portId, { allowed_address_pairs: [...entries, ...added] }, 0, signal);
    return true;
  } catch (error) {
    return isKuryrError(error) && PAST_POLICY.includes(error.code);
  }
}
