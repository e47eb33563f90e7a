import type { FilterPlace, StandingFilter } from '../linux/filters.ts';
import type { Kernel, Neighbour, Route } from '../linux/kernel.ts';
import { COOKIE } from './slots.ts';
import { PROTOCOL } from './wanted.ts';

/** RT_TABLE_MAIN */
const MAIN_TABLE = 254;

/** What the kernel has of host access, and what others have in its place. */
export interface Standing {
  readonly places: readonly FilterPlace[];
  /** Filters of the links that have a place for them, by ifindex. */
  readonly filters: ReadonlyMap<number, readonly StandingFilter[]>;
  /** Ours, and permanent ones of others. */
  readonly neighbours: readonly Neighbour[];
  /** Ours, and those of others that lead to one host. */
  readonly routes: readonly Route[];
}

export function look(kernel: Pick<Kernel, 'filters' | 'neighbours' | 'routes'>): Standing {
  const places = kernel.filters.places();
  return {
    places,
    filters: new Map(places.map(({ ifindex }) => [ifindex, kernel.filters.of(ifindex)])),
    neighbours: kernel.neighbours('host').filter(({ state }) => state === 'permanent'),
    routes: kernel
      .routes('host')
      .filter(({ table, destination }) => table === MAIN_TABLE && /\.\d+\/32$|:.*\/128$/.test(destination)),
  };
}

export const isOurs = (made: StandingFilter | Neighbour | Route): boolean =>
  'cookie' in made ? made.cookie === COOKIE : made.protocol === PROTOCOL;
