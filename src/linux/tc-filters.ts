import { EEXIST, EINVAL, ENODEV, ENOENT } from './errno.ts';
import type { FilterMark, FilterPlace, Filters, LinkFilter, StandingFilter } from './filters.ts';
import type { Message, Request } from './message.ts';
import type { Netlink } from './netlink.ts';
import { refusal } from './refusal.ts';
import {
  addClsact,
  addFilter,
  dumpFilters,
  dumpQdiscs,
  readFilter,
  readFilterPlace,
  removeClsact,
  removeFilter,
} from './tc.ts';

/** The running kernel's filters, by rtnetlink. */
export class TcFilters implements Filters {
  readonly #netlink: Netlink;

  constructor(netlink: Netlink) {
    this.#netlink = netlink;
  }

  places(): readonly FilterPlace[] {
    return this.#dump('list the qdiscs', dumpQdiscs(), readFilterPlace);
  }

  addWithPlace(ifindex: number, filter: LinkFilter, mark: FilterMark): void {
    const [place, added] = this.#netlink.changeTogether([addClsact(ifindex), addFilter(ifindex, filter, mark)]);
    if (place !== undefined && place.errno !== EEXIST)
      throw refusal(`add a clsact qdisc to the link ${ifindex}`, place);
    if (added === undefined) return;
    if (place === undefined) this.removePlace(ifindex);
    throw refusal(`add the filter ${filter.pref} to the link ${ifindex}`, added);
  }

  removePlace(ifindex: number): void {
    this.#change(`remove the clsact qdisc from the link ${ifindex}`, removeClsact(ifindex), [EINVAL, ENOENT, ENODEV]);
  }

  of(ifindex: number): readonly StandingFilter[] {
    return (['ingress', 'egress'] as const).flatMap(hook =>
      this.#dump(`list the filters of the link ${ifindex}`, dumpFilters(ifindex, hook), readFilter),
    );
  }

  add(ifindex: number, filter: LinkFilter, mark: FilterMark): void {
    this.#change(`add the filter ${filter.pref} to the link ${ifindex}`, addFilter(ifindex, filter, mark));
  }

  remove(ifindex: number, filter: LinkFilter, handle: number): void {
    // EINVAL: the qdisc is gone, and the filters with it.
    const gone = [ENOENT, EINVAL, ENODEV];
    this.#change(
      `remove the filter ${filter.pref} from the link ${ifindex}`,
      removeFilter(ifindex, filter, handle),
      gone,
    );
  }

  #change(request: string, message: Request, alreadyDone: readonly number[] = []): void {
    const failure = this.#netlink.change(message);
    if (failure !== undefined && !alreadyDone.includes(failure.errno)) throw refusal(request, failure);
  }

  #dump<T>(request: string, message: Request, read: (message: Message) => T | undefined): readonly T[] {
    const answer = this.#netlink.dump(message);
    if ('errno' in answer) throw refusal(request, answer);
    return answer.map(read).filter(item => item !== undefined);
  }
}
