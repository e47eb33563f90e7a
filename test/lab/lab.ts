/**
 * The whole bed: a real Keystone and Neutron with agents that enforce port security, and VMs (guest kernels with ipvlan)
 * whose NICs are plugged as Nova does, with Docker and Kuryr in them. Everything is gone after `down`, and after the
 * process ends in whatever way.
 */
import { fileURLToPath } from 'node:url';
import { bootGuest, type Guest } from '../../guest/guest.ts';
import type { Kernel } from '../../guest/kernel.ts';
import type { GuestMount } from '../../guest/options.ts';
import type { Say } from '../../guest/say.ts';
import { build } from '../../tools/build.ts';
import { Cloud } from './cloud/cloud.ts';
import type { Network, NetworkRequest } from './cloud/networks.ts';
import type { BackendName } from './cloud/place.ts';
import { guestKernel } from './guest/kernel.ts';
import type { TreeName } from './tree/recipe.ts';
import { ensureTree } from './tree/tree.ts';
import { NODE, PROGRAM, Vm, type VmPort } from './vm.ts';

export interface LabOptions {
  readonly backend: BackendName;
  /** The Debian tree whose Docker engine the VMs run: both of bookworm have 20.10, trixie 26.1, forky 28.5 or later. */
  readonly engine?: TreeName;
  /** The network that the VMs' first NIC is on; with IPv4 and IPv6 by default. */
  readonly network?: NetworkRequest;
  /** Neutron's max_allowed_address_pair, 10 by default. */
  readonly pairLimit?: number;
  readonly say: Say;
  readonly signal: AbortSignal;
}

export interface VmRequest {
  readonly name: string;
  readonly host: 'h1' | 'h2';
  /** Networks of its NICs, eth0's first; by default the lab's. */
  readonly networks?: readonly Network[];
  /** false: neither Docker nor Kuryr is started. */
  readonly start?: boolean;
  /**
   * A VM as its user gets it (trixie and home-bookworm): systemd is PID 1, networkd has the NICs, Docker is the distribution's service,
   * and there is neither Kuryr nor Node. Folders of this machine may be seen in it, read-only.
   */
  readonly home?: { readonly mounts?: readonly GuestMount[] };
}

const repository = fileURLToPath(new URL('../..', import.meta.url));
const dist = `${repository}dist`;
const node = `${repository}node_modules/node-linux-${process.arch}`;

/** Neutron gives out of the pools; addresses that a test asks for by themselves are outside of them, and so never taken by chance. */
const labNetwork: NetworkRequest = {
  name: 'lab',
  v4: { cidr: '10.30.0.0/24', pool: { start: '10.30.0.100', end: '10.30.0.199' } },
  v6: { cidr: 'fd30::/64', mode: 'static', pool: { start: 'fd30::1000', end: 'fd30::1fff' } },
  router: true,
};

export class Lab implements AsyncDisposable {
  readonly cloud: Cloud;
  readonly network: Network;
  readonly vms: Vm[] = [];
  readonly #options: LabOptions;
  readonly #tree: string;
  readonly #kernel: Kernel;
  readonly #guests: Guest[] = [];

  private constructor(options: LabOptions, cloud: Cloud, network: Network, tree: string, kernel: Kernel) {
    this.#options = options;
    this.cloud = cloud;
    this.network = network;
    this.#tree = tree;
    this.#kernel = kernel;
  }

  /** Brings up the cloud and a network: 10 s; much more the first time on a machine, and says what it does. */
  static async up(options: LabOptions): Promise<Lab> {
    const { say, signal, backend, engine = 'bookworm', network = labNetwork, pairLimit } = options;
    const cloudTree = await ensureTree('bookworm', say);
    const tree = await ensureTree(engine, say);
    const kernel = await guestKernel(say);
    await build(dist);
    const cloud = await Cloud.up({ backend, tree: cloudTree, pairLimit, say, signal });
    try {
      return new Lab(options, cloud, await cloud.createNetwork(network), tree, kernel);
    } catch (error) {
      await cloud.down();
      throw error;
    }
  }

  /** Boots VMs, side by side; gives them when Docker and Kuryr run in them. */
  async addVms<const Requests extends readonly VmRequest[]>(
    ...requests: Requests
  ): Promise<{ [Index in keyof Requests]: Vm }> {
    const vms = await Promise.all(requests.map((request, index) => this.#addVm(request, this.vms.length + index)));
    this.vms.push(...vms);
    return vms as { [Index in keyof Requests]: Vm };
  }

  async down(): Promise<void> {
    await Promise.all(this.#guests.map(guest => guest.kill()));
    await this.cloud.down();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.down();
  }

  async #addVm({ name, host, networks = [this.network], start = true, home }: VmRequest, index: number): Promise<Vm> {
    const { cloud } = this;
    const { signal, say } = this.#options;
    const began = performance.now();
    const nics = [];
    const ports: VmPort[] = [];
    for (const network of networks) {
      const { port } = await cloud.ok('POST', '/ports', {
        port: { network_id: network.id, name: `${name}-${nics.length}` },
      });
      const { tap, mac, mtu, ips, netns } = await cloud.plug({ portId: port.id, host, name });
      const slaac = await this.#isAutomatic(network);
      const gateways: unknown[] = nics.length > 0 ? [] : [network.v4?.gateway, slaac ? null : network.v6?.gateway];
      nics.push({
        ...{ tap, mac, mtu, netns, acceptRa: slaac },
        ips: slaac ? ips.filter(ip => !ip.includes(':')) : ips,
        gateways: gateways.filter((gateway): gateway is string => typeof gateway === 'string'),
      });
      ports.push({ id: port.id, mac, ips, tap, netns });
    }
    const management = await cloud.management({ name, host });
    const guest = await bootGuest(
      {
        name,
        netns: management.netns,
        tree: this.#tree,
        kernel: this.#kernel,
        nics: [...nics, { tap: management.tap, mac: management.mac, ips: [management.guestIp] }],
        mounts: home
          ? (home.mounts ?? [])
          : [
              { host: dist, guest: PROGRAM },
              { host: node, guest: NODE },
            ],
        ...(home && { systemd: { atBoot: management.command } }),
        pin: index % 2,
      },
      signal,
    );
    this.#guests.push(guest);
    const vm = new Vm(guest, ports, management, signal);
    if (home) {
      await vm.running();
      await vm.loadImage();
    } else await vm.setUp(cloud.cloudsYaml('demo'));
    if (start && !home) await Promise.all([vm.startDocker(), vm.startKuryr()]);
    say(`${name}: up after ${((performance.now() - began) / 1000).toFixed(1)} s, kernel ${guest.release}`);
    return vm;
  }

  /** Whether VMs on the network make up their IPv6 addresses from router advertisements. */
  async #isAutomatic(network: Network): Promise<boolean> {
    if (network.v6 === undefined) return false;
    const { subnet } = await this.cloud.ok('GET', `/subnets/${network.v6.id}`);
    return subnet.ipv6_ra_mode !== null;
  }
}
