import assert from 'node:assert/strict';
import { Addresses } from '../../attach/addresses.ts';
import { Attachments } from '../../attach/attachments.ts';
import { CloudWatch } from '../../attach/cloud-watch.ts';
import type { ExplainParts } from '../../attach/explain.ts';
import { guardedAttachments } from '../../attach/guarded.ts';
import { guestsOf } from '../../attach/guests.ts';
import { Records } from '../../attach/records.ts';
import { Upkeep } from '../../attach/upkeep.ts';
import { FlipWatch } from '../../hostaccess/flip-watch.ts';
import { Guards } from '../../hostaccess/guards.ts';
import { HostAccess } from '../../hostaccess/host-access.ts';
import { ExactIpam } from '../../ipam/exact-ipam.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import { memoryLedger } from '../../ledger/memory-ledger.ts';
import type { LinkSpec } from '../../link/link-kind.ts';
import { SlaveLinks } from '../../link/slave-links.ts';
import { FakeKernel } from '../../linux/fake-kernel.ts';
import { NeutronNics } from '../../nic/neutron-nics.ts';
import { silentLogger } from '../../observe/logger.ts';
import { type Observe, silentObserve } from '../../observe/observe.ts';
import { FakeNeutron } from '../../openstack/fake-neutron.ts';
import { PortPairWriters } from '../../pairs/port-pair-writers.ts';
import { FakeReach } from '../../reach/fake-reach.ts';
import { FakeClock } from '../../time/fake-clock.ts';
import { fakeRandom } from '../../time/random.ts';
import { IpamDriver } from './ipam-driver.ts';
import { NetworkDriver } from './network-driver.ts';
import { DockerPlugin } from './plugin.ts';
import { Sandboxes } from './sandboxes.ts';
import { DockerStore } from './store.ts';

type Json = Readonly<Record<string, unknown>>;

export interface FakeEngineOptions {
  readonly neutron?: FakeNeutron;
  readonly kernel?: FakeKernel;
  readonly ledger?: Ledger;
  readonly clock?: FakeClock;
  readonly link?: LinkSpec;
  readonly publishedPorts?: 'allow' | 'refuse';
  /** Id of the VM's boot. */
  readonly boot?: string;
  readonly observe?: Observe;
}

/** The VM that every test begins with: one NIC, one network (of that id) with an IPv4 and an IPv6 subnet. */
export function fakeVm(networkId?: string) {
  const neutron = new FakeNeutron();
  const kernel = new FakeKernel();
  const network = neutron.addNetwork({ name: 'lab', ...(networkId === undefined ? {} : { id: networkId }) });
  const v4 = neutron.addSubnet({ network_id: network.id, cidr: '10.30.0.0/24' });
  const v6 = neutron.addSubnet({ network_id: network.id, cidr: 'fd30::/64' });
  const port = neutron.addPort({
    network_id: network.id,
    device_owner: 'compute:nova',
    fixed_ips: [
      { subnet_id: v4.id, ip_address: '10.30.0.11' },
      { subnet_id: v6.id, ip_address: 'fd30::11' },
    ],
  });
  const master = kernel.addLink('host', { name: 'eth0', mac: port.mac_address, mtu: 1500 });
  kernel.addAddress('host', master.ifindex, '10.30.0.11', 24);
  kernel.addAddress('host', master.ifindex, 'fd30::11', 64);
  kernel.addRoute('host', { destination: 'default', gateway: '10.30.0.1', ifindex: master.ifindex });
  return { neutron, kernel, network, v4, v6, port, master };
}

/** A Docker engine's side of the protocol, for tests: says what engines say, in their order, over the whole core. */
export class FakeEngine {
  readonly neutron: FakeNeutron;
  readonly kernel: FakeKernel;
  readonly ledger: Ledger;
  readonly clock: FakeClock;
  readonly reach = new FakeReach();
  readonly upkeep: Upkeep;
  readonly cloudWatch: CloudWatch;
  readonly addresses: Addresses;
  readonly records: Records;
  /** What explanations are made of, lives and health apart. */
  readonly explaining: Omit<ExplainParts, 'lives' | 'health' | 'runtime'>;
  readonly #plugin: DockerPlugin;
  readonly #ending = new AbortController();
  #ids = 0;

