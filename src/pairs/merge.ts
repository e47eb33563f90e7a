import type { AddressPair } from '../openstack/neutron.ts';
import type { Pair } from './pair-writer.ts';

/** A VM port's list as it was read, and the MAC that stands for a pair without one. */
export interface PairList {
  readonly entries: readonly AddressPair[];
  /** The port's own MAC: Neutron fills it in where a pair has none. */
  readonly mac: string;
}

/** A name for the pair, the same for equal pairs. */
export const pairKey = (pair: Pair): string => `${pair.address} ${pair.mac?.toLowerCase() ?? ''}`;

/** The entry as a pair; one with the port's own MAC is the bare address that ipvlan writes. */
export function pairOf(entry: AddressPair, portMac: string): Pair {
  const mac = entry.mac_address?.toLowerCase();
  return mac === undefined || mac === portMac.toLowerCase()
    ? { address: entry.ip_address }
    : { address: entry.ip_address, mac };
}

/** Whether the list has the pair: the same text (OVN compares text, so `X/32` is another one) and the same MAC. */
export const stands = (pair: Pair, list: PairList): boolean => list.entries.some(entry => isEntryOf(entry, pair, list));

/** The list to write: every entry as it was read and in its order, without the removed ones, the new ones at the end. */
export function merge(list: PairList, remove: readonly Pair[], add: readonly Pair[]): readonly AddressPair[] {
  return [
    ...list.entries.filter(entry => !remove.some(pair => isEntryOf(entry, pair, list))),
    ...add.map(pair => ({
      ip_address: pair.address,
      ...(pair.mac === undefined ? {} : { mac_address: pair.mac }),
    })),
  ];
}

function isEntryOf(entry: AddressPair, pair: Pair, { mac }: PairList): boolean {
  const wanted = (pair.mac ?? mac).toLowerCase();
  return entry.ip_address === pair.address && (entry.mac_address ?? mac).toLowerCase() === wanted;
}
