import type { Filters } from './filters.ts';

/** A network namespace: the daemon's own, or the one that a path (`/var/run/docker/netns/…`) stands for. */
export type Netns = 'host' | { readonly path: string };

export interface Link {
  readonly ifindex: number;
  readonly name: string;
  /** IFLA_INFO_KIND, such as `ipvlan`; empty for a plain device. */
  readonly kind: string;
  /** Lower-case, colons; empty where the device has none. */
  readonly mac: string;
  readonly mtu: number;
  readonly up: boolean;
  /** IFLA_OPERSTATE in words: up, down, lowerlayerdown, dormant, unknown … */
  readonly state: string;
  /** IFLA_IFALIAS: a hint only, a container with NET_ADMIN can rewrite it. */
  readonly alias: string;
  /** IFLA_LINK: the master's ifindex; 0 where there is none. */
  readonly master: number;
  /** Whether the master is in another netns (IFLA_LINK_NETNSID present). */
  readonly masterElsewhere: boolean;
  /** IFLA_MASTER: the bridge or bond that this link is a port of; 0 where there is none. */
  readonly controller: number;
  /** ipvlan: l2, l3, l3s; macvlan: private, vepa, bridge, passthru, source. */
  readonly mode: string;
  /** ipvlan: bridge, private, vepa; empty for other kinds. */
  readonly flag: string;
  /** IFLA_PROMISCUITY: how many have asked the device to take every frame. */
  readonly promiscuity: number;
}

export interface Address {
  readonly ifindex: number;
  readonly family: 4 | 6;
  /** Canonical text. */
  readonly address: string;
  readonly prefix: number;
  /** IPv6 scope is link. */
  readonly linkLocal: boolean;
}

export interface Route {
  readonly family: 4 | 6;
  /** `default` or CIDR. */
  readonly destination: string;
  readonly gateway: string | undefined;
  readonly ifindex: number;
  readonly metric: number;
  readonly table: number;
  /** Who made it (RTPROT_*). */
  readonly protocol: number;
  /** The address that the own packets there get as source, where it is told (RTA_PREFSRC). */
  readonly source: string | undefined;
}

/** A route to make, in the main table; RTPROT_BOOT is its protocol where none is named. */
export interface NewRoute {
  readonly destination: string;
  readonly gateway?: string | undefined;
  readonly ifindex: number;
  readonly protocol?: number | undefined;
  readonly source?: string | undefined;
}

/** What the kernel knows of a host on one of its links (its ARP or ND table). */
export interface Neighbour {
  readonly ifindex: number;
  readonly family: 4 | 6;
  /** Canonical text. */
  readonly address: string;
  /** Lower-case, colons. */
  readonly mac: string;
  readonly state: 'reachable' | 'stale' | 'delay' | 'probe' | 'permanent' | 'other';
  /** Who made it (NDA_PROTOCOL, numbers as of routes); 0 where nobody says so. */
  readonly protocol: number;
}

/** A neighbour to make: permanent, under its maker's number. */
export type OwnNeighbour = Pick<Neighbour, 'ifindex' | 'address' | 'mac' | 'protocol'>;

/** The mode that Kuryr makes ipvlan links in. */
export type IpvlanMode = 'l2';
export type IpvlanFlag = 'bridge' | 'private' | 'vepa';

export type SlaveSpec = {
  readonly name: string;
  /** Chosen by us and never used twice, so that the link is found again after it moved between namespaces. */
  readonly ifindex: number;
  /** ifindex of the master, in the daemon's own netns. */
  readonly master: number;
  readonly mtu: number;
  readonly alias: string;
} & (
  | { readonly kind: 'ipvlan'; readonly mode: IpvlanMode; readonly flag: IpvlanFlag }
  | { readonly kind: 'macvlan'; readonly mode: 'bridge' | 'private' | 'vepa'; readonly mac: string }
);

export interface LinkChange {
  readonly name?: string;
  readonly alias?: string;
  readonly mtu?: number;
  readonly up?: boolean;
  /**
   * A dormant link passes frames as any other when it is up, but IPv6 does not begin on it (RFC 2863): it gets no link-local
   * address, asks for no router and believes none, until this is taken from it. It stays so when it is moved.
   */
  readonly dormant?: boolean;
}

/** What changed about a link, as the kernel announces it. */
export interface LinkEvent {
  readonly type: 'changed' | 'deleted';
  readonly link: Link;
}

/** A link event with the id of the namespace that it is about; undefined for the daemon's own. */
export interface WideLinkEvent extends LinkEvent {
  readonly netns: number | undefined;
}

/** A socket that sends and receives whole Ethernet frames on one interface. Needs CAP_NET_RAW. */
export interface PacketSocket extends Disposable {
  send(frame: Uint8Array): void;
  /** Frames that arrive from now on; the function is called once a frame, until `close`. Bounded by the socket's buffer. */
  onFrame(take: (frame: Uint8Array) => void): void;
  /** Also take frames for this unicast MAC (PACKET_MR_UNICAST), which a NIC would filter out otherwise. */
  acceptMac(mac: string): void;
  close(): void;
}

