import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { familyOf } from '../../src/address/address.ts';
import { assemble, type Daemon, type DaemonConfig } from '../../src/daemon/assemble.ts';
import type { Edges } from '../../src/daemon/edges.ts';
import { FakeFiles } from '../../src/ledger/fake-files.ts';
import { decodeJournal } from '../../src/ledger/journal-lines.ts';
import type { Json } from '../../src/ledger/ledger.ts';
import type { FakeKernel } from '../../src/linux/fake-kernel.ts';
import { silentLogger } from '../../src/observe/logger.ts';
import { nthAddress } from '../../src/openstack/fake-addresses.ts';
import type { FakeNeutron } from '../../src/openstack/fake-neutron.ts';
import { refusalError } from '../../src/openstack/refusal.ts';
import { systemRandom } from '../../src/time/random.ts';
import { systemClock } from '../../src/time/system-clock.ts';

/** The ledger's file, in memory. */
const LEDGER = '/state/ledger';

/** Edges in the place of the rig's own. */
export type FakeEdges = Partial<Omit<Edges, 'files' | 'kernel'>> & { readonly files?: FakeFiles };

/** The whole daemon on real sockets, over a cloud and a kernel in memory. */
export class Rig {
  readonly neutron: FakeNeutron;
  readonly kernel: FakeKernel;
  /** Addresses of the pairs that stood before the daemon. */
  readonly foreign: readonly string[];
  readonly #files: FakeFiles;
  readonly #edges: FakeEdges;
  readonly #folder: string;
  #daemon: Daemon | undefined;
  #read: { readonly text: string; readonly values: Readonly<Record<string, Json>> } = { text: '', values: {} };

  private constructor(folder: string, vm: { neutron: FakeNeutron; kernel: FakeKernel }, edges: FakeEdges) {
    this.#folder = folder;
    this.#edges = edges;
    this.#files = edges.files ?? new FakeFiles();
    this.neutron = vm.neutron;
    this.kernel = vm.kernel;
    this.foreign = this.pairs();
  }

  /** @param edges in the place of the fakes and the system's clock: a way to the cloud that cannot be trusted, say */
  static async start(vm: { neutron: FakeNeutron; kernel: FakeKernel }, edges: FakeEdges = {}): Promise<Rig> {
    refuseEdges(vm.neutron);
    const rig = new Rig(await mkdtemp(join(tmpdir(), 'kuryr-wire-')), vm, edges);
    await rig.#start();
    return rig;
  }

  get docker(): string {
    return join(this.#folder, 'kuryr.sock');
  }

  get control(): string {
    return join(this.#folder, 'control.sock');
  }

  /** The daemon ends in good order, and another goes on with what it left. */
  async restart(): Promise<void> {
    await this.halt();
    await this.#start();
  }

  /** Other values for its options, as a reload has them. */
  reload(change: Partial<DaemonConfig>): void {
    const ready = this.#daemon?.reload({ ...this.#config(), ...change });
    ready?.take();
    ready?.follow(false);
  }

  /** The daemon ends in good order; there is none then. */
  async halt(): Promise<void> {
    const daemon = this.#daemon;
    this.#daemon = undefined;
    await daemon?.stop();
  }

  async stop(): Promise<void> {
    await this.halt();
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** The ledger's entries, as its file says. */
  ledger(): Readonly<Record<string, Json>> {
    const text = this.#files.text(LEDGER);
    assert.ok(text !== undefined);
    if (text !== this.#read.text)
      this.#read = { text, values: Object.fromEntries(decodeJournal(Buffer.from(text), LEDGER).values) };
    return this.#read.values;
  }

  /** All that a request may change: the ledger, the cloud's ports with their pairs, links and addresses everywhere. */
  state() {
    const spaces = ['host' as const, ...this.kernel.namespaces()];
    return {
      ledger: this.ledger(),
      ports: this.neutron.peekAll(),
      links: spaces.map(netns => ({ netns, links: this.kernel.links(netns), addresses: this.kernel.addresses(netns) })),
    };
  }

  /** Resolves when nothing is on its way to or from the cloud any more. */
  async settled(): Promise<void> {
    const end = performance.now() + 30_000;
    for (;;) {
      const holdings = this.holdings();
      const pairs = this.pairs();
      const busy = holdings.some(({ ending, pair }) => ending || (pair !== undefined && !pairs.includes(pair.address)));
      if (!busy) return;
      assert.ok(performance.now() < end, `still on its way: ${JSON.stringify(holdings)}`);
      await setImmediate();
    }
  }

  holdings() {
    return Object.entries(this.ledger())
      .filter(([key]) => key.startsWith('address/'))
      .map(([, value]) => value as { ending: boolean; pair?: { address: string }; reservation?: { address: string } });
  }

  /** The addresses of all pairs on the VM's ports. */
  pairs(): string[] {
    return this.neutron.peekAll().flatMap(port => port.allowed_address_pairs.map(({ ip_address }) => ip_address));
  }

  /** The addresses that reservations hold. */
  reserved(): string[] {
    return this.neutron
      .peekAll()
      .filter(({ device_owner }) => device_owner === 'kuryr:container')
      .flatMap(({ fixed_ips }) => fixed_ips.map(({ ip_address }) => ip_address));
  }

  #config(): DaemonConfig {
    return {
      ...{
        master: undefined,
        stateDir: '/state',
        runDir: this.#folder,
        lockDir: this.#folder,
        dockerSocket: this.docker,
        version: 'test',
        metricsListen: undefined,
      },
      ...{
        link: { kind: 'ipvlan', mode: 'l2', flag: 'bridge' } as const,
        publishedPorts: 'allow' as const,
        hostAccess: 'on' as const,
        services: { ranges: [], backends: [] },
      },
      ...{ waitSeconds: 0, holdSeconds: 60 },
    };
  }

  async #start(): Promise<void> {
    const daemon = await assemble(this.#config(), {
      ...{ kernel: this.kernel, neutron: this.neutron, files: this.#files, logger: silentLogger },
      ...{ clock: systemClock, random: systemRandom, ownPorts: async () => undefined, close: async () => {} },
      askEngine: () => Promise.reject(new Error('no engine')),
      onCall: () => {},
      ...this.#edges,
    });
    this.#daemon = daemon;
    await daemon.start();
  }
}

/** Neutron gives out neither the address of an IPv4 subnet nor its broadcast address (InvalidIpForSubnet). */
function refuseEdges(neutron: FakeNeutron): void {
  neutron.before('createPort', async ({ args }) => {
    const [body] = args as [{ fixed_ips: readonly { subnet_id: string; ip_address?: string }[] }];
    for (const { subnet_id, ip_address: address } of body.fixed_ips) {
      if (address === undefined || familyOf(address) === 6) continue;
      const [subnet] = await neutron.subnets({ id: [subnet_id] }, AbortSignal.timeout(1000));
      const [range = '', bits] = subnet?.cidr.split('/') ?? [];
      const last = nthAddress(`${range}/${bits}`, 2 ** (32 - Number(bits)) - 1);
      if (address !== range && address !== last) continue;
      const message = `IP address ${address} is not a valid IP for the specified subnet.`;
      const refusal = {
        method: 'POST',
        path: '/ports',
        status: 400,
        type: 'InvalidIpForSubnet',
        requestId: 'req-fake',
      };
      throw refusalError({ ...refusal, message });
    }
  });
}
