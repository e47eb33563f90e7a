import { KuryrError } from '../errors/kuryr-error.ts';
import { FakeFilters } from './fake-filters.ts';
import { FakePacketSocket } from './fake-packet-socket.ts';
import { fakeRefusal } from './fake-refusal.ts';
import { emptySpace, plainLink, type Space } from './fake-space.ts';
import { FakeWideLinks } from './fake-wide-links.ts';
import type {
  Address,
  IpvlanFlag,
  IpvlanMode,
  Kernel,
  Link,
  LinkChange,
  LinkEvent,
  Neighbour,
  Netns,
  NewRoute,
  OwnNeighbour,
  Route,
  SlaveSpec,
} from './kernel.ts';

type Method = Exclude<keyof Kernel, 'exists' | 'filters'>;
/** A link to put in place: what is not named gets the value of a plain Ethernet device that is up. */
export type FakeLink = Partial<Link> & { readonly name: string };

/**
 * A kernel in memory, for tests. It keeps the habits that matter: a slave made with another mode flips its whole master,
 * ipvlan and macvlan exclude each other on a master, an address stands once among a master's ipvlan slaves in all
 * namespaces, and a move drops addresses and takes the link down.
 */
export class FakeKernel implements Kernel {
  readonly #spaces = new Map<string, Space>([['host', emptySpace()]]);
  readonly #listeners = new Set<(event: LinkEvent) => void>();
  readonly #addressListeners = new Set<() => void>();
  readonly #locks = new Set<string>();
  readonly #kept = new Set<string>();
  readonly #dormant = new Set<number>();
  /** Ids of namespaces, and what `watchLinks` hears. */
  readonly wide = new FakeWideLinks();
  readonly #failures: { method: Method; error: Error; when: (args: readonly unknown[]) => boolean }[] = [];
  #nextIfindex = 1;

  /** Every call that was made, with its arguments; `exists` apart. */
  readonly filters = new FakeFilters();
  readonly calls: { readonly method: Method; readonly args: readonly unknown[] }[] = [];
  /** Every packet socket that was opened, closed ones too. */
  readonly sockets: FakePacketSocket[] = [];
  /** What the network answers to a frame sent out of a packet socket: frames that come back at once. */
  wire: (frame: Uint8Array, socket: FakePacketSocket) => readonly Uint8Array[] = () => [];

  /** Makes the next call of that method (for which `when` holds) throw, before it changes anything. */
  failNext(method: Method, error: Error, when: (args: readonly unknown[]) => boolean = () => true): void {
    this.#failures.push({ method, error, when });
  }

