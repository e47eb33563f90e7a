import { type Change, keyOf } from './changes.ts';
import { handleOf, slotFor } from './slots.ts';
import type { MasterState, Rule } from './wanted.ts';

/** The rules that each address of a container has, as far as they stand: what one more or less takes. */
export class AddressRules {
  readonly #by: 'asker' | 'ends';
  readonly #rulesOf: (master: MasterState, address: string) => readonly Rule[];
  readonly #standing = new Set<string>();

  /** @param by what tells them from other rules */
  constructor(by: 'asker' | 'ends', rulesOf: (master: MasterState, address: string) => readonly Rule[]) {
    this.#by = by;
    this.#rulesOf = rulesOf;
  }

  /** These rules stand, and no others. */
  know(rules: readonly Rule[]): void {
    this.#standing.clear();
    for (const { ifindex, match } of rules)
      if (match.by === this.#by && 'address' in match) this.#standing.add(keyOf({ ifindex, address: match.address }));
  }

  added(master: MasterState, addresses: readonly string[]): Change[] {
    return addresses.flatMap(address => {
      const key = keyOf({ ifindex: master.ifindex, address });
      if (this.#standing.has(key)) return [];
      this.#standing.add(key);
      return this.#placed(master, address).map(
        ({ ifindex, filter }): Change => ({ do: 'add-filter', ifindex, filter }),
      );
    });
  }

  removed(master: MasterState, addresses: readonly string[]): Change[] {
    return addresses.flatMap(address => {
      if (!this.#standing.delete(keyOf({ ifindex: master.ifindex, address }))) return [];
      return this.#placed(master, address).map(
        ({ ifindex, filter }): Change => ({ do: 'remove-filter', ifindex, filter, handle: handleOf(filter) }),
      );
    });
  }

  #placed(master: MasterState, address: string) {
    return this.#rulesOf(master, address).map(({ ifindex, ...rule }) => ({
      ifindex,
      filter: { ...rule, pref: slotFor({ ...rule, ifindex }, new Set()) },
    }));
  }
}
