import type * as v from 'valibot';
import { contains, parseCidr, sameAddress, sameCidr } from '../../address/address.ts';
import type { Addresses } from '../../attach/addresses.ts';
import type { Attachments } from '../../attach/attachments.ts';
import type { Records } from '../../attach/records.ts';
import { isKuryrError, KuryrError } from '../../errors/kuryr-error.ts';
import type { LinkSpec } from '../../link/link-kind.ts';
import type { Nic, Nics } from '../../nic/nic.ts';
import type { Subnet } from '../../openstack/neutron.ts';
import type { Clock } from '../../time/clock.ts';
import type { Random } from '../../time/random.ts';
import { createCommand } from './command.ts';
import type { messages } from './messages.ts';
import { type DockerOptions, parseOptions, queryOf } from './options.ts';
import type { DockerStore, Pool } from './store.ts';

export interface IpamParts {
  readonly store: DockerStore;
  readonly records: Records;
  readonly attachments: Attachments;
  readonly addresses: Addresses;
  readonly nics: Nics;
  readonly clock: Clock;
  readonly random: Random;
}

type Message<K extends keyof typeof messages> = v.InferOutput<(typeof messages)[K]>;

/**
 * One name for both address spaces: engines from 27 on then skip their check of a pool against the host's routes, which
 * the VM's own subnet always fails.
 */
const ADDRESS_SPACE = 'kuryr';

/**
 * Bare requests held at once that show an engine in its endless loop (26 and older): each answer overlaps a route of the
 * host, is held, and asked for again. Far more than a person creates networks at once.
 */
const BARE_LOOP = 16;
/** How long a pool may wait for its network, milliseconds; Docker creates it within seconds. */
const UNUSED_POOL_MS = 600_000;

/** libnetwork's remote IPAM driver over Neutron: pools are subnets of the VM's networks, addresses are reservations. */
export class IpamDriver {
  readonly #parts: IpamParts;

  constructor(parts: IpamParts) {
    this.#parts = parts;
  }

  getCapabilities() {
    return { RequiresMACAddress: false, RequiresRequestReplay: false };
  }

  getDefaultAddressSpaces() {
    return { LocalDefaultAddressSpace: ADDRESS_SPACE, GlobalDefaultAddressSpace: ADDRESS_SPACE };
  }

  async requestPool(request: Message<'requestPool'>, signal: AbortSignal) {
    const { store, nics, clock, random } = this.#parts;
    if (request.SubPool !== '' && !sameCidr(request.SubPool, request.Pool))
      throw new KuryrError('DOCKER_RANGE_UNSUPPORTED', { range: request.SubPool });
    const options = parseOptions(request.Options, 'RequestPool');
    const family = request.V6 || request.Pool.includes(':') ? 6 : 4;
    const cidr = request.Pool === '' ? undefined : request.Pool;
    // A network is made of what is true now: ports change their groups, port security and subnets while the daemon runs.
    nics.forget();
    const nic = await nics.find(queryOf(options, family, cidr), signal);
    const subnet = chooseSubnet(nic, family, cidr, options);
    await this.#dropUnused();
    if (cidr === undefined) this.#refuseLoop(nic, subnet);
    const pool: Pool = {
      id: `kuryr-${random.uuid()}`,
      vmPort: nic.port.id,
      networkId: nic.network.id,
      subnetId: subnet.id,
      cidr: subnet.cidr,
      family,
      bare: cidr === undefined,
      since: clock.now(),
    };
    await store.save({ pools: [pool] });
    return { PoolID: pool.id, Pool: pool.cidr, Data: {} };
  }

  async releasePool(request: Message<'releasePool'>) {
    const { store, addresses } = this.#parts;
    await addresses.endGroups([request.PoolID]);
    await store.forget({ pools: [request.PoolID] });
    return {};
  }

