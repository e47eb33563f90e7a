import { badRequest, internalError, Refusal } from './refusal.ts';
import type { AddressPair, PortRow } from './store.ts';
import { address, isAddress, isCidr, mac, shown, type Validate } from './values.ts';

/**
 * Allowed address pairs: stored as they came, `/32` and host bits too. Their texts of refusal stand alone, without the
 * attribute's name before them, so they are thrown here.
 * @throws Refusal
 */
export const validatePairs =
  (limit: number): Validate =>
  value => {
    if (!Array.isArray(value)) throw badRequest('Allowed address pairs must be a list.');
    if (value.length > limit) {
      const text = `The number of allowed address pair exceeds the maximum ${limit}.`;
      throw new Refusal(400, 'AllowedAddressPairExhausted', text);
    }
    const seen = new Set<string>();
    for (const pair of value) {
      const problem = validatePair(pair);
      if (problem !== undefined) return problem;
      const { ip_address: ip, mac_address: hardware } = pair as Partial<AddressPair>;
      const key = `${shown(hardware)} ${ip}`;
      if (seen.has(key)) throw duplicate(hardware, ip);
      seen.add(key);
    }
    return undefined;
  };

function validatePair(pair: unknown): string | undefined {
  if (typeof pair !== 'object' || pair === null || Array.isArray(pair)) return `'${shown(pair)}' is not a dictionary`;
  const { ip_address: ip, mac_address: hardware, ...others } = pair as Record<string, unknown>;
  const [other] = Object.keys(others);
  if (other !== undefined) throw badRequest(`Unrecognized attribute(s) '${Object.keys(others).sort().join(', ')}'`);
  if (ip === undefined)
    throw new Refusal(400, 'AllowedAddressPairsMissingIP', 'AllowedAddressPair must contain ip_address');
  // The address is looked for a slash first, and nothing has none.
  if (ip === null) throw internalError();
  if (typeof ip === 'string' && ip.includes('/') ? !isCidr(ip) : !isAddress(ip)) {
    throw badRequest(
      typeof ip === 'string' && ip.includes('/') ? `'${ip}' is not a valid IP subnet` : (address(ip) ?? ''),
    );
  }
  const wrong = hardware === undefined ? undefined : mac(hardware);
  if (wrong !== undefined) throw badRequest(wrong);
  return undefined;
}

/** The pairs of a request, each with the port's MAC where it names none. @throws Refusal where that makes two alike */
export function pairsOf(asked: unknown, portMac: string): AddressPair[] {
  const given = (asked ?? []) as readonly Partial<AddressPair>[];
  const pairs = given.map(pair => ({ mac_address: pair.mac_address ?? portMac, ip_address: pair.ip_address ?? '' }));
  const twice = pairs.find((pair, index) => pairs.findIndex(other => keyOf(other) === keyOf(pair)) < index);
  if (twice !== undefined) throw duplicate(twice.mac_address, twice.ip_address);
  return pairs;
}

function duplicate(hardware: unknown, ip: unknown): Refusal {
  const text = `Request contains duplicate address pair: mac_address ${shown(hardware)} ip_address ${ip}.`;
  return new Refusal(400, 'DuplicateAddressPairInRequest', text);
}

/**
 * What a port's pairs are after a write. A write takes away the pairs that its sender's request found, and adds its own;
 * one that came meanwhile has taken away the same and added others, which stay: writes at the same moment end as the union.
 */
export function replaced(now: PortRow, seen: PortRow, pairs: readonly AddressPair[]): AddressPair[] {
  const found = new Set(seen.allowed_address_pairs.map(keyOf));
  const others = now.allowed_address_pairs.filter(pair => !found.has(keyOf(pair)));
  return [...new Map([...others, ...pairs].map(pair => [keyOf(pair), pair])).values()];
}

/** In the order of the database's key. */
export const sorted = (pairs: readonly AddressPair[]): AddressPair[] =>
  [...pairs].sort((one, other) => (keyOf(one) < keyOf(other) ? -1 : 1));

const keyOf = ({ mac_address, ip_address }: AddressPair): string => `${mac_address} ${ip_address}`;
