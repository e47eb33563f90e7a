import { canonical, contains, familyOf, parseCidr, sameAddress } from '../address/address.ts';
import { isKuryrError, KuryrError } from '../errors/kuryr-error.ts';
import type { Logger } from '../observe/logger.ts';
import type { FixedIp, Neutron, Port, PortCreate, Subnet } from '../openstack/neutron.ts';
import {
  type Ipam,
  type Reservation,
  type ReservationPort,
  type ReserveRequest,
  reservationDevice,
  reservationOwner,
} from './ipam.ts';

export interface ExactIpamParts {
  /** Its extensions are best asked at the daemon's start, so that no attach waits for them. */
  readonly neutron: Pick<Neutron, 'extensions' | 'port' | 'ports' | 'createPort' | 'updatePort' | 'deletePort'>;
  readonly logger: Logger;
}

/** An extra for people's filters; whose a reservation is, device_owner and device_id say. */
const TAG = 'kuryr';

/** The supply `exact`: an unbound port for each address, one address each. */
export class ExactIpam implements Ipam {
  readonly #neutron: ExactIpamParts['neutron'];
  readonly #logger: Logger;

  constructor(parts: ExactIpamParts) {
    this.#neutron = parts.neutron;
    this.#logger = parts.logger;
  }

  async reserve(request: ReserveRequest, signal: AbortSignal): Promise<Reservation> {
    const { subnet } = request;
    const address = request.address === undefined ? undefined : choose(request.address, subnet);
    const body = bodyOf(request, address, await this.#neutron.extensions(signal));
    let port: Port;
    try {
      port = await this.#neutron.createPort(body, signal);
    } catch (error) {
      throw address === undefined ? error : await this.#explain(error, request, address, signal);
    }
    const given = port.fixed_ips.find(ip => ip.subnet_id === subnet.id);
    const reservation = given && reservationOf(port, given, subnet);
    if (reservation !== undefined && (address === undefined || sameAddress(reservation.address, address))) {
      return reservation;
    }
    // What was given is not what was asked: nothing may be built on it, nor may its id be believed.
    await this.release({ portId: port.id, vmPortId: request.nic.port.id }, signal);
    const text = port.fixed_ips.map(ip => `${ip.ip_address} in ${ip.subnet_id}`).join(', ') || 'no address';
    const reason = `asked for ${address ?? 'an address'} in subnet ${subnet.id} (${subnet.cidr}), the port has ${text}`;
    throw new KuryrError('CLOUD_BAD_ANSWER', { method: 'POST', url: '/v2.0/ports', reason, requestId: 'unknown' });
  }

  /**
   * Looks before it deletes: owner and device can be changed by anybody in the project, and a port that was put to another
   * use, a server's say, must not die of an entry in our ledger. It costs one call of some 20 ms where nobody waits.
   */
  async release(reservation: ReservationPort, signal: AbortSignal): Promise<void> {
    if ((await this.find(reservation, signal)) === undefined) return;
    await this.#neutron.deletePort(reservation.portId, signal);
  }

  async find({ portId, vmPortId }: ReservationPort, signal: AbortSignal): Promise<Port | undefined> {
    let port: Port;
    try {
      port = await this.#neutron.port(portId, signal);
    } catch (error) {
      if (isKuryrError(error, 'NEUTRON_NOT_FOUND')) return undefined;
      throw error;
    }
    if (isOwn(port, vmPortId)) return port;
    const { device_owner: owner, device_id: device } = port;
    this.#logger.warn(
      { port: portId, owner, device },
      'a reservation is in use by somebody else now and is left alone',
    );
    return undefined;
  }

  async list(vmPortId: string, signal: AbortSignal): Promise<readonly Port[]> {
    const ports = await this.#neutron.ports({ device_id: reservationDevice(vmPortId) }, signal);
    return ports.filter(port => isOwn(port, vmPortId));
  }

