/** An entry of allowed_address_pairs that Kuryr wants on a VM port. */
export interface Pair {
  /** Exactly the text that Neutron returned in the reservation's fixed_ips; OVN compares text. */
  readonly address: string;
  /** The container's MAC for macvlan; left out for ipvlan, where Neutron fills in the port's. */
  readonly mac?: string | undefined;
}

/** Pairs of a VM port as last read. */
export interface PairView {
  /** All entries on the port. */
  readonly used: number;
  /** Of them ours. */
  readonly ours: number;
  /** max_allowed_address_pair where the cloud has told it. */
  readonly limit: number | undefined;
}

/**
 * The one writer of a VM port's pairs. Changes that arrive while a write is under way go together into the next one.
 * Foreign entries are kept byte for byte. Where a read says that the port has no port security, nothing is
 * written and every call resolves.
 */
export interface PairWriter {
  /**
   * Resolves when the pair was read back from Neutron.
   * @throws PAIRS_EXHAUSTED, PAIRS_FORBIDDEN, PAIR_MAC_REFUSED, PAIRS_CONTENDED, and what Neutron's client throws
   */
  add(pair: Pair, signal: AbortSignal): Promise<void>;
  /** Resolves when a read back of the port no longer has it; a pair or port that is gone already counts as removed. */
  remove(pair: Pair, signal: AbortSignal): Promise<void>;
  /** What was last read, or undefined before the first read. */
  view(): PairView | undefined;
  /** Reads the port now. */
  refresh(signal: AbortSignal): Promise<PairView>;
  /**
   * max_allowed_address_pair, asked by a request that changes nothing; remembered until a list that is full was read, since it may have
   * been raised. Undefined where it can't be told.
   */
  limit(signal: AbortSignal): Promise<number | undefined>;
  /** Does this while nothing is written, on what it reads itself; bounded as a call is. @throws what the work throws */
  alone<T>(work: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T>;
  /** Drops what was last read of a port that nothing of this VM is on any more. */
  forget(): void;
}

/** Gives each VM port its one writer. */
export interface PairWriters {
  of(portId: string): PairWriter;
}

/** Whose an entry is, told by the ledger: the pairs that Kuryr wrote or is about to write on that port. */
export interface PairOwnership {
  owns(portId: string, pair: Pair): boolean;
}
