import { type Change, keyOf } from './changes.ts';
import { askerRule } from './forgeries.ts';
import { handleOf, slotFor } from './slots.ts';
import type { MasterState, Rule } from './wanted.ts';

/** The rules that let containers speak for their own addresses, as far as they stand: what one more or less takes. */
export class Askers {
  readonly #standing = new Set<string>();

  /** These rules stand, and no others. */
  know(rules: readonly Rule[]): void {
    this.#standing.clear();
    for (const { ifindex, match } of rules)
      if (match.by === 'asker') this.#standing.add(keyOf({ ifindex, address: match.address }));
  }

  added(master: MasterState, addresses: readonly string[]): Change[] {
    return addresses.flatMap(address => {
      const key = keyOf({ ifindex: master.ifindex, address });
      if (this.#standing.has(key)) return [];
      this.#standing.add(key);
      const { ifindex, ...rule } = askerRule(master, address);
      return [{ do: 'add-filter', ifindex, filter: { ...rule, pref: slotFor({ ...rule, ifindex }, new Set()) } }];
    });
  }

  removed(master: MasterState, addresses: readonly string[]): Change[] {
    return addresses.flatMap(address => {
      if (!this.#standing.delete(keyOf({ ifindex: master.ifindex, address }))) return [];
      const { ifindex, ...rule } = askerRule(master, address);
      const filter = { ...rule, pref: slotFor({ ...rule, ifindex }, new Set()) };
      return [{ do: 'remove-filter', ifindex, filter, handle: handleOf(rule) }];
    });
  }
}
