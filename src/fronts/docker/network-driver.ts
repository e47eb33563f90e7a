import type * as v from 'valibot';
import { parseCidr, sameCidr } from '../../address/address.ts';
import { type Held, isHeld } from '../../attach/addresses.ts';
import { type Attachments, macOf } from '../../attach/attachments.ts';
import type { AttachmentRecord, Records } from '../../attach/records.ts';
import { KuryrError } from '../../errors/kuryr-error.ts';
import type { LinkSpec } from '../../link/link-kind.ts';
import { describeLinkSpec, fitTogether, parseLinkSpec } from '../../link/link-spec.ts';
import type { Nic, Nics } from '../../nic/nic.ts';
import type { Logger } from '../../observe/logger.ts';
import type { HostRoute } from '../../openstack/neutron.ts';
import type { Clock } from '../../time/clock.ts';
import { createCommand } from './command.ts';
import { subnetOf } from './ipam-driver.ts';
import type { messages } from './messages.ts';
import { type DockerOptions, parseOptions } from './options.ts';
import type { Sandboxes } from './sandboxes.ts';
import type { DockerNetwork, DockerStore, Pool } from './store.ts';

export interface NetworkParts {
  readonly store: DockerStore;
  readonly clock: Clock;
  readonly records: Records;
  readonly attachments: Attachments;
  readonly nics: Nics;
  readonly sandboxes: Sandboxes;
  readonly logger: Logger;
  readonly defaultLink: LinkSpec;
  /** What `-p` does: start the container and say where it is, or refuse. */
  readonly publishedPorts: 'allow' | 'refuse';
  readonly holdSeconds: number;
}

type Message<K extends keyof typeof messages> = v.InferOutput<(typeof messages)[K]>;

/** libnetwork's remote network driver: a Docker network is one NIC's subnets, an endpoint is an attachment. */
export class NetworkDriver {
  readonly #parts: NetworkParts;

  constructor(parts: NetworkParts) {
    this.#parts = parts;
  }

  getCapabilities() {
    return { Scope: 'local', ConnectivityScope: 'global' };
  }

  async createNetwork(request: Message<'createNetwork'>, signal: AbortSignal) {
    const { store, nics, defaultLink, clock } = this.#parts;
    if (store.findNetwork(request.NetworkID) !== undefined) return {};
    const options = parseOptions(request.Options?.['com.docker.network.generic'], 'CreateNetwork');
    const pools = await this.#poolsOf(request, options, signal);
    const [first] = pools;
    if (first === undefined) throw await this.#ipamMissing('', signal);
    const other = pools.find(pool => pool.vmPort !== first.vmPort);
    if (other !== undefined) throw await this.#twin('--subnet', first.cidr, other, signal);
    const nic = await nics.byPort(first.vmPort, signal);
    await this.#checkTwins(options, pools, nic, signal);
    const network: DockerNetwork = {
      id: request.NetworkID,
      vmPort: first.vmPort,
      pools: pools.map(({ id }) => id),
      spec: specOf(options, defaultLink),
      mtu: Math.min(nic.master.mtu, nic.network.mtu ?? nic.master.mtu, options.mtu ?? nic.master.mtu),
      internal: request.Options?.['com.docker.network.internal'] === true,
    };
    this.#refuseClash(network, nic);
    await store.save({
      networks: [network],
      pools: pools.map(pool => ({ ...pool, network: network.id, since: clock.now() })),
    });
    return {};
  }

  async deleteNetwork(request: Message<'networkId'>) {
    await this.#parts.store.forget({ networks: [request.NetworkID] });
    return {};
  }

