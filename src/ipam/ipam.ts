import type { Nic } from '../nic/nic.ts';
import type { Port, Subnet } from '../openstack/neutron.ts';

/** `device_owner` of reservations; see `reservationOwner` for the exception. */
export const RESERVATION_OWNER = 'kuryr:container';

/** `device_id` of the reservations of a VM port. Never the server's id: the metadata service would serve its user-data. */
export const reservationDevice = (vmPortId: string): string => `kuryr:${vmPortId}`;

/**
 * A name that ML2/OVN takes for a load balancer's address and gives no entry in its switches, when `device_owner` is
 * empty too. Measured on OVN 23.03 and 26.03: beside a VM port without port security, where no pair can make the
 * reservation a virtual port, any other unbound port swallows what is sent to its address.
 */
const SILENT_PREFIX = 'ovn-lb-vip-kuryr-';

/** The unique name of a reservation; where the VM port has no port security, one that OVN leaves alone. */
export const reservationName = (uuid: string, portSecurity: boolean): string =>
  `${portSecurity ? 'kuryr-' : SILENT_PREFIX}${uuid}`;

/** `device_owner` of the reservation of that name. */
export const reservationOwner = (name: string): string => (name.startsWith(SILENT_PREFIX) ? '' : RESERVATION_OWNER);

/** An unbound Neutron port that holds one container address. */
export interface Reservation {
  /** The Neutron port. */
  readonly portId: string;
  /** Its unique name, chosen before the POST. */
  readonly name: string;
  /** As Neutron returned it. */
  readonly address: string;
  readonly family: 4 | 6;
  /** Bits of the subnet's prefix. */
  readonly prefix: number;
  readonly mac: string;
  readonly subnetId: string;
}

export interface ReserveRequest {
  readonly nic: Nic;
  readonly subnet: Subnet;
  /** Unique, recorded by the caller before the call; see `reservationName`. */
  readonly name: string;
  /** Wanted address (`--ip`); any free one when left out. */
  readonly address?: string | undefined;
}

/** A port that is thought to be a reservation of that VM port. */
export interface ReservationPort {
  readonly portId: string;
  readonly vmPortId: string;
}

/** The supply `exact`: a reservation for each address. */
export interface Ipam {
  /**
   * @throws ADDRESS_IN_USE, ADDRESS_OUTSIDE, ADDRESS_NOT_CHOOSABLE (SLAAC), ADDRESS_FORBIDDEN (another project's network),
   *   SUBNET_EXHAUSTED, NEUTRON_QUOTA
   */
  reserve(request: ReserveRequest, signal: AbortSignal): Promise<Reservation>;
  /** A reservation that is gone already counts as released; one that is not ours by owner and device is left alone. */
  release(reservation: ReservationPort, signal: AbortSignal): Promise<void>;
  /** The port, where it still is a reservation of that VM port; one call. */
  find(reservation: ReservationPort, signal: AbortSignal): Promise<Port | undefined>;
  /** All reservations of a VM port, by owner and device; one call. */
  list(vmPortId: string, signal: AbortSignal): Promise<readonly Port[]>;
  /** Gives the VM port's security groups to those of its reservations that have others; how many had. */
  followGroups(vmPort: { vmPortId: string; groups: readonly string[] }, signal: AbortSignal): Promise<number>;
  /** A port's reservation part; used for what `list` or `find` returned. */
  read(port: Port, subnets: readonly Subnet[]): Reservation | undefined;
}
