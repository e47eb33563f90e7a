import type { Details } from '../errors/details.ts';
import { isKuryrError } from '../errors/kuryr-error.ts';
import type { ErrorCode } from '../errors/table.ts';
import { addAddress, dumpAddresses, readAddress, removeAddress } from './address.ts';
import { AddressEvents } from './address-events.ts';
import { EADDRINUSE, EADDRNOTAVAIL, EBUSY, EEXIST, ENODEV, ENOENT, EOPNOTSUPP, ESRCH } from './errno.ts';
import type { Filters } from './filters.ts';
import { type MountPlace, ownMounts } from './host-mounts.ts';
import { dropNetns, keepNetns, keptNetns, mountedNetns, moveNetns } from './kept-netns.ts';
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
  PacketSocket,
  Route,
  SlaveSpec,
} from './kernel.ts';
import { changeLink, changeMode, createSlave, deleteLink, dumpLinks, getLink, readLink } from './link.ts';
import { LinkEvents } from './link-events.ts';
import { lockFile } from './lock.ts';
import { holderOf } from './master-holder.ts';
import type { Message, Request } from './message.ts';
import { otherNamespaces } from './namespaces.ts';
import { addNeighbour, dumpNeighbours, putNeighbour, readNeighbour, removeNeighbour } from './neighbour.ts';
import { Netlink } from './netlink.ts';
import { NetnsDoor } from './netns.ts';
import { netnsId } from './netns-id.ts';
import { LinuxPacketSocket } from './packet.ts';
import { refusal } from './refusal.ts';
import { addRoute, dumpRoutes, readRoute, removeRoute } from './route.ts';
import type { Sys } from './sys.ts';
import { readSysctl, writeSysctl } from './sysctl.ts';
import { TcFilters } from './tc-filters.ts';
import { deletesAtOnce, Turnstile } from './turnstile.ts';
import { WideLinkEvents } from './wide-link-events.ts';

/** What a refusal of a request means, where the errno alone does not say it. */
type Meanings = Readonly<Record<number, ErrorCode>>;

/** The running kernel, by netlink, packet sockets and /proc. */
export class LinuxKernel implements Kernel, Disposable {
  readonly #sys: Sys;
  readonly #mounts: MountPlace;
  readonly #door: NetnsDoor;
  readonly #home: Netlink;
  readonly filters: Filters;
  readonly #deletes = new Turnstile(deletesAtOnce);