  async createEndpoint(request: Message<'createEndpoint'>, signal: AbortSignal) {
    const { store, attachments, nics, publishedPorts } = this.#parts;
    const network = store.network(request.NetworkID);
    const ports = publishedOf(request);
    if (ports.length > 0 && publishedPorts === 'refuse')
      throw new KuryrError('DOCKER_PUBLISH_REFUSED', { ports: ports.map(({ published }) => published) });
    const known = this.#endpoint(request);
    const holdings = known !== undefined ? attachments.holdingsOf(known) : this.#named(request, network);
    const addresses = holdings.map(({ reservation }) => reservation.address);
    if (known !== undefined) refuseOther(request, addresses);
    const chosen = request.Interface?.MacAddress ?? '';
    const nic = await nics.byPort(network.vmPort, signal);
    const mac = known?.mac ?? macOf({ spec: network.spec, holdings }, nic);
    if (chosen !== '' && chosen !== mac) throw macChosen(chosen, network.spec);
    const notes = ports.map(({ published, port }) => `${published} is at port ${port} of ${addresses.join(' and ')}`);
    const attachment = await attachments.name(
      { id: request.EndpointID, network: network.id, spec: network.spec, mtu: network.mtu, holdings, notes },
      signal,
    );
    if (ports.length > 0)
      this.#parts.logger.info(
        { endpoint: request.EndpointID, notes },
        'published ports are reached at the container itself',
      );
    const answersMac = network.spec.kind === 'macvlan' && chosen === '';
    return { Interface: answersMac ? { MacAddress: attachment.mac } : {} };
  }

  async join(request: Message<'join'>, signal: AbortSignal) {
    const { store, attachments, nics, sandboxes } = this.#parts;
    const network = store.network(request.NetworkID);
    const known = this.#endpoint(request);
    if (known === undefined) throw new KuryrError('ATTACHMENT_UNKNOWN', { id: request.EndpointID });
    const holdings = attachments.holdingsOf(known);
    const nic = await nics.byPort(network.vmPort, signal);
    // A network may have several subnets of a family: gateway and routes are those of the container's own.
    const pools = network.pools.filter(id => holdings.some(({ group }) => group === id)).map(id => store.pool(id));
    const gateways = { 4: gatewayOf(pools, nic, 4), 6: gatewayOf(pools, nic, 6) };
    const attachment = await attachments.join(
      { id: request.EndpointID, sandbox: request.SandboxKey, gateways },
      signal,
    );
    if (attachment.link !== undefined)
      sandboxes.prepare({
        path: request.SandboxKey,
        ifindex: attachment.link.ifindex,
        id: attachment.id,
      });
    return {
      InterfaceName: { SrcName: attachment.link?.name, DstPrefix: 'eth' },
      ...(gateways[4] !== undefined && !network.internal ? { Gateway: gateways[4] } : {}),
      ...(gateways[6] !== undefined && !network.internal ? { GatewayIPv6: gateways[6] } : {}),
      StaticRoutes: network.internal ? [] : staticRoutes(pools, nic),
      DisableGatewayService: true,
    };
  }

  async deleteEndpoint(request: Message<'endpoint'>) {
    this.#endpoint(request);
    await this.#parts.attachments.detach(request.EndpointID);
    return {};
  }

  endpointOperInfo() {
    return { Value: {} };
  }

  /** What stands under the endpoint's id. @throws DOCKER_ENDPOINT_DIFFERS when it is another network's */
  #endpoint({ NetworkID, EndpointID }: Message<'endpoint'>): AttachmentRecord | undefined {
    const known = this.#parts.records.attachment(EndpointID);
    if (known === undefined || known.network === NetworkID) return known;
    throw differs(EndpointID, `it belongs to the network ${known.network.slice(0, 12)}`);
  }

  /** The holdings that the endpoint's addresses mean. @throws DOCKER_ADDRESS_UNKNOWN */
  #named(request: Message<'createEndpoint'>, network: DockerNetwork): Held[] {
    const addresses = addressesOf(request);
    const held = this.#parts.records
      .holdings()
      .filter(isHeld)
      .filter(holding => network.pools.includes(holding.group) && !holding.ending && holding.attachment === undefined);
    return addresses.map(address => {
      const holding = held.find(({ reservation }) => reservation.address === address);
      if (holding !== undefined) return holding;
      throw new KuryrError('DOCKER_ADDRESS_UNKNOWN', {
        endpoint: request.EndpointID.slice(0, 12),
        network: network.id.slice(0, 12),
        address,
        seconds: this.#parts.holdSeconds,
      });
    });
  }

  /** The pools that Docker holds for this network: it names them by their range alone. */
  async #poolsOf(request: Message<'createNetwork'>, options: DockerOptions, signal: AbortSignal): Promise<Pool[]> {
    const free = this.#parts.store.pools().filter(pool => pool.network === undefined);
    const pools: Pool[] = [];
    for (const { Pool: cidr } of [...request.IPv4Data, ...request.IPv6Data]) {
      const fitting = free.filter(pool => sameCidr(pool.cidr, cidr) && !pools.includes(pool));
      const pool = fitting.findLast(({ networkId }) => networkId === options.network) ?? fitting.at(-1);
      if (pool === undefined) throw await this.#ipamMissing(cidr, signal);
      pools.push(pool);
    }
    return pools;
  }

  async #checkTwins(options: DockerOptions, pools: readonly Pool[], nic: Nic, signal: AbortSignal): Promise<void> {
    const [first] = pools;
    if (first === undefined) return;
    const { network, subnet4, subnet6, parent } = options;
    if (network !== undefined && network !== nic.network.id && network !== nic.network.name)
      throw await this.#twin(`-o neutron.net=${network}`, network, first, signal);
    if (parent !== undefined && parent !== nic.master.name)
      throw await this.#twin(`-o parent=${parent}`, parent, first, signal);
    for (const pool of pools) {
      const said = pool.family === 4 ? subnet4 : subnet6;
      const subnet = subnetOf(nic, pool);
      if (said !== undefined && said !== subnet.id && said !== subnet.name)
        throw await this.#twin(`-o neutron.subnet=${said}`, said, pool, signal);
    }
  }

  /** All ipvlan links of a master have one mode and flag, and none stands beside macvlan: a network says so, not its first run. */
  #refuseClash(network: DockerNetwork, nic: Nic): void {
    const other = this.#parts.store
      .networks()
      .find(({ vmPort, spec }) => vmPort === network.vmPort && !fitTogether(spec, network.spec));
    if (other === undefined) return;
    throw new KuryrError('MODE_CLASH', {
      master: nic.master.name,
      kind: other.spec.kind,
      standing: describeLinkSpec(other.spec),
      wanted: describeLinkSpec(network.spec),
    });
  }

  async #twin(option: string, said: string, pool: Pool, signal: AbortSignal): Promise<KuryrError> {
    const nic = await this.#parts.nics.byPort(pool.vmPort, signal);
    const command = createCommand(nic, { name: 'NAME', subnets: [subnetOf(nic, pool)] }).join(' ');
    const is = `${nic.network.name} (${nic.network.id}) on ${nic.master.name}`;
    return new KuryrError('DOCKER_OPTION_TWIN', { option, said, pool: pool.cidr, is, command });
  }

  async #ipamMissing(pool: string, signal: AbortSignal): Promise<KuryrError> {
    const [nic] = await this.#parts.nics.all(signal).catch(() => []);
    const command =
      nic === undefined
        ? 'kuryr network create NAME'
        : createCommand(nic, { name: 'NAME', subnets: nic.subnets.filter(({ ip_version }) => ip_version === 4) }).join(
            ' ',
          );
    return new KuryrError('DOCKER_IPAM_MISSING', { pool: pool || 'none', command });
  }
}

