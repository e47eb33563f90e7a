import { contains } from '../address/address.ts';
import type { LinkFilter } from '../linux/filters.ts';
import type { Address, NewRoute, OwnNeighbour } from '../linux/kernel.ts';
import { framesTo, questionsBy, questionsFor } from './frames.ts';

/** Kuryr's number among those that make neighbours and routes; nobody else's in linux/rtnetlink.h. */
export const PROTOCOL = 75;

/** A container that its VM is to reach. */
export interface Guest {
  /** ifindex of the master. */
  readonly master: number;
  readonly kind: 'ipvlan' | 'macvlan';
  /** macvlan: of its link. */
  readonly mac: string;
  /** Canonical. */
  readonly addresses: readonly string[];
}

/** The VM's side of a NIC. */
export interface MasterState {
  readonly ifindex: number;
  readonly name: string;
  readonly mac: string;
  /** The kernel drops neighbours and routes of a link that goes down. */
  readonly up: boolean;
  /** Without link-local ones, which no container can reach. */
  readonly addresses: readonly Address[];
}

/** A filter before it has its place among others. */
export type Rule = Omit<LinkFilter, 'pref'> & { readonly ifindex: number };

/** What host access consists of. */
export interface Wanted {
  readonly rules: readonly Rule[];
  readonly neighbours: readonly OwnNeighbour[];
  readonly routes: readonly NewRoute[];
}

export const nothing: Wanted = { rules: [], neighbours: [], routes: [] };

/** All that the masters and their containers need; nothing for a master without containers. */
export function wantedOf(masters: readonly MasterState[], guests: readonly Guest[]): Wanted {
  return masters
    .map(master => ({ master, own: guests.filter(guest => guest.master === master.ifindex) }))
    .filter(({ own }) => own.length > 0)
    .map(({ master, own }) => ({
      rules: accessRules(master, own),
      ...together(own.map(guest => wayTo(master, guest))),
    }))
    .reduce<Wanted>((all, { rules, neighbours, routes }) => {
      return {
        rules: [...all.rules, ...rules],
        neighbours: [...all.neighbours, ...neighbours],
        routes: [...all.routes, ...routes],
      };
    }, nothing);
}

/** The VM's way to one container: whose frames these are is known without asking, and the VM's own address is their source. */
export function wayTo(master: MasterState, guest: Guest): Pick<Wanted, 'neighbours' | 'routes'> {
  if (!master.up) return nothing;
  const { ifindex } = master;
  const mac = guest.kind === 'macvlan' ? guest.mac : master.mac;
  const ways = guest.addresses.flatMap(address => {
    const source = sourceFor(address, master.addresses);
    return source === undefined ? [] : [{ address, source }];
  });
  return {
    neighbours: ways.map(({ address }) => ({ ifindex, address, mac, protocol: PROTOCOL })),
    routes: ways.map(({ address, source }) => ({
      destination: `${address}/${address.includes(':') ? 128 : 32}`,
      ...{ ifindex, source, protocol: PROTOCOL },
    })),
  };
}

/**
 * Frames to the master's own MAC never belong on the wire: they are turned round, from containers to the VM and, ipvlan's
 * having the same MAC, the other way too. So is what a container asks for an address of the VM, which would find nobody out
 * there; what the VM itself asks or announces, from its own address or none yet, leaves as ever.
 */
function accessRules({ ifindex, mac, addresses }: MasterState, guests: readonly Guest[]): Rule[] {
  const from = senderOf({ mac }, guests);
  const own = addresses.map(({ address }) => address);
  const askers = [
    ...(own.some(address => !address.includes(':')) ? ['0.0.0.0'] : []),
    ...(own.some(address => address.includes(':')) ? ['::'] : []),
    ...own.filter(address => !address.includes(':')),
  ];
  const turn = { ifindex, hook: 'egress', action: { do: 'arrive', ifindex } } as const;
  const pass = { ifindex, hook: 'egress', action: { do: 'pass' } } as const;
  return [
    ...askers.map(address => ({ ...pass, ...questionsBy(address) })),
    ...own.map(address => ({ ...turn, ...questionsFor(address, from) })),
    { ...turn, ...framesTo(mac, from) },
    ...guests.flatMap(guest => guestRules(ifindex, guest)),
  ];
}

/** ipvlan containers have the master's MAC: with another source a frame is forged, and left to port security. */
export function senderOf({ mac }: Pick<MasterState, 'mac'>, guests: readonly Guest[]): string | undefined {
  return guests.every(({ kind }) => kind === 'ipvlan') ? mac : undefined;
}

/** A macvlan link has a MAC of its own. */
function guestRules(ifindex: number, { kind, mac }: Guest): Rule[] {
  if (kind !== 'macvlan') return [];
  return [{ ifindex, hook: 'egress', protocol: 'all', match: { by: 'mac', mac }, action: { do: 'arrive', ifindex } }];
}

/** The VM's address in the container's subnet, else any of that family. IPv6 has the newest first, often a passing one. */
function sourceFor(address: string, held: readonly Address[]): string | undefined {
  const family = address.includes(':') ? 6 : 4;
  const own = held.filter(each => each.family === family);
  if (own.length < 2) return own[0]?.address;
  const ordered = family === 6 ? own.toReversed() : own;
  const near = ordered.find(each => contains(`${each.address}/${each.prefix}`, address));
  return (near ?? ordered[0])?.address;
}

function together(ways: readonly Pick<Wanted, 'neighbours' | 'routes'>[]): Pick<Wanted, 'neighbours' | 'routes'> {
  return { neighbours: ways.flatMap(way => way.neighbours), routes: ways.flatMap(way => way.routes) };
}
