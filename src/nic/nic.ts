import type { Network, Subnet } from '../openstack/neutron.ts';

/** The VM's interface that carries the containers' links. */
export interface Master {
  readonly name: string;
  readonly ifindex: number;
  readonly mac: string;
  readonly mtu: number;
  /** The VM's own addresses on it, canonical, without link-local ones. */
  readonly addresses: readonly string[];
}

/** What Kuryr needs of the VM port besides its pairs. */
export interface VmPort {
  readonly id: string;
  readonly networkId: string;
  readonly projectId: string;
  readonly mac: string;
  readonly fixedIps: readonly string[];
  readonly securityGroups: readonly string[];
  readonly portSecurity: boolean;
}

/** A NIC of the VM seen from both sides: master ⇄ VM port ⇄ network ⇄ subnets. */
export interface Nic {
  readonly master: Master;
  readonly port: VmPort;
  readonly network: Network;
  readonly subnets: readonly Subnet[];
}

/** What a caller may name to choose a NIC and subnet. */
export interface NicQuery {
  /** Name of the master (`-o parent=`). */
  readonly master?: string | undefined;
  /** Id or name of a Neutron network or subnet. */
  readonly network?: string | undefined;
  readonly subnet?: string | undefined;
  readonly cidr?: string | undefined;
  readonly family?: 4 | 6 | undefined;
}

/**
 * The VM's NICs. A NIC is matched to its VM port by IP and MAC; where that leaves several ports, by the port ids of the
 * metadata service or config drive, else the question is refused with the list.
 */
export interface Nics {
  /** Every NIC that is on a Neutron network; asked of the kernel and Neutron once, again after `forget`. */
  all(signal: AbortSignal): Promise<readonly Nic[]>;
  /**
   * The one NIC that the query means: by network, subnet, cidr or master named; else the configured master, else the one
   * of the default route.
   * @throws MASTER_UNKNOWN, MASTER_AMBIGUOUS, VM_PORT_UNKNOWN, VM_PORT_AMBIGUOUS, NETWORK_NOT_ON_VM, SUBNET_UNKNOWN
   */
  find(query: NicQuery, signal: AbortSignal): Promise<Nic>;
  /** The NIC of a VM port, by the port's id. @throws VM_PORT_UNKNOWN */
  byPort(portId: string, signal: AbortSignal): Promise<Nic>;
  /**
   * Whether a VM port that a record names is this VM's to write: one of its NICs is on it, or no machine is any more. False
   * on a VM that was made from an image of another one, whose records came with it.
   * @throws VM_PORT_UNKNOWN where that cannot be told, since this VM's own ports are not known
   */
  belongs(portId: string, signal: AbortSignal): Promise<boolean>;
  /** Drops what is remembered, after the kernel or Neutron says that it changed. */
  forget(): void;
}