/** The link that the options mean; Docker's own option names tell the kind where `link` does not. */
function specOf({ link, ipvlanMode, ipvlanFlag, macvlanMode }: DockerOptions, fallback: LinkSpec): LinkSpec {
  const told =
    macvlanMode !== undefined ? 'macvlan' : ipvlanMode !== undefined || ipvlanFlag !== undefined ? 'ipvlan' : undefined;
  const kind = link ?? told ?? fallback.kind;
  if (told === undefined && kind === fallback.kind) return fallback;
  if (kind === 'macvlan') return parseLinkSpec({ kind, mode: macvlanMode ?? ipvlanMode, flag: ipvlanFlag });
  return parseLinkSpec({ kind, mode: ipvlanMode ?? macvlanMode, flag: ipvlanFlag });
}

/** The addresses that Docker gives the endpoint. */
function addressesOf({ Interface: given }: Message<'createEndpoint'>): string[] {
  return [given?.Address, given?.AddressIPv6].flatMap(cidr =>
    cidr === undefined || cidr === '' ? [] : [parseCidr(cidr)?.address ?? ''],
  );
}

/** A repeat names the same addresses; a container with others would have what nobody reserved. */
function refuseOther(request: Message<'createEndpoint'>, addresses: readonly string[]): void {
  const asked = addressesOf(request);
  if (asked.length === addresses.length && asked.every(address => addresses.includes(address))) return;
  throw differs(request.EndpointID, `its addresses are ${addresses.join(' and ') || 'none'}`);
}

function differs(endpoint: string, reason: string): KuryrError {
  return new KuryrError('DOCKER_ENDPOINT_DIFFERS', { endpoint: endpoint.slice(0, 12), reason });
}

function macChosen(mac: string, { kind }: LinkSpec): KuryrError {
  const reason =
    kind === 'ipvlan'
      ? "an ipvlan link has its master's MAC"
      : "a macvlan link has its reservation's MAC, which Neutron chose";
  return new KuryrError('DOCKER_MAC_CHOSEN', { mac, reason });
}

/** The ports published with -p: `8080/tcp` on the host, or `80/tcp` where Docker would choose one, and the container's. */
function publishedOf({ Options: options }: Message<'createEndpoint'>): { published: string; port: number }[] {
  const name = (proto: number) => ({ 6: 'tcp', 17: 'udp', 132: 'sctp' })[proto] ?? String(proto);
  return (options?.['com.docker.network.portmap'] ?? []).map(({ Proto, Port, HostPort }) => ({
    published: `${HostPort > 0 ? HostPort : Port}/${name(Proto)}`,
    port: Port,
  }));
}

/** Host routes of the pools' subnets, the default route apart: that is the gateway's place. */
function staticRoutes(pools: readonly Pool[], nic: Nic) {
  return pools.flatMap(pool =>
    subnetOf(nic, pool)
      .host_routes.filter(route => !isDefault(route))
      .map(({ destination, nexthop }) => ({ Destination: destination, RouteType: 0, NextHop: nexthop })),
  );
}

/**
 * The gateway of a family: the one that Docker asked for (the user's, or the subnet's), unless the subnet's host routes
 * hold a default route, which wins as it does for DHCP clients (RFC 3442).
 */
function gatewayOf(pools: readonly Pool[], nic: Nic, family: 4 | 6): string | undefined {
  for (const pool of pools.filter(candidate => candidate.family === family)) {
    const subnet = subnetOf(nic, pool);
    const own =
      subnet.host_routes.find(isDefault)?.nexthop ?? (pool.gateway === undefined ? subnet.gateway_ip : pool.gateway);
    if (own !== null) return own;
  }
  return undefined;
}

const isDefault = ({ destination }: HostRoute) => parseCidr(destination)?.prefix === 0;
