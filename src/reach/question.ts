import { familyOf } from '../address/address.ts';
import { arpRequest, ETHERTYPE_ARP, gratuitousArp, readArpReply } from './arp.ts';
import {
  ETHERTYPE_IPV6,
  neighbourSolicitation,
  readAdvertisement,
  unsolicitedAdvertisement,
} from './neighbour-discovery.ts';

/** A question to a neighbour in the name of an address: an ARP request or a neighbour solicitation. */
export interface Question {
  readonly etherType: number;
  readonly frame: Uint8Array;
  /** Whether a frame is the target's answer to that address. */
  answeredBy(frame: Uint8Array): boolean;
}

/** Asks who has `target`, as if `source` with that MAC were asking. Addresses are canonical. */
export function question(mac: string, source: string, target: string): Question {
  if (familyOf(target) === 4) {
    return {
      etherType: ETHERTYPE_ARP,
      frame: arpRequest(mac, source, target),
      answeredBy(frame) {
        const reply = readArpReply(frame);
        return reply !== undefined && reply.sender === target && reply.target === source;
      },
    };
  }
  return {
    etherType: ETHERTYPE_IPV6,
    frame: neighbourSolicitation(mac, source, target),
    answeredBy(frame) {
      const answer = readAdvertisement(frame);
      return answer !== undefined && answer.target === target && answer.destination === source;
    },
  };
}

/** What tells the network that `address` is at `mac`: a gratuitous ARP or an unsolicited neighbour advertisement. */
export function announcement(mac: string, address: string): { readonly etherType: number; readonly frame: Uint8Array } {
  return familyOf(address) === 4
    ? { etherType: ETHERTYPE_ARP, frame: gratuitousArp(mac, address) }
    : { etherType: ETHERTYPE_IPV6, frame: unsolicitedAdvertisement(mac, address) };
}
