/** What enforces port security in a lab, and how a NIC is plugged into it. */
import type { Client } from './client.ts';
import type { Sections } from './config.ts';
import type { Jail } from './jail.ts';
import type { Place } from './place.ts';

/** A compute host, which is a network namespace. */
export type Host = 'h1' | 'h2';
export const HOSTS: readonly Host[] = ['h1', 'h2'];

/** tap: a TAP for a guest; veth: a veth whose other end is eth0 of a network namespace that stands for the VM. */
export type PlugKind = 'tap' | 'veth';

/** A bound port, as much of it as plugging needs. */
export interface BoundPort {
  id: string;
  networkId: string;
  mac: string;
  mtu: number;
}

/** What a backend is given to work with. */
export interface BackendEdges {
  place: Place;
  jail: Jail;
  say: (line: string) => void;
  signal: AbortSignal;
}

export interface Backend {
  /** What neutron.conf says besides what is common. */
  readonly neutron: Sections;
  /** Starts all that Neutron's API needs or that can start beside it. */
  start(): Promise<void>;
  /** Settles when the hosts take part, with the API up. */
  ready(client: Client): Promise<void>;
  /**
   * Puts the device, which stands in the host's namespace, where the agents of the host find it; settles when
   * they have programmed it.
   */
  connect(host: Host, device: string, port: BoundPort, kind: PlugKind): Promise<void>;
  /** Settles when a new router answers. */
  routed(routerId: string): Promise<void>;
  /** Undoes connect(). */
  disconnect(host: Host, device: string, port: BoundPort): Promise<void>;
}

/** The network namespace of a host. */
export const netnsOf = (place: Place, host: string): string => `${place.prefix}${host}`;
