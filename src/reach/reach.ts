import type { Nic } from '../nic/nic.ts';

/** An address that Kuryr permitted, seen from the master. */
export interface ReachTarget {
  readonly nic: Nic;
  readonly address: string;
  /** Source MAC of its frames: the master's for ipvlan, the container's for macvlan. */
  readonly mac: string;
  /** The subnet's gateway, where it has one. */
  readonly gateway: string | undefined;
}

export type Reached =
  | { readonly reachable: true; readonly afterMs: number; readonly probes: number; readonly target: string }
  | {
      readonly reachable: false;
      /** `no-target`: nobody on the network answers the VM itself; `unanswered`: the target answers the VM, not the container. */
      readonly reason: 'no-target' | 'unanswered' | 'unavailable';
      readonly probes: number;
    };

/**
 * Announces addresses and asks whether their frames pass the cloud's filter, by frames sent out of the master: a frame
 * sent there with the container's address as source is the frame its ipvlan link would send.
 */
export interface Reach {
  /** Gratuitous ARP (request form, spa = tpa) or unsolicited NA, now and after 1, 2, 4, 8 s, until aborted. Returns at once. */
  announce(target: ReachTarget, signal: AbortSignal): void;
  /**
   * Asks the gateway, or another neighbour known to answer the VM itself, with the container's address as source until it
   * is answered or `withinMs` is over.
   */
  probe(target: ReachTarget, withinMs: number, signal: AbortSignal): Promise<Reached>;
}
