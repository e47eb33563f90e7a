import * as v from 'valibot';
import type { Link } from '../linux/kernel.ts';
import type { Nic } from '../nic/nic.ts';

const sides = ['bridge', 'private', 'vepa'] as const;

/** How a container's link is made, as the ledger keeps it. */
export const linkSpec = v.variant('kind', [
  v.object({ kind: v.literal('ipvlan'), mode: v.literal('l2'), flag: v.picklist(sides) }),
  v.object({ kind: v.literal('macvlan'), mode: v.picklist(sides) }),
]);

export type LinkSpec = v.InferOutput<typeof linkSpec>;

/** A link to make: where its attachment is in the ledger before the kernel hears of it. */
export interface LinkRequest {
  readonly nic: Nic;
  readonly spec: LinkSpec;
  /** Temporary name in the host's netns; at most 15 bytes. */
  readonly name: string;
  readonly ifindex: number;
  readonly mtu: number;
  /** Attachment's id, kept as the link's alias. */
  readonly id: string;
  /** macvlan: the IPv4 reservation's MAC. */
  readonly mac: string;
}

/** What finds a link again, wherever it was moved. */
export interface LinkTrace {
  readonly name: string;
  readonly ifindex: number;
  readonly id: string;
  readonly mac: string;
  /** Addresses the container had; canonical. */
  readonly addresses: readonly string[];
  /** Path of the sandbox's netns, when the runtime named one. */
  readonly sandbox: string | undefined;
}

/** Makes and removes the containers' links. */
export interface Links {
  /**
   * Makes the link, down, in the host's netns; one that stands already with the same ifindex and kind is taken.
   * @throws MASTER_BUSY, MODE_CLASH (the master's slaves have another mode or flag), and what the kernel's edge throws
   */
  create(request: LinkRequest): Link;
  /** Deletes the link in the host's netns or in its sandbox; one that is nowhere counts as deleted. */
  remove(trace: LinkTrace, signal: AbortSignal): Promise<void>;
  /** Whether the link is seen, in the host's netns or its sandbox. */
  find(trace: LinkTrace): 'host' | 'sandbox' | undefined;
  /** Addresses on containers' links (slaves whose master is in the host's netns), in every netns that can be looked into. */
  addressesInUse(): ReadonlySet<string>;
  /** Links of Kuryr's making in the host's netns, by name prefix, alias and kind. */
  ours(): readonly Link[];
}
