import { contains, parseCidr } from '../address/address.ts';
import { KuryrError } from '../errors/kuryr-error.ts';
import { answersFrom, packetsTo } from './frames.ts';
import { type Guest, type MasterState, type Rule, senderOf } from './wanted.ts';

/** Virtual addresses that the VM itself translates (DNAT), as kube-proxy does. */
export interface Services {
  /** The ranges that they are in: canonical CIDRs. */
  readonly ranges: readonly string[];
  /** Ranges of backends beyond the VM whose answers are translated back where they come in. */
  readonly backends: readonly string[];
}

export const noServices: Services = { ranges: [], backends: [] };

const isSameFamily = (one: string, other: string) => one.includes(':') === other.includes(':');

/** Services for the containers of every master that has some. */
export function servicesOf(masters: readonly MasterState[], guests: readonly Guest[], services: Services): Rule[] {
  return masters.flatMap(master => {
    const own = guests.filter(guest => guest.master === master.ifindex);
    if (own.length === 0) return [];
    const addresses = own.flatMap(guest => guest.addresses);
    return [
      ...turnRules(master, senderOf(master, own), services),
      ...addresses.flatMap(address => answerRules(master, address, services)),
    ];
  });
}

/**
 * What containers send to a virtual address arrives at the VM, though it is for the gateway's MAC. What the VM sends there
 * itself was not translated and leaves as ever; so does what it forwards, which would come round until its hop limit ends.
 */
function turnRules(master: MasterState, from: string | undefined, { ranges }: Services): Rule[] {
  const { ifindex, name, addresses } = master;
  const turn = { ifindex, hook: 'egress', action: { do: 'arrive', ifindex } } as const;
  const pass = { ifindex, hook: 'egress', action: { do: 'pass' } } as const;
  return ranges.flatMap(range => [
    { ...pass, ...packetsTo(range, { cameIn: name }) },
    ...addresses
      .filter(({ address }) => isSameFamily(address, range))
      .map(({ address }) => ({ ...pass, ...packetsTo(range, { source: address }) })),
    { ...turn, ...packetsTo(range, from === undefined ? {} : { from }) },
  ]);
}

/** What backends beyond the VM answer that address gets the source that the container had asked. */
export function answerRules(
  { ifindex }: Pick<MasterState, 'ifindex'>,
  address: string,
  { backends }: Services,
): Rule[] {
  return backends
    .filter(range => isSameFamily(address, range))
    .map(range => ({ ifindex, hook: 'ingress', ...answersFrom(range, address), action: { do: 'translate' } }));
}

/** A range that holds neighbours of the VM too, of which none would be reached any more: SERVICES_CLASH. */
export function clashOf(
  masters: readonly Pick<MasterState, 'addresses'>[],
  { ranges }: Services,
): KuryrError | undefined {
  for (const range of ranges) {
    const first = parseCidr(range)?.address ?? '';
    for (const { addresses } of masters)
      for (const { address, prefix } of addresses)
        if (contains(range, address) || contains(`${address}/${prefix}`, first))
          return new KuryrError('SERVICES_CLASH', { range, subnet: `${address}/${prefix}` });
  }
  return undefined;
}