/**
 * The kernel's edge. Synchronous calls return within about a millisecond; what waits for an RCU grace period (deleting
 * links) is a promise and runs off the main thread. Failures are KuryrErrors with the request in words and errno's name:
 * KERNEL_REFUSED, MASTER_BUSY (EBUSY; names who holds the master), LINK_GONE (ENODEV), ADDRESS_ON_LINK (EADDRINUSE),
 * KERNEL_UNSUPPORTED (EOPNOTSUPP: kind missing), NETNS_GONE, NOT_PRIVILEGED (EPERM).
 */
export interface Kernel {
  readonly filters: Filters;
  links(netns: Netns): readonly Link[];
  /**
   * Makes the slave down, with mode and flag always sent, then sets its alias by a second message, and lets it be dormant.
   * Reads mode and flag back.
   */
  createSlave(netns: Netns, spec: SlaveSpec): Link;
  /** A link that is gone already counts as deleted. */
  deleteLink(netns: Netns, ifindex: number, signal: AbortSignal): Promise<void>;
  setLink(netns: Netns, ifindex: number, change: LinkChange): void;
  /** Sets mode and flag of an ipvlan link, which are its master's: all slaves of that one change with it. */
  setMode(netns: Netns, ifindex: number, mode: IpvlanMode, flag: IpvlanFlag): void;
  addresses(netns: Netns): readonly Address[];
  addAddress(netns: Netns, ifindex: number, address: string, prefix: number): void;
  /** An address that is gone already counts as removed. */
  removeAddress(netns: Netns, ifindex: number, address: string, prefix: number): void;
  /** Neighbours whose MAC is known. */
  neighbours(netns: Netns): readonly Neighbour[];
  /** In the host's netns; false, and nothing done, where the kernel has an entry for that address, of whatever state. */
  makeNeighbour(neighbour: OwnNeighbour): boolean;
  /** The same in place of such an entry. */
  putNeighbour(neighbour: OwnNeighbour): void;
  /** In the host's netns; one that is gone already counts as removed. */
  removeNeighbour(ifindex: number, address: string): void;
  routes(netns: Netns): readonly Route[];
  /** A route to that destination with the same metric counts as added. */
  addRoute(netns: Netns, route: NewRoute): void;
  /** In the host's netns; one that is gone already counts as removed. */
  removeRoute(route: NewRoute): void;
  /** Value of `/proc/sys/<path>` in that netns, trimmed; undefined where it does not exist. `path` has dots or slashes. */
  sysctl(netns: Netns, path: string): string | undefined;
  setSysctl(netns: Netns, path: string, value: string): void;
  /** Whether a netns still stands behind the path. */
  exists(netns: Netns): boolean;
  /**
   * Every other network namespace that can be found: those that processes are in, and those that Docker and iproute2 keep
   * under a path. One path each; one may end at any moment.
   */
  namespaces(): readonly { readonly path: string }[];
  /** Makes a namespace that nobody is in and that stays behind the path, until `dropNetns` or a reboot. */
  keepNetns(path: string): void;
  /** Lets it go, and its links with it; what is no namespace any more counts as let go. */
  dropNetns(path: string): void;
  /** What `keepNetns` left in a folder, its interrupted makings too. */
  keptNetns(folder: string): readonly { readonly path: string }[];
  /** What anybody keeps by a bind mount that the daemon sees, in whatever folder. */
  mountedNetns(): readonly { readonly path: string }[];
  /** A namespace is kept behind another path from now on; there is no moment in which it is behind neither. */
  moveNetns(from: string, to: string): void;
  /** The id that a namespace has in the daemon's own; it is given one when it has none. */
  netnsId(netns: { readonly path: string }): number;
  packetSocket(ifindex: number, etherType: number): PacketSocket;
  /** Link events of the daemon's own netns until the signal is aborted. */
  onLinkEvent(take: (event: LinkEvent) => void, signal: AbortSignal): void;
  /** Called, without saying what, when addresses of the daemon's own netns come, go or are renewed, until the signal is aborted. */
  onAddressEvent(take: () => void, signal: AbortSignal): void;
  /**
   * Link events of the daemon's own netns and of every one that has an id in it (`netnsId`; a link that was moved there has
   * seen to one), until the signal is aborted. `wake` says that there may be some to read. Who does not read misses the
   * latest, and is told so by `lost`: nothing is kept beyond the socket's buffer.
   */
  watchLinks(
    wake: () => void,
    signal: AbortSignal,
  ): { read(): { readonly events: readonly WideLinkEvent[]; readonly lost: boolean } };
  /** Advisory lock (flock) on a file, held until disposed or the process ends; undefined when another process has it. */
  lock(path: string): Disposable | undefined;
}