  async requestAddress(request: Message<'requestAddress'>, signal: AbortSignal) {
    const { store, attachments, nics } = this.#parts;
    const pool = store.pool(request.PoolID);
    const nic = await nics.byPort(pool.vmPort, signal);
    const subnet = subnetOf(nic, pool);
    const prefix = parseCidr(subnet.cidr)?.prefix ?? 0;
    const wanted = request.Address === '' ? undefined : request.Address;
    if (request.Options?.['RequestAddressType'] === 'com.docker.network.gateway') {
      const gateway = wanted ?? subnet.gateway_ip;
      if (wanted !== undefined && !contains(subnet.cidr, wanted))
        throw new KuryrError('ADDRESS_OUTSIDE', { address: wanted, subnet: subnet.id, cidr: subnet.cidr });
      await store.save({ pools: [{ ...pool, gateway }] });
      return { Address: gateway === null ? noGateway(pool.family) : `${gateway}/${prefix}`, Data: {} };
    }
    if (wanted !== undefined && subnet.gateway_ip !== null && sameAddress(wanted, subnet.gateway_ip))
      throw new KuryrError('DOCKER_ADDRESS_IS_GATEWAY', { address: wanted, subnet: subnet.cidr });
    const network = pool.network === undefined ? undefined : store.findNetwork(pool.network);
    if (network === undefined && wanted !== undefined) {
      await this.#setAside(nic, subnet, pool, wanted, signal);
      return { Address: `${wanted}/${prefix}`, Data: {} };
    }
    // Of two families the pairs go together into one write, when the endpoint names them: with a write each, the second
    // met a revision that had moved on in between (seen on ML2/OVN).
    const spec: LinkSpec | undefined = network?.pools.length === 1 ? network.spec : undefined;
    const held = await attachments.hold(
      { nic, subnet, group: pool.id, purpose: 'container', address: wanted, spec },
      signal,
    );
    return { Address: `${held.reservation.address}/${prefix}`, Data: {} };
  }

  async releaseAddress(request: Message<'releaseAddress'>) {
    const { records, addresses } = this.#parts;
    const held = records
      .holdings()
      .filter(({ group, reservation }) => group === request.PoolID && reservation?.address === request.Address);
    // One that an attachment still has goes with its DeleteEndpoint: its link comes first.
    await addresses.end(held.filter(({ attachment }) => attachment === undefined));
    return {};
  }

  /** An `--aux-address`: reserved unless a port has it already, since then nobody else can get it either. */
  async #setAside(nic: Nic, subnet: Subnet, pool: Pool, address: string, signal: AbortSignal): Promise<void> {
    try {
      await this.#parts.attachments.hold({ nic, subnet, group: pool.id, purpose: 'aside', address }, signal);
    } catch (error) {
      if (!isKuryrError(error, 'ADDRESS_IN_USE') && !isKuryrError(error, 'ADDRESS_NOT_CHOOSABLE')) throw error;
    }
  }

  #refuseLoop(nic: Nic, subnet: Subnet): void {
    const held = this.#parts.store
      .pools()
      .filter(
        pool => pool.bare && pool.gateway === undefined && pool.network === undefined && pool.subnetId === subnet.id,
      );
    if (held.length < BARE_LOOP) return;
    const command = createCommand(nic, { name: 'NAME', subnets: [subnet] }).join(' ');
    throw new KuryrError('DOCKER_BARE_CREATE', { command });
  }

  async #dropUnused(): Promise<void> {
    const { store, addresses, clock } = this.#parts;
    const unused = store
      .pools()
      .filter(({ network }) => network === undefined || store.findNetwork(network) === undefined)
      .filter(({ since }) => clock.now() - since > UNUSED_POOL_MS)
      .map(({ id }) => id);
    if (unused.length === 0) return;
    await addresses.endGroups(unused);
    await store.forget({ pools: unused });
  }
}

/** The subnet of a pool, as the NIC knows it. @throws SUBNET_UNKNOWN */
export function subnetOf(nic: Nic, pool: Pool): Subnet {
  const subnet = nic.subnets.find(({ id }) => id === pool.subnetId);
  if (subnet === undefined) throw unknownSubnet(nic, pool.cidr);
  return subnet;
}

/** @throws SUBNET_UNKNOWN, SUBNET_AMBIGUOUS */
export function chooseSubnet(nic: Nic, family: 4 | 6, cidr: string | undefined, options: DockerOptions): Subnet {
  const named = family === 4 ? options.subnet4 : options.subnet6;
  const fitting = nic.subnets.filter(
    subnet =>
      subnet.ip_version === family &&
      (cidr === undefined || sameCidr(subnet.cidr, cidr)) &&
      (named === undefined || subnet.id === named || subnet.name === named),
  );
  const [subnet, ...others] = fitting;
  if (subnet === undefined) throw unknownSubnet(nic, named ?? cidr ?? `IPv${family}`);
  if (others.length > 0)
    throw new KuryrError('SUBNET_AMBIGUOUS', {
      network: nic.network.name || nic.network.id,
      family,
      subnets: fitting.map(({ cidr: range, id }) => `${range} (${id})`),
    });
  return subnet;
}

function unknownSubnet(nic: Nic, subnet: string): KuryrError {
  return new KuryrError('SUBNET_UNKNOWN', {
    subnet,
    choices: nic.subnets.map(({ cidr, id }) => `${cidr} (${id})`),
  });
}

/** What Docker takes for "no gateway"; Join then leaves the gateway out. */
const noGateway = (family: 4 | 6) => (family === 4 ? '0.0.0.0/0' : '::/0');
