import { KuryrError } from '../errors/kuryr-error.ts';
import { fakeRefusal } from './fake-refusal.ts';
import type { FilterMark, FilterPlace, Filters, LinkFilter, StandingFilter } from './filters.ts';

/**
 * Filters in memory, for tests. As in the kernel, there are none without a place for them, `ingress` leaves no place for a
 * clsact, one preference holds filters of one protocol, and the place goes with all that is in it.
 */
export class FakeFilters implements Filters {
  readonly #places = new Map<number, FilterPlace>();
  readonly #standing = new Map<number, StandingFilter[]>();
  /** What the kernel lacks, such as `sch_ingress`, `u32`, `flower`, `mirred`, `gact` or `ct`. */
  readonly lacking = new Set<string>();
  /** Whether the caller may change nothing. */
  isForbidden = false;
  /** Whether somebody who was killed at some point would have left a place without a filter. */
  hadEmptyPlace = false;
  /** Changes that were asked for, in words. */
  readonly changes: string[] = [];

  /** Puts a place or a filter there, as another program would. */
  addPlace(place: FilterPlace): void {
    this.#places.set(place.ifindex, place);
  }

  addForeign(ifindex: number, filter: Partial<StandingFilter> = {}): void {
    const plain = { hook: 'egress', pref: 1, protocol: 3, handle: 1, cookie: '', filter: undefined } as const;
    this.#standing.set(ifindex, [...this.of(ifindex), { ...plain, ...filter }]);
  }

  /** The link is gone. */
  drop(ifindex: number): void {
    this.#places.delete(ifindex);
    this.#standing.delete(ifindex);
  }

  places(): readonly FilterPlace[] {
    return [...this.#places.values()];
  }

  addWithPlace(ifindex: number, filter: LinkFilter, mark: FilterMark): void {
    this.changes.push(`make place ${ifindex}`);
    if (this.isForbidden) throw fakeRefusal('NOT_PRIVILEGED', 'add a clsact qdisc', 'EPERM', {});
    if (this.lacking.has('sch_ingress')) throw refused('add a clsact qdisc', 'Specified qdisc kind is unknown');
    const isNew = !this.#places.has(ifindex);
    if (isNew) this.#places.set(ifindex, { ifindex, kind: 'clsact', shared: false });
    try {
      this.add(ifindex, filter, mark);
    } catch (error) {
      if (isNew) this.drop(ifindex);
      throw error;
    }
  }

  removePlace(ifindex: number): void {
    this.changes.push(`remove place ${ifindex}`);
    this.drop(ifindex);
  }

  of(ifindex: number): readonly StandingFilter[] {
    return [...(this.#standing.get(ifindex) ?? [])];
  }

  add(ifindex: number, filter: LinkFilter, { handle, cookie }: FilterMark): void {
    const { hook, pref, protocol, match, action } = filter;
    this.changes.push(`add ${pref} to ${ifindex}`);
    if (this.#places.get(ifindex)?.kind !== 'clsact') throw refused('add a filter', 'Parent Qdisc doesnt exists');
    if (this.lacking.has(match.by === 'bytes' ? 'u32' : 'flower'))
      throw refused('add a filter', 'TC classifier not found');
    if (this.lacking.has(action.do === 'arrive' ? 'mirred' : action.do === 'translate' ? 'ct' : 'gact'))
      throw refused('add a filter', 'Failed to load TC action module');
    const etherType = { all: 3, arp: 0x0806, ip: 0x0800, ipv6: 0x86dd, '802.1Q': 0x8100, '802.1ad': 0x88a8 }[protocol];
    const beside = this.of(ifindex).filter(each => each.hook === hook && each.pref === pref);
    if (beside.some(each => each.protocol !== etherType || (handle !== 0 && each.handle === handle)))
      throw refused('add a filter', 'Filter already exists');
    const given = handle === 0 ? 0x80000800 + beside.length : handle;
    const made = { hook, pref, protocol: etherType, handle: given, cookie, filter } as const;
    this.#standing.set(ifindex, [...this.of(ifindex), made]);
  }

  remove(ifindex: number, { hook, pref }: LinkFilter, handle: number): void {
    this.changes.push(`remove ${pref} from ${ifindex}`);
    const kept = this.of(ifindex).filter(
      each => each.hook !== hook || each.pref !== pref || (handle !== 0 && each.handle !== handle),
    );
    this.#standing.set(ifindex, kept);
    this.hadEmptyPlace ||= this.#places.has(ifindex) && kept.length === 0;
  }
}

function refused(request: string, said: string): KuryrError {
  return new KuryrError('KERNEL_REFUSED', { request, errno: 'ENOENT', reason: `ENOENT: ${said}` });
}
