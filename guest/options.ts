import type { Kernel } from './kernel.ts';

/** A NIC of a guest: eth0, eth1, … in the order given. */
export interface GuestNic {
  /** A link that is in the guest's netns already: a TAP made with vnet_hdr, or one end of a veth pair. */
  readonly tap: string;
  /** Default tap; veth is driven by a packet socket, which needs no /dev/net/tun. */
  readonly kind?: 'tap' | 'veth';
  readonly mac: string;
  /** Addresses with their prefix length, IPv4 and IPv6. */
  readonly ips?: readonly string[];
  /** Next hops of default routes, at most one a family. */
  readonly gateways?: readonly string[];
  readonly mtu?: number;
  /** Takes its IPv6 addresses and routes from router advertisements, and boots only when one is there (10 s at most). */
  readonly acceptRa?: boolean;
}

/** A folder of the host that a guest sees. */
export interface GuestMount {
  readonly host: string;
  /** Absolute path in the guest, made if need be. */
  readonly guest: string;
  readonly writable?: boolean;
}

/** What {@link bootGuest} boots. */
export interface GuestOptions {
  /** Host name of the guest. */
  readonly name: string;
  /** Name of the netns that holds its TAPs (in /run/netns); this process' own by default. */
  readonly netns?: string;
  /** The Debian tree that is its root, read-only below the guest's own disk. */
  readonly tree: string;
  readonly kernel: Kernel;
  readonly nics: readonly GuestNic[];
  readonly mounts?: readonly GuestMount[];
  /** Folder of the host that takes what the guest writes; the cache by default. */
  readonly disk?: string;
  /** CPU of the host to run on; a guest has one, and is up to twice as fast when it keeps to it. */
  readonly pin: number;
  /** Waits its turn like any process, instead of going before all others. */
  readonly modest?: boolean;
  /** Present: the tree's systemd is PID 1, and starts what the tree has enabled; else init/init.pl is, and nothing runs. */
  readonly systemd?: {
    /** Shell script that each boot runs before the network is said to be online; what it leaves running stays. */
    readonly atBoot?: string;
  };
  /** Memory in MiB; 1024 when not given, which Docker wants. */
  readonly mem?: number;
}
