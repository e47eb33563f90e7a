/** Four bytes of a frame that a filter compares. */
export interface ByteMatch {
  /** Offset from the network header, bytes; negative for what stands before it, such as the destination's MAC at -14. */
  readonly at: number;
  /** In the order of the wire, as an unsigned 32-bit number; so is the mask. */
  readonly value: number;
  readonly mask: number;
}

/**
 * Which frames a filter takes: `bytes` (cls_u32) compares any fields, one filter after another; `mac` (cls_flower) looks
 * the destination up among all filters of its preference at once, and so does `asker` with who sent it, ARP or a neighbour
 * solicitation, and what address it speaks for, and `ends` with the range that a packet comes from and its destination.
 */
export type FrameMatch =
  | {
      readonly by: 'bytes';
      readonly bytes: readonly ByteMatch[];
      /** Name of the link that it came in on: what is forwarded, and not what this machine or a container sends. */
      readonly cameIn?: string;
    }
  | { readonly by: 'mac'; readonly mac: string }
  | { readonly by: 'asker'; readonly mac: string; readonly address: string }
  | { readonly by: 'ends'; readonly source: string; readonly address: string };

/**
 * What becomes of a frame: it goes on, is lost, or is turned round and arrives on that link instead. `translate` (act_ct)
 * gives an answer the source that its question was sent to, where this machine's conntrack knows the question, and the
 * next filter decides.
 */
export type FilterAction =
  | { readonly do: 'pass' | 'drop' | 'translate' }
  | { readonly do: 'arrive'; readonly ifindex: number };

/** A rule at the ingress or egress of a link (tc's clsact qdisc); the first one that matches decides. */
export interface LinkFilter {
  readonly hook: 'ingress' | 'egress';
  /** The order, lowest first: 1 to 65535. */
  readonly pref: number;
  readonly protocol: 'all' | 'arp' | 'ip' | 'ipv6' | '802.1Q' | '802.1ad';
  readonly match: FrameMatch;
  readonly action: FilterAction;
}

/** What tells a filter from others. */
export interface FilterMark {
  /** Number among those of its preference; 0 leaves it to the kernel. */
  readonly handle: number;
  /** Of the program that makes it, kept by the kernel with the action (TCA_ACT_COOKIE): hex, at most 16 bytes. */
  readonly cookie: string;
}

/** A filter that stands. */
export interface StandingFilter {
  readonly hook: 'ingress' | 'egress';
  readonly pref: number;
  /** EtherType. */
  readonly protocol: number;
  readonly handle: number;
  /** Empty where its action has none. */
  readonly cookie: string;
  /** What it does, where it is a filter of the sort that {@link LinkFilter} describes. */
  readonly filter: LinkFilter | undefined;
}

/** The qdisc that carries filters for the ingress and egress of a link. */
export interface FilterPlace {
  readonly ifindex: number;
  /** `clsact`; `ingress` where another program made the older kind, which leaves no place for it. */
  readonly kind: 'clsact' | 'ingress';
  /** Whether its filters are shared with other links (TCA_EGRESS_BLOCK). */
  readonly shared: boolean;
}

/** Filters on links of the daemon's own netns. Failures are those of the kernel's edge. */
export interface Filters {
  /** Links that have a place for filters. */
  places(): readonly FilterPlace[];
  /**
   * Adds a filter, and the clsact qdisc for it unless one stands: by one request, so that no kill leaves a qdisc without a
   * filter, of which nobody can tell whose it is.
   * @throws KERNEL_REFUSED, with ENOENT where the kernel lacks the qdisc, the classifier or the action; a qdisc that was
   * made for the filter is gone then
   */
  addWithPlace(ifindex: number, filter: LinkFilter, mark: FilterMark): void;
  /** With all filters in it; one that is gone already counts as removed. */
  removePlace(ifindex: number): void;
  /** Filters at both hooks of a link, and what classifiers tell of themselves; none where there is no place for them. */
  of(ifindex: number): readonly StandingFilter[];
  /** @throws KERNEL_REFUSED, with ENOENT where the kernel lacks the classifier or the action */
  add(ifindex: number, filter: LinkFilter, mark: FilterMark): void;
  /**
   * One that is gone already counts as removed.
   * @param handle 0: with all others of its preference and protocol
   */
  remove(ifindex: number, filter: LinkFilter, handle: number): void;
}