  constructor(options: FakeEngineOptions = {}) {
    const vm = options.neutron === undefined || options.kernel === undefined ? fakeVm() : undefined;
    this.neutron = options.neutron ?? (vm as ReturnType<typeof fakeVm>).neutron;
    this.kernel = options.kernel ?? (vm as ReturnType<typeof fakeVm>).kernel;
    this.ledger = options.ledger ?? memoryLedger();
    this.clock = options.clock ?? new FakeClock();
    const { neutron, kernel, clock } = this;
    const logger = silentLogger;
    const life = this.#ending.signal;
    const random = fakeRandom();
    const observe = options.observe ?? silentObserve;
    const records = new Records(this.ledger);
    const nics = new NeutronNics({ kernel, neutron, ownPorts: async () => undefined, master: undefined, logger, life });
    const ipam = new ExactIpam({ neutron, logger });
    const links = new SlaveLinks(kernel);
    const pairs = new PortPairWriters({ neutron, ownership: records, clock, random, logger, observe });
    const core = { records, nics, links, ipam, pairs, clock, random, logger, observe, life };
    const addresses = new Addresses(core);
    const guarded = () => guardedAttachments(records);
    const guards = new Guards({ ...core, kernel, folder: '/run/kuryr/guard', attachments: guarded });
    const flips = new FlipWatch({ ...core, kernel, guards, attachments: guarded });
    const boot = options.boot ?? 'one boot';
    const hostAccess = new HostAccess({ kernel, guests: () => guestsOf(records, boot), on: true, logger });
    const attachments = new Attachments({
      ...core,
      addresses,
      guards,
      hostAccess,
      boot,
      reach: this.reach,
      waitMs: 5000,
    });
    const store = new DockerStore(this.ledger);
    const front = {
      ...{ ...core, store, addresses, attachments, holdSeconds: 60 },
      defaultLink: options.link ?? ({ kind: 'ipvlan', mode: 'l2', flag: 'bridge' } as const),
      publishedPorts: options.publishedPorts ?? 'allow',
    };
    this.records = records;
    this.addresses = addresses;
    this.explaining = { ...core, neutron, attachments, reach: this.reach };
    const runtime = { abandoned: async () => [], forget: async () => {} };
    const kept = { guards, flips, hostAccess, holdMs: 60_000 };
    this.upkeep = new Upkeep({ ...core, ...kept, addresses, attachments, neutron, runtime });
    this.cloudWatch = new CloudWatch({ ...core, neutron });
    this.#plugin = new DockerPlugin({
      ...core,
      network: new NetworkDriver({ ...front, sandboxes: new Sandboxes({ kernel, clock, logger, life }) }),
      ipam: new IpamDriver(front),
    });
  }

  /** One call, answered well. */
  async ok(verb: string, body: Json): Promise<Json> {
    const { status, body: answer } = await this.#plugin.answer(`/${verb}`, body);
    assert.equal(status, 200, `${verb}: ${JSON.stringify(answer)}`);
    return answer as Json;
  }

  /** One call that is refused; the error's code. */
  async refused(verb: string, body: unknown): Promise<string> {
    const { status, body: answer } = await this.#plugin.answer(`/${verb}`, body);
    assert.notEqual(status, 200, `${verb}: ${JSON.stringify(answer)}`);
    const { Err: err, Error: error } = answer as { Err: string; Error: string };
    assert.equal(err, error);
    return /\[([A-Z_]+)\]$/.exec(err)?.[1] ?? err;
  }

  id(): string {
    return (++this.#ids).toString(16).padStart(64, '0');
  }

  /** `docker network create --subnet …`; gives the network's id and its pools. */
  async createNetwork(subnets: readonly string[], generic: Json = {}, ipam: Json = {}) {
    const pools: string[] = [];
    const data: Json[] = [];
    for (const subnet of subnets) {
      const pool = await this.ok('IpamDriver.RequestPool', {
        ...{ AddressSpace: 'kuryr', Pool: subnet, SubPool: '', Options: ipam, V6: subnet.includes(':') },
      });
      const gateway = await this.ok('IpamDriver.RequestAddress', {
        ...{ PoolID: pool['PoolID'], Address: '', Options: { RequestAddressType: 'com.docker.network.gateway' } },
      });
      pools.push(String(pool['PoolID']));
      data.push({ AddressSpace: 'kuryr', Pool: pool['Pool'], Gateway: gateway['Address'] });
    }
    const id = this.id();
    await this.ok('NetworkDriver.CreateNetwork', {
      NetworkID: id,
      Options: { 'com.docker.network.generic': generic },
      IPv4Data: data.filter(({ Pool }) => !String(Pool).includes(':')),
      IPv6Data: data.filter(({ Pool }) => String(Pool).includes(':')),
    });
    return { id, pools };
  }

  async requestAddress(pool: string | undefined, address = ''): Promise<string> {
    const answer = await this.ok('IpamDriver.RequestAddress', { PoolID: pool, Address: address, Options: null });
    return String(answer['Address']);
  }

  /** `docker run` as far as the plug-in sees it. */
  async run(network: { id: string; pools: readonly string[] }, wanted: readonly string[] = []) {
    const cidrs: string[] = [];
    for (const [index, pool] of network.pools.entries())
      cidrs.push(await this.requestAddress(pool, wanted[index] ?? ''));
    const endpoint = { NetworkID: network.id, EndpointID: this.id() };
    await this.ok('NetworkDriver.CreateEndpoint', { ...endpoint, Interface: interfaceOf(cidrs), Options: {} });
    const sandbox = `/var/run/docker/netns/${endpoint.EndpointID.slice(-12)}`;
    const joined = await this.ok('NetworkDriver.Join', { ...endpoint, SandboxKey: sandbox, Options: {} });
    return { endpoint, cidrs, joined, sandbox, network };
  }

  /** `docker rm -f` as far as the plug-in sees it; returns when nothing is on its way back to Neutron. */
  async remove(container: Awaited<ReturnType<FakeEngine['run']>>): Promise<void> {
    await this.ok('NetworkDriver.Leave', container.endpoint);
    await this.ok('NetworkDriver.DeleteEndpoint', container.endpoint);
    for (const [index, cidr] of container.cidrs.entries())
      await this.ok('IpamDriver.ReleaseAddress', {
        PoolID: container.network.pools[index],
        Address: cidr.split('/')[0],
      });
    await this.settled();
  }

  async settled(): Promise<void> {
    let over = false;
    const done = this.addresses.settled(AbortSignal.timeout(10_000)).then(() => {
      over = true;
    });
    while (!over) await this.clock.advance(100);
    await done;
  }

  /** The daemon ends; a next engine goes on with the same parts. */
  stop(): void {
    this.#ending.abort(new Error('stopped'));
  }
}

export function interfaceOf(cidrs: readonly string[]): Json {
  return {
    Address: cidrs.find(cidr => !cidr.includes(':')) ?? '',
    AddressIPv6: cidrs.find(cidr => cidr.includes(':')) ?? '',
    MacAddress: '',
  };
}