  /** Puts a link in place, as if another program had made it. */
  addLink(netns: Netns, link: FakeLink): Link {
    const made: Link = { ...plainLink, ifindex: link.ifindex ?? this.#freeIfindex(), ...link };
    this.#space(netns).links.push(made);
    this.#announce(netns, 'changed', made);
    return made;
  }

  /** Changes a link as another program or the cable would. */
  changeLink(netns: Netns, ifindex: number, change: Partial<Link>): void {
    const space = this.#space(netns);
    const changed = { ...this.#link(netns, ifindex, 'change the link'), ...change };
    space.links = space.links.map(link => (link.ifindex === ifindex ? changed : link));
    this.#announce(netns, 'changed', changed);
  }

  addNetns(path: string): Netns {
    this.#spaces.set(path, emptySpace());
    return { path };
  }

  /** The namespace ends, and its links with it. */
  removeNetns(path: string): void {
    this.#spaces.delete(path);
  }

  /** Moves a link between namespaces: it goes down and loses its addresses and routes. */
  moveLink(from: Netns, ifindex: number, to: Netns, name?: string): Link {
    const link = this.#link(from, ifindex, 'move the link');
    this.#drop(from, ifindex);
    const moved = { ...link, name: name ?? link.name, up: false, state: 'down', masterElsewhere: to !== 'host' };
    this.#space(to).links.push(moved);
    this.#announce(from, 'deleted', link);
    if (to !== 'host') this.wide.idOf(to.path);
    this.#announce(to, 'changed', moved);
    return moved;
  }

  addNeighbour(netns: Netns, neighbour: Omit<Neighbour, 'protocol'>): void {
    this.#space(netns).neighbours.push({ protocol: 0, ...neighbour });
  }

  /** Tells that addresses have changed. */
  announceAddresses(): void {
    for (const take of this.#addressListeners) take();
  }

  links(netns: Netns): readonly Link[] {
    this.#call('links', [netns]);
    return [...this.#space(netns).links];
  }

  createSlave(netns: Netns, spec: SlaveSpec): Link {
    this.#call('createSlave', [netns, spec]);
    const request = `create the ${spec.kind} link ${spec.name}`;
    const master = this.#link('host', spec.master, request);
    const space = this.#space(netns);
    if (space.links.some(link => link.ifindex === spec.ifindex || link.name === spec.name)) {
      throw fakeRefusal('KERNEL_REFUSED', request, 'EEXIST', {});
    }
    const siblings = [...this.#spaces.values()].flatMap(each => each.links).filter(link => link.master === spec.master);
    const other = siblings.find(link => link.kind !== spec.kind);
    if (other !== undefined || master.controller !== 0) {
      const holder = other === undefined ? 'it is a port of a bridge or bond' : `it carries ${other.kind} links`;
      throw fakeRefusal('MASTER_BUSY', request, 'EBUSY', { master: master.name, holder, advice: 'Use another NIC.' });
    }
    const flag = spec.kind === 'ipvlan' ? spec.flag : '';
    if (spec.kind === 'ipvlan') this.#flip(spec.master, spec.mode, flag);
    this.#dormant.add(spec.ifindex);
    return this.addLink(netns, {
      ...spec,
      mac: spec.kind === 'macvlan' ? spec.mac : master.mac,
      up: false,
      state: 'down',
      flag,
      masterElsewhere: netns !== 'host',
    });
  }

  async deleteLink(netns: Netns, ifindex: number, signal: AbortSignal): Promise<void> {
    this.#call('deleteLink', [netns, ifindex]);
    signal.throwIfAborted();
    const link = this.#space(netns).links.find(each => each.ifindex === ifindex);
    if (link === undefined) return;
    this.#drop(netns, ifindex);
    this.#announce(netns, 'deleted', link);
  }

  setLink(netns: Netns, ifindex: number, { dormant, ...change }: LinkChange): void {
    this.#call('setLink', [netns, ifindex, { dormant, ...change }]);
    if (dormant === true) this.#dormant.add(ifindex);
    if (dormant === false) this.#dormant.delete(ifindex);
    const { up = this.#link(netns, ifindex, 'change the link').up } = change;
    const told = dormant !== undefined || change.up !== undefined;
    const state = this.#dormant.has(ifindex) ? 'dormant' : 'up';
    this.changeLink(netns, ifindex, { ...change, ...(told && { state: up ? state : 'down' }) });
  }

  setMode(netns: Netns, ifindex: number, mode: IpvlanMode, flag: IpvlanFlag): void {
    this.#call('setMode', [netns, ifindex, mode, flag]);
    const { master } = this.#link(netns, ifindex, 'set the mode');
    this.#flip(master, mode, flag);
    this.#announce(netns, 'changed', this.#link(netns, ifindex, 'set the mode'));
  }

  addresses(netns: Netns): readonly Address[] {
    this.#call('addresses', [netns]);
    return [...this.#space(netns).addresses];
  }

  addAddress(netns: Netns, ifindex: number, address: string, prefix: number): void {
    this.#call('addAddress', [netns, ifindex, address, prefix]);
    const request = `add the address ${address}/${prefix}`;
    const link = this.#link(netns, ifindex, request);
    const taken = [...this.#spaces.values()].some(space =>
      space.addresses.some(
        held =>
          held.address === address &&
          space.links.some(
            each => each.ifindex === held.ifindex && each.kind === 'ipvlan' && each.master === link.master,
          ),
      ),
    );
    if (link.kind === 'ipvlan' && taken) throw fakeRefusal('ADDRESS_ON_LINK', request, 'EADDRINUSE', { address });
    const family = address.includes(':') ? 6 : 4;
    this.#space(netns).addresses.push({ ifindex, family, address, prefix, linkLocal: address.startsWith('fe80:') });
  }

  removeAddress(netns: Netns, ifindex: number, address: string, prefix: number): void {
    this.#call('removeAddress', [netns, ifindex, address, prefix]);
    const space = this.#space(netns);
    space.addresses = space.addresses.filter(held => held.ifindex !== ifindex || held.address !== address);
  }

  neighbours(netns: Netns): readonly Neighbour[] {
    this.#call('neighbours', [netns]);
    return [...this.#space(netns).neighbours];
  }

  makeNeighbour(neighbour: OwnNeighbour): boolean {
    this.#call('makeNeighbour', [neighbour]);
    const { ifindex, address } = neighbour;
    if (this.#space('host').neighbours.some(each => isSameNeighbour(each, ifindex, address))) return false;
    this.putNeighbour(neighbour);
    return true;
  }

  putNeighbour(neighbour: OwnNeighbour): void {
    this.#call('putNeighbour', [neighbour]);
    this.#link('host', neighbour.ifindex, 'make a neighbour');
    const family = neighbour.address.includes(':') ? 6 : 4;
    const space = this.#space('host');
    const others = space.neighbours.filter(each => !isSameNeighbour(each, neighbour.ifindex, neighbour.address));
    space.neighbours = [...others, { ...neighbour, family, state: 'permanent' }];
  }

  removeNeighbour(ifindex: number, address: string): void {
    this.#call('removeNeighbour', [ifindex, address]);
    const space = this.#space('host');
    space.neighbours = space.neighbours.filter(each => !isSameNeighbour(each, ifindex, address));
  }

  routes(netns: Netns): readonly Route[] {
    this.#call('routes', [netns]);
    return [...this.#space(netns).routes];
  }

  addRoute(netns: Netns, route: NewRoute): void {
    this.#call('addRoute', [netns, route]);
    this.#link(netns, route.ifindex, `add the route to ${route.destination}`);
    const family = `${route.destination}${route.gateway ?? ''}`.includes(':') ? 6 : 4;
    const { routes } = this.#space(netns);
    const metric = family === 6 ? 1024 : 0;
    // Default routes of several links stand side by side by their metrics, which a route to make does not tell.
    const isTaken = (each: Route) => each.destination === route.destination && each.metric === metric;
    if (route.destination !== 'default' && routes.some(isTaken)) return;
    const { destination, ifindex, gateway, source, protocol = 3 } = route;
    routes.push({ family, destination, ifindex, gateway, source, protocol, metric, table: 254 });
  }

  removeRoute(route: NewRoute): void {
    this.#call('removeRoute', [route]);
    const space = this.#space('host');
    const { destination, ifindex, protocol } = route;
    const isIt = (each: Route) =>
      each.destination === destination && each.ifindex === ifindex && each.protocol === (protocol ?? each.protocol);
    space.routes = space.routes.filter(each => !isIt(each));
  }

  sysctl(netns: Netns, path: string): string | undefined {
    this.#call('sysctl', [netns, path]);
    return this.#space(netns).sysctls.get(path.replaceAll('/', '.'));
  }

  setSysctl(netns: Netns, path: string, value: string): void {
    this.#call('setSysctl', [netns, path, value]);
    this.#space(netns).sysctls.set(path.replaceAll('/', '.'), value);
  }

  exists(netns: Netns): boolean {
    return this.#spaces.has(key(netns));
  }

  namespaces(): readonly { readonly path: string }[] {
    this.#call('namespaces', []);
    return [...this.#spaces.keys()].filter(name => name !== 'host' && !this.#kept.has(name)).map(path => ({ path }));
  }

  keepNetns(path: string): void {
    this.#call('keepNetns', [path]);
    this.#kept.add(path);
    this.addNetns(path);
  }

  dropNetns(path: string): void {
    this.#call('dropNetns', [path]);
    this.#kept.delete(path);
    this.removeNetns(path);
  }

  keptNetns(folder: string): readonly { readonly path: string }[] {
    this.#call('keptNetns', [folder]);
    return [...this.#kept].filter(path => path.startsWith(`${folder}/`)).map(path => ({ path }));
  }

  mountedNetns(): readonly { readonly path: string }[] {
    this.#call('mountedNetns', []);
    return [...this.#kept].map(path => ({ path }));
  }

  moveNetns(from: string, to: string): void {
    this.#call('moveNetns', [from, to]);
    this.#spaces.set(to, this.#space({ path: from }));
    this.#kept.add(to);
    this.#kept.delete(from);
    this.#spaces.delete(from);
  }

  netnsId(netns: { readonly path: string }): number {
    this.#call('netnsId', [netns]);
    this.#space(netns);
    return this.wide.idOf(netns.path);
  }

  packetSocket(ifindex: number, etherType: number): FakePacketSocket {
    this.#call('packetSocket', [ifindex, etherType]);
    this.#link('host', ifindex, 'open a packet socket');
    const socket = new FakePacketSocket(ifindex, etherType, frame => this.wire(frame, socket));
    this.sockets.push(socket);
    return socket;
  }

  onLinkEvent(take: (event: LinkEvent) => void, signal: AbortSignal): void {
    this.#call('onLinkEvent', [take]);
    if (signal.aborted) return;
    this.#listeners.add(take);
    signal.addEventListener('abort', () => this.#listeners.delete(take), { once: true });
  }

  watchLinks(wake: () => void, signal: AbortSignal) {
    this.#call('watchLinks', [wake]);
    return this.wide.watch(wake, signal);
  }

  onAddressEvent(take: () => void, signal: AbortSignal): void {
    this.#call('onAddressEvent', [take]);
    if (signal.aborted) return;
    this.#addressListeners.add(take);
    signal.addEventListener('abort', () => this.#addressListeners.delete(take), { once: true });
  }

  lock(path: string): Disposable | undefined {
    this.#call('lock', [path]);
    if (this.#locks.has(path)) return undefined;
    this.#locks.add(path);
    return { [Symbol.dispose]: () => void this.#locks.delete(path) };
  }

  #call(method: Method, args: readonly unknown[]): void {
    this.calls.push({ method, args });
    const at = this.#failures.findIndex(failure => failure.method === method && failure.when(args));
    const failure = this.#failures[at];
    if (failure === undefined) return;
    this.#failures.splice(at, 1);
    throw failure.error;
  }

  #space(netns: Netns): Space {
    const space = this.#spaces.get(key(netns));
    if (space === undefined) {
      throw new KuryrError('NETNS_GONE', { path: key(netns), request: 'enter it', reason: 'ENOENT' });
    }
    return space;
  }

  #link(netns: Netns, ifindex: number, request: string): Link {
    const link = this.#space(netns).links.find(each => each.ifindex === ifindex);
    if (link === undefined) throw fakeRefusal('LINK_GONE', request, 'ENODEV', {});
    return link;
  }

  #flip(master: number, mode: string, flag: string): void {
    for (const each of this.#spaces.values()) {
      each.links = each.links.map(link => (link.master === master ? { ...link, mode, flag } : link));
    }
  }

  #drop(netns: Netns, ifindex: number): void {
    const space = this.#space(netns);
    space.links = space.links.filter(link => link.ifindex !== ifindex);
    space.addresses = space.addresses.filter(address => address.ifindex !== ifindex);
    space.routes = space.routes.filter(route => route.ifindex !== ifindex);
    space.neighbours = space.neighbours.filter(neighbour => neighbour.ifindex !== ifindex);
    this.filters.drop(ifindex);
  }

  #announce(netns: Netns, type: LinkEvent['type'], link: Link): void {
    this.wide.tell(key(netns), type, link);
    if (netns !== 'host') return;
    for (const take of this.#listeners) take({ type, link });
  }

  #freeIfindex(): number {
    const taken = new Set([...this.#spaces.values()].flatMap(space => space.links.map(link => link.ifindex)));
    while (taken.has(this.#nextIfindex)) this.#nextIfindex++;
    return this.#nextIfindex;
  }
}

function isSameNeighbour(each: Neighbour, ifindex: number, address: string): boolean {
  return each.ifindex === ifindex && each.address === address;
}

function key(netns: Netns): string {
  return netns === 'host' ? 'host' : netns.path;
}
