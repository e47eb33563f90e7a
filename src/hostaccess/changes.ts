import type { LinkFilter, StandingFilter } from '../linux/filters.ts';
import type { Neighbour, NewRoute, OwnNeighbour, Route } from '../linux/kernel.ts';
import { isInPlace, slotFor } from './slots.ts';
import { isOurs, type Standing } from './standing.ts';
import type { Rule, Wanted } from './wanted.ts';

/** One request to the kernel. */
export type Change =
  | { readonly do: 'make-place'; readonly ifindex: number; readonly filter: LinkFilter }
  | { readonly do: 'add-filter'; readonly ifindex: number; readonly filter: LinkFilter }
  | { readonly do: 'remove-filter'; readonly ifindex: number; readonly filter: LinkFilter; readonly handle: number }
  /** With all filters at once, where nobody else has any there: nothing is left by one who is killed under way. */
  | { readonly do: 'remove-place'; readonly ifindex: number }
  | { readonly do: 'put-neighbour'; readonly neighbour: OwnNeighbour }
  | { readonly do: 'remove-neighbour'; readonly ifindex: number; readonly address: string }
  | { readonly do: 'add-route'; readonly route: NewRoute }
  | { readonly do: 'remove-route'; readonly route: NewRoute };

/** What makes the kernel equal to what is wanted. */
export interface Changes {
  /** In order: nothing is missing for a moment that stands before and after. */
  readonly changes: readonly Change[];
  /** Things of others that stand where something of ours was to be, in words: they are left as they are. */
  readonly foreign: readonly string[];
}

export function changesOf(wanted: Wanted, standing: Standing): Changes {
  const rules = ruleChanges(wanted.rules, standing);
  const neighbours = neighbourChanges(wanted.neighbours, standing.neighbours);
  const routes = routeChanges(wanted.routes, standing.routes);
  return {
    changes: [...rules.made, ...neighbours.changes, ...routes.changes, ...rules.removed],
    foreign: [...neighbours.foreign, ...routes.foreign],
  };
}

function ruleChanges(wanted: readonly Rule[], { places, filters }: Standing) {
  const made: Change[] = [];
  const removed: Change[] = [];
  for (const ifindex of new Set([...wanted.map(rule => rule.ifindex), ...filters.keys()])) {
    const all = filters.get(ifindex) ?? [];
    const ours = all.filter(isOurs);
    const taken = new Set(all.map(({ pref }) => pref));
    const slots = new Set(ours.map(placeOf));
    const isShared = all.some(filter => !slots.has(placeOf(filter)));
    const missing = new Map(wanted.filter(rule => rule.ifindex === ifindex).map(rule => [textOf(rule), rule]));
    if (missing.size === 0 && ours.length > 0 && !isShared) {
      removed.push({ do: 'remove-place', ifindex });
      continue;
    }
    const hasPlace = places.some(place => place.ifindex === ifindex);
    for (const standing of ours) {
      const { hook, filter, handle } = standing;
      const text = filter === undefined ? '' : textOf({ ...filter, ifindex });
      if (isInPlace(standing, ifindex) && missing.delete(text)) continue;
      // Without all that it was made of, it is found by what it stands under.
      const protocol = protocols[standing.protocol] ?? 'all';
      const bytes = { by: 'bytes', bytes: [] } as const;
      const found = filter ?? { hook, pref: standing.pref, protocol, match: bytes, action: { do: 'pass' } as const };
      removed.push({ do: 'remove-filter', ifindex, filter: found, handle: found.match.by === 'bytes' ? 0 : handle });
    }
    for (const [n, { ifindex: _, ...rule }] of [...missing.values()].entries()) {
      const pref = slotFor({ ...rule, ifindex }, taken);
      taken.add(pref);
      made.push({ do: n === 0 && !hasPlace ? 'make-place' : 'add-filter', ifindex, filter: { pref, ...rule } });
    }
  }
  return { made, removed };
}

/** By EtherType, where it is not all of them. */
const protocols: Readonly<Record<number, Rule['protocol']>> = {
  2048: 'ip',
  2054: 'arp',
  34525: 'ipv6',
  33024: '802.1Q',
  34984: '802.1ad',
};

/** What a classifier tells of itself stands in the same place without a mark. */
const placeOf = ({ hook, pref }: StandingFilter) => `${hook} ${pref}`;

/** What a rule says, apart from its place. */
function textOf({ ifindex, hook, protocol, match, action }: Rule): string {
  return JSON.stringify([
    ifindex,
    hook,
    protocol,
    match.by,
    matchOf(match),
    action.do,
    action.do === 'arrive' ? action.ifindex : 0,
  ]);
}

function matchOf(match: Rule['match']): readonly string[] {
  switch (match.by) {
    case 'bytes':
      return [match.cameIn ?? '', ...match.bytes.map(({ at, value, mask }) => `${at} ${value} ${mask}`)];
    case 'mac':
      return [match.mac];
    case 'asker':
      return [match.mac, match.address];
    case 'ends':
      return [match.source, match.address];
  }
}

function neighbourChanges(wanted: readonly OwnNeighbour[], standing: readonly Neighbour[]) {
  const changes: Change[] = [];
  const foreign: string[] = [];
  const unclaimed = new Map(standing.map(each => [keyOf(each), each]));
  for (const neighbour of wanted) {
    const found = unclaimed.get(keyOf(neighbour));
    unclaimed.delete(keyOf(neighbour));
    if (found !== undefined && !isOurs(found)) foreign.push(`the neighbour ${found.address} (${found.mac})`);
    else if (found?.mac !== neighbour.mac) changes.push({ do: 'put-neighbour', neighbour });
  }
  const surplus = [...unclaimed.values()].filter(isOurs);
  for (const { ifindex, address } of surplus) changes.push({ do: 'remove-neighbour', ifindex, address });
  return { changes, foreign };
}

/** What finds a neighbour among others. */
export const keyOf = ({ ifindex, address }: { ifindex: number; address: string }) => `${ifindex} ${address}`;

function routeChanges(wanted: readonly NewRoute[], standing: readonly Route[]) {
  const changes: Change[] = [];
  const foreign: string[] = [];
  const ours = standing.filter(isOurs);
  const oursTo = Map.groupBy(ours, ({ destination }) => destination);
  const others = new Set(standing.filter(route => !isOurs(route) && isUsual(route)).map(route => route.destination));
  const kept = new Set<Route>();
  for (const route of wanted) {
    const isTaken = others.has(route.destination);
    const same = oursTo.get(route.destination) ?? [];
    const found = same.find(({ ifindex, source }) => ifindex === route.ifindex && source === route.source);
    if (found !== undefined) kept.add(found);
    else if (isTaken) foreign.push(`the route to ${route.destination}`);
    // In the way of the new one, which differs in source or link only.
    for (const old of same) {
      if (old === found || kept.has(old)) continue;
      kept.add(old);
      changes.push({ do: 'remove-route', route: plain(old) });
    }
    if (found === undefined && !isTaken) changes.push({ do: 'add-route', route });
  }
  for (const route of ours) if (!kept.has(route)) changes.push({ do: 'remove-route', route: plain(route) });
  return { changes, foreign };
}

/** The metric that a route gets when none is named: one of another metric is no hindrance. */
const isUsual = ({ family, metric }: Route) => metric === (family === 6 ? 1024 : 0);

const plain = ({ destination, ifindex, protocol }: Route): NewRoute => ({ destination, ifindex, protocol });