  async followGroups(
    { vmPortId, groups }: { vmPortId: string; groups: readonly string[] },
    signal: AbortSignal,
  ): Promise<number> {
    const others = (await this.list(vmPortId, signal)).filter(port => !sameGroups(port.security_groups, groups));
    for (const { id } of others) {
      await this.#neutron.updatePort(id, { security_groups: groups }, undefined, signal).catch((error: unknown) => {
        // It was given back meanwhile.
        if (!isKuryrError(error, 'NEUTRON_NOT_FOUND')) throw error;
      });
    }
    return others.length;
  }

  read(port: Port, subnets: readonly Subnet[]): Reservation | undefined {
    const found = port.fixed_ips.flatMap(ip => {
      const subnet = subnets.find(({ id }) => id === ip.subnet_id);
      return subnet === undefined ? [] : [{ ip, subnet }];
    });
    // Beside the address that was asked for there may be one that an automatic subnet gave unasked.
    const asked = found.find(({ subnet }) => !isAutomatic(subnet)) ?? found[0];
    return asked && reservationOf(port, asked.ip, asked.subnet);
  }

  /** Says more of a refused address than Neutron does: who holds it, or that the network is another project's. */
  async #explain(error: unknown, request: ReserveRequest, address: string, signal: AbortSignal): Promise<unknown> {
    const { nic, subnet } = request;
    if (isKuryrError(error, 'ADDRESS_IN_USE')) {
      const filter = { network_id: subnet.network_id, fixed_ips: [`subnet_id=${subnet.id}`, `ip_address=${address}`] };
      // A holder of another project is not seen; and a failed look-up must not hide the refusal.
      const [holder] = await this.#neutron.ports(filter, signal).catch(() => []);
      const details = {
        ...error.details,
        address,
        subnet: subnet.id,
        holder: holder?.id,
        holderName: holder?.name,
        holderOwner: holder?.device_owner,
        holderDevice: holder?.device_id,
        own: holder !== undefined && isOwn(holder, nic.port.id),
      };
      return new KuryrError('ADDRESS_IN_USE', details, { cause: error });
    }
    if (isKuryrError(error, 'NEUTRON_FORBIDDEN') && nic.network.project_id !== nic.port.projectId) {
      const details = { ...error.details, address, network: nic.network.name || nic.network.id };
      return new KuryrError('ADDRESS_FORBIDDEN', details, { cause: error });
    }
    return error;
  }
}

/** Whether the port is a reservation of that VM port. */
function isOwn(port: Port, vmPortId: string): boolean {
  return port.device_owner === reservationOwner(port.name) && port.device_id === reservationDevice(vmPortId);
}

const sameGroups = (one: readonly string[], other: readonly string[]) =>
  one.length === other.length && one.every(group => other.includes(group));

/** Whether the subnet makes its addresses of the port's MAC, so that none can be chosen. */
function isAutomatic({ ipv6_address_mode: mode }: Subnet): boolean {
  return mode === 'slaac' || mode === 'dhcpv6-stateless';
}

/** The wanted address in canonical form. @throws ADDRESS_OUTSIDE, ADDRESS_NOT_CHOOSABLE */
function choose(wanted: string, subnet: Subnet): string {
  const address = canonical(wanted);
  if (address === undefined || !contains(subnet.cidr, address)) {
    throw new KuryrError('ADDRESS_OUTSIDE', { address: wanted.slice(0, 64), subnet: subnet.id, cidr: subnet.cidr });
  }
  if (isAutomatic(subnet)) throw new KuryrError('ADDRESS_NOT_CHOOSABLE', { address, subnet: subnet.name || subnet.id });
  return address;
}

/**
 * All that makes the port a reservation stands in its one POST. Never a host: the port stays unbound.
 * - `admin_state_up: false` does no harm anywhere and mends cases on ML2/OVN: a VM port without port security (from
 *   Neutron 2024.1 on), and MACVLAN, whose MAC is the reservation's, on older ones.
 * - `security_groups` are the VM port's, since OVN counts reservations, never pairs, as members of a group in the rules
 *   of others. Where the VM port has none (so without port security), an empty list is sent: without one Neutron
 *   puts the project's default group there, of which the VM is no member.
 * - `device_id` is not the server's id: the metadata service would answer a container with the server's user-data.
 * - tags only where the server takes them in a POST; elsewhere they vanish without a word.
 */
function bodyOf(request: ReserveRequest, address: string | undefined, extensions: ReadonlySet<string>): PortCreate {
  const { nic, subnet, name } = request;
  return {
    name,
    network_id: subnet.network_id,
    fixed_ips: [{ subnet_id: subnet.id, ...(address === undefined ? {} : { ip_address: address }) }],
    device_owner: reservationOwner(name),
    device_id: reservationDevice(nic.port.id),
    admin_state_up: false,
    security_groups: nic.port.securityGroups,
    ...(extensions.has('tag-ports-during-bulk-creation') ? { tags: [TAG] } : {}),
  };
}

/** Undefined where the address is none of the subnet's. */
function reservationOf(port: Port, ip: FixedIp, subnet: Subnet): Reservation | undefined {
  const prefix = parseCidr(subnet.cidr)?.prefix;
  if (prefix === undefined || !contains(subnet.cidr, ip.ip_address)) return undefined;
  return {
    portId: port.id,
    name: port.name,
    address: ip.ip_address,
    family: familyOf(ip.ip_address),
    prefix,
    mac: port.mac_address,
    subnetId: subnet.id,
  };
}