  /** @param mounts where namespaces that outlive the daemon are kept */
  constructor(sys: Sys, mounts: MountPlace = ownMounts) {
    this.#sys = sys;
    this.#mounts = mounts;
    this.#door = new NetnsDoor(sys);
    this.#home = new Netlink(sys);
    this.filters = new TcFilters(this.#home);
  }

  links(netns: Netns): readonly Link[] {
    return this.#dump(netns, 'list the links', dumpLinks(), message => readLink(message)?.link);
  }

  createSlave(netns: Netns, spec: SlaveSpec): Link {
    const request = `create the ${spec.kind} link ${spec.name}`;
    if (netns === 'host') this.#create(createSlave(spec), spec, request);
    else {
      using target = this.#door.open(netns, request);
      this.#create(createSlave(spec, target.fd), spec, request);
    }
    // The kernel ignores IFLA_IFALIAS in the message that creates a link.
    this.setLink(netns, spec.ifindex, { alias: spec.alias, dormant: true });
    return this.#within(netns, `read the link ${spec.name}`, netlink => {
      const answer = netlink.get(getLink(spec.ifindex));
      if ('errno' in answer) throw refusal(`read the link ${spec.name}`, answer);
      const read = readLink(answer);
      if (read === undefined) throw refusal(`read the link ${spec.name}`, ENODEV);
      return read.link;
    });
  }

  async deleteLink(netns: Netns, ifindex: number, signal: AbortSignal): Promise<void> {
    const request = `delete the link ${ifindex}`;
    using _turn = await this.#deletes.enter(signal);
    let netlink: Netlink;
    try {
      netlink = this.#door.in(netns, request, () => new Netlink(this.#sys));
    } catch (error) {
      // A namespace takes its links along when it ends.
      if (isKuryrError(error, 'NETNS_GONE')) return;
      throw error;
    }
    using _socket = netlink;
    const failure = await netlink.changeAside(deleteLink(ifindex));
    if (failure !== undefined && failure.errno !== ENODEV) throw refusal(request, failure);
  }

  setLink(netns: Netns, ifindex: number, change: LinkChange): void {
    const words = Object.entries(change).map(([field, value]) => `${field} ${value}`);
    this.#change(netns, `set ${words.join(', ')} of the link ${ifindex}`, changeLink(ifindex, change));
  }

  setMode(netns: Netns, ifindex: number, mode: IpvlanMode, flag: IpvlanFlag): void {
    this.#change(netns, `set the mode ${mode} ${flag} of the link ${ifindex}`, changeMode(ifindex, mode, flag));
  }

  addresses(netns: Netns): readonly Address[] {
    return this.#dump(netns, 'list the addresses', dumpAddresses(), readAddress);
  }

  addAddress(netns: Netns, ifindex: number, address: string, prefix: number): void {
    const request = `add the address ${address}/${prefix} to the link ${ifindex}`;
    const meanings: Meanings = { [EADDRINUSE]: 'ADDRESS_ON_LINK' };
    this.#change(netns, request, addAddress(ifindex, address, prefix), [EEXIST], meanings, { address });
  }

  removeAddress(netns: Netns, ifindex: number, address: string, prefix: number): void {
    const request = `remove the address ${address}/${prefix} from the link ${ifindex}`;
    this.#change(netns, request, removeAddress(ifindex, address, prefix), [EADDRNOTAVAIL, ENODEV]);
  }

  neighbours(netns: Netns): readonly Neighbour[] {
    return this.#dump(netns, 'list the neighbours', dumpNeighbours(), readNeighbour);
  }

  makeNeighbour(neighbour: OwnNeighbour): boolean {
    const failure = this.#home.change(addNeighbour(neighbour));
    if (failure === undefined) return true;
    if (failure.errno === EEXIST) return false;
    throw refusal(`make the neighbour ${neighbour.address} on the link ${neighbour.ifindex}`, failure);
  }

  putNeighbour(neighbour: OwnNeighbour): void {
    const { address, ifindex } = neighbour;
    this.#change('host', `make the neighbour ${address} on the link ${ifindex}`, putNeighbour(neighbour));
  }

  removeNeighbour(ifindex: number, address: string): void {
    const request = `remove the neighbour ${address} from the link ${ifindex}`;
    this.#change('host', request, removeNeighbour(ifindex, address), [ENOENT, ENODEV]);
  }

  routes(netns: Netns): readonly Route[] {
    return this.#dump(netns, 'list the routes', dumpRoutes(), readRoute);
  }

  addRoute(netns: Netns, route: NewRoute): void {
    const via = route.gateway === undefined ? '' : ` by ${route.gateway}`;
    const request = `add the route to ${route.destination}${via} on the link ${route.ifindex}`;
    this.#change(netns, request, addRoute(route), [EEXIST]);
  }

  removeRoute(route: NewRoute): void {
    const request = `remove the route to ${route.destination} from the link ${route.ifindex}`;
    this.#change('host', request, removeRoute(route), [ESRCH, ENODEV]);
  }

  sysctl(netns: Netns, path: string): string | undefined {
    return this.#door.in(netns, `read the sysctl ${path}`, () => readSysctl(path));
  }

  setSysctl(netns: Netns, path: string, value: string): void {
    this.#door.in(netns, `set the sysctl ${path}`, () => writeSysctl(path, value));
  }

  exists(netns: Netns): boolean {
    try {
      return this.#door.in(netns, 'enter it', () => true);
    } catch (error) {
      if (isKuryrError(error, 'NETNS_GONE')) return false;
      throw error;
    }
  }

  namespaces(): readonly { readonly path: string }[] {
    return otherNamespaces();
  }

  keepNetns(path: string): void {
    keepNetns(this.#sys, this.#door, this.#mounts, path);
  }

  dropNetns(path: string): void {
    dropNetns(this.#sys, this.#mounts, path);
  }

  keptNetns(folder: string): readonly { readonly path: string }[] {
    return keptNetns(folder);
  }

  mountedNetns(): readonly { readonly path: string }[] {
    return mountedNetns();
  }

  moveNetns(from: string, to: string): void {
    moveNetns(this.#sys, this.#mounts, from, to);
  }

  netnsId(netns: { readonly path: string }): number {
    using target = this.#door.open(netns, 'tell its id');
    return netnsId(this.#home, target.fd);
  }

  packetSocket(ifindex: number, etherType: number): PacketSocket {
    return new LinuxPacketSocket(this.#sys, ifindex, etherType);
  }

  onLinkEvent(take: (event: LinkEvent) => void, signal: AbortSignal): void {
    if (signal.aborted) return;
    const events = new LinkEvents(this.#sys, () => this.links('host'), take);
    signal.addEventListener('abort', () => events.stop(), { once: true });
  }

  watchLinks(wake: () => void, signal: AbortSignal): WideLinkEvents {
    const events = new WideLinkEvents(this.#sys, wake);
    signal.addEventListener('abort', () => events.stop(), { once: true });
    return events;
  }

  onAddressEvent(take: () => void, signal: AbortSignal): void {
    if (signal.aborted) return;
    const events = new AddressEvents(this.#sys, take);
    signal.addEventListener('abort', () => events.stop(), { once: true });
  }

  lock(path: string): Disposable | undefined {
    return lockFile(this.#sys, path);
  }

  [Symbol.dispose](): void {
    this.#home[Symbol.dispose]();
    this.#door[Symbol.dispose]();
  }

  #create(message: Request, spec: SlaveSpec, request: string): void {
    const failure = this.#home.change(message);
    if (failure === undefined) return;
    const meanings: Meanings = { [EBUSY]: 'MASTER_BUSY', [EOPNOTSUPP]: 'KERNEL_UNSUPPORTED' };
    const holder = failure.errno === EBUSY ? holderOf(this.links('host'), spec) : {};
    throw refusal(request, failure, meanings, { kind: spec.kind, ...holder });
  }

  #change(
    netns: Netns,
    request: string,
    message: Request,
    alreadyDone: readonly number[] = [],
    meanings: Meanings = {},
    details: Details = {},
  ): void {
    const failure = this.#within(netns, request, netlink => ({ outcome: netlink.change(message) })).outcome;
    if (failure === undefined || alreadyDone.includes(failure.errno)) return;
    throw refusal(request, failure, meanings, details);
  }

  #dump<T>(netns: Netns, request: string, message: Request, read: (message: Message) => T | undefined): readonly T[] {
    const { answer } = this.#within(netns, request, netlink => ({ answer: netlink.dump(message) }));
    if ('errno' in answer) throw refusal(request, answer);
    return answer.map(read).filter(item => item !== undefined);
  }

  /** A netlink socket belongs to the namespace it was opened in, so only that happens there; it serves from outside. */
  #within<T>(netns: Netns, request: string, use: (netlink: Netlink) => T): T {
    if (netns === 'host') return use(this.#home);
    using netlink = this.#door.in(netns, request, () => new Netlink(this.#sys));
    return use(netlink);
  }
}
