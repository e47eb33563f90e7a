import { isKuryrError } from '../errors/kuryr-error.ts';
import type { Neutron, Port } from '../openstack/neutron.ts';
import { stands } from './merge.ts';

/** What was learnt, or why nothing could be. */
export type PairRight =
  | 'permitted'
  | 'forbidden'
  | 'rule-missing'
  | 'mac-blocked'
  | 'written'
  | 'not-asked-full'
  | 'not-asked-own-pair'
  | 'not-asked-no-address'
  | 'not-asked-port-security'
  | 'not-asked-revisions'
  | 'not-asked-extension';

const MEANINGS: Readonly<Record<string, PairRight>> = {
  NEUTRON_STALE: 'permitted',
  ACCESS_RULE_MISSING: 'rule-missing',
  NEUTRON_FORBIDDEN: 'forbidden',
  PAIRS_FORBIDDEN: 'forbidden',
  PAIR_MAC_REFUSED: 'mac-blocked',
  PAIRS_EXHAUSTED: 'not-asked-full',
  PAIR_DUPLICATE: 'not-asked-own-pair',
  PORT_SECURITY_OFF: 'not-asked-port-security',
};

/** After these nothing stands in the way of a write that was forbidden: policy has let one pass, or none is needed. */
export const NOT_FORBIDDEN: ReadonlySet<PairRight> = new Set([
  'permitted',
  'written',
  'mac-blocked',
  'not-asked-port-security',
]);

export interface PairRightAnswer {
  readonly right: PairRight;
  /** The VM's own address that was asked with. */
  readonly address?: string;
  /** What was answered; missing where nothing was asked. */
  readonly code?: string;
  readonly requestId?: string;
}

/**
 * Asks for the right to write the port's pairs by a write that cannot happen: the list as it was just read and an address of
 * the VM's own, on condition that the port has the revision 0, which no port has. Neutron looks at rules and policy before the
 * condition (seen on Neutron 21 and 29): 401 or 403 where they forbid, 412 where only the condition fails. The list alone would be
 * answered 200 and count the revision up, whatever the condition says; so where the condition does not count, or no address
 * can be added, nothing is asked. Where something on the way drops the condition it is a write, of the list as it was just read and an address that does no harm.
 * @param port as it was just read
 * @throws what Neutron's client throws, where the answer tells neither
 */
export async function askPairRight(
  neutron: Pick<Neutron, 'updatePort'>,
  port: Port,
  extensions: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<PairRightAnswer> {
  const { allowed_address_pairs: entries, fixed_ips: fixed, mac_address: mac } = port;
  if (!extensions.has('allowed-address-pairs')) return { right: 'not-asked-extension' };
  if (!extensions.has('revision-if-match') || !extensions.has('standard-attr-revisions'))
    return { right: 'not-asked-revisions' };
  if (!port.port_security_enabled) return { right: 'not-asked-port-security' };
  if (fixed.length === 0) return { right: 'not-asked-no-address' };
  const address = fixed.map(each => each.ip_address).find(each => !stands({ address: each }, { entries, mac }));
  if (address === undefined) return { right: 'not-asked-own-pair' };
  try {
    await neutron.updatePort(port.id, { allowed_address_pairs: [...entries, { ip_address: address }] }, 0, signal);
    return { right: 'written', address, code: '200' };
  } catch (error) {
    const right = isKuryrError(error) ? MEANINGS[error.code] : undefined;
    if (!isKuryrError(error) || right === undefined) throw error;
    const id = error.details['requestId'];
    return { right, address, code: error.code, ...(id !== undefined && { requestId: String(id) }) };
  }
}
