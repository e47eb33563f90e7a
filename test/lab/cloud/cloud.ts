/**
 * A real OpenStack for tests: Keystone, Neutron, and what enforces port security on two compute hosts, run from a
 * private Debian tree. Nothing is installed on the machine, and nothing is left of it afterwards.
 */
import type { Backend, BackendEdges, Host } from './backend.ts';
import { Capture } from './capture.ts';
import { type Answer, Client } from './client.ts';
import { startDatabase } from './database.ts';
import type { User } from './identity.ts';
import { Jail } from './jail.ts';
import { LinuxbridgeBackend } from './linuxbridge.ts';
import { type Management, makeManagement } from './management.ts';
import { type MetadataRequest, serveMetadata } from './metadata-agent.ts';
import { createNetwork, deleteNetwork, type Network, type NetworkRequest, openDefaultGroup } from './networks.ts';
import { OvnBackend } from './ovn.ts';
import { type BackendName, PLACES, type Place, place as placeOf } from './place.ts';
import { type Plugged, type PlugRequest, Plugs } from './plug.ts';
import { unseen } from './seen.ts';
import { Servers } from './servers.ts';
import { Traffic } from './traffic.ts';

export interface CloudOptions {
  backend: BackendName;
  /** Folder of the private Debian tree; it is never written. */
  tree: string;
  /** max_allowed_address_pair; Neutron's default is 10. */
  pairLimit?: number | undefined;
  /** Told what is being done. */
  say: (line: string) => void;
  /** Aborted: ends the cloud as down() does, and everything that waits for it. */
  signal: AbortSignal;
}

export class Cloud {
  /** Folder with the servers' logs and configuration while the lab is up. */
  readonly place: Place;
  /** What guests ask of the API, and the means to disturb it. */
  readonly traffic = new Traffic();
  readonly #jail: Jail;
  readonly #servers: Servers;
  readonly #client: Client;
  readonly #backend: Backend;
  readonly #plugs: Plugs;
  readonly #say: (line: string) => void;
  readonly #signal: AbortSignal;
  #guests = 0;

  private constructor(
    place: Place,
    jail: Jail,
    servers: Servers,
    client: Client,
    backend: Backend,
    say: (line: string) => void,
    signal: AbortSignal,
  ) {
    this.place = place;
    this.#jail = jail;
    this.#servers = servers;
    this.#client = client;
    this.#backend = backend;
    this.#say = say;
    this.#signal = signal;
    this.#plugs = new Plugs(place, jail, backend, client, signal);
  }

  /** Brings a cloud up: about 10 s on an idle machine, half a minute more the first time for a tree. */
  static async up({ backend: name, tree, pairLimit = 10, say: tell, signal }: CloudOptions): Promise<Cloud> {
    const start = performance.now();
    const say = (line: string): void => tell(`${((performance.now() - start) / 1000).toFixed(1)} s  ${name}: ${line}`);
    const { place, jail } = await openJail(name, tree, signal);
    try {
      const backend = makeBackend(name, { place, jail, say, signal });
      const servers = new Servers(place, jail, backend.neutron, pairLimit, signal);
      const client = new Client(servers, jail, signal);
      const databases = startDatabase({ place, jail, tree, say, signal });
      const keystone = databases.then(() => servers.startKeystone());
      await all([databases, backend.start()]);
      say('databases and hosts started');
      await all([keystone, servers.startNeutron()]);
      say(`Keystone at ${servers.authUrl}, Neutron at ${servers.neutronUrl}`);
      // alone: Keystone may refuse the first calls that judge a policy if there are several at the same moment
      await openDefaultGroup(client, 'demo');
      await all([backend.ready(client), openDefaultGroup(client, 'demo2')]);
      say('ready');
      return new Cloud(place, jail, servers, client, backend, say, signal);
    } catch (error) {
      await jail.close();
      throw error;
    }
  }

  /** Base of Keystone's API: ends in /v3. */
  get authUrl(): string {
    return this.#servers.authUrl;
  }

  /** Base of Neutron's API as the catalogue names it: without /v2.0. */
  get neutronUrl(): string {
    return this.#servers.neutronUrl;
  }

  /** A second Keystone of the same cloud whose tokens live 3 seconds; it starts when first asked for. */
  shortAuthUrl(): Promise<string> {
    return this.#servers.shortAuthUrl();
  }

  /** A second Neutron of the same cloud that does not judge by access rules; it starts when first asked for. */
  unawareNeutronUrl(): Promise<string> {
    return this.#servers.unawareNeutronUrl();
  }

  /** A request to Neutron, whatever it answers; `path` begins after /v2.0. */
  api(...request: Parameters<Client['api']>): Promise<Answer> {
    return this.#client.api(...request);
  }

  /** As api(), returns the body, and throws unless Neutron agreed. */
  ok(...request: Parameters<Client['ok']>): Promise<Answer['body']> {
    return this.#client.ok(...request);
  }

  /** A token that lives for hours. */
  token(user: User = 'demo'): Promise<string> {
    return this.#client.token(user);
  }

  /** Runs the real `openstack` client and returns what it printed; ask for `-f json` to parse it. */
  openstack(args: readonly string[], user: User = 'demo'): Promise<string> {
    return this.#client.openstack(args, user);
  }

  /** A clouds.yaml for a user; the cloud in it is called "lab". */
  cloudsYaml(...request: Parameters<Client['cloudsYaml']>): string {
    return this.#client.cloudsYaml(...request);
  }

  createNetwork(request: NetworkRequest): Promise<Network> {
    return createNetwork(this.#client, this.#backend, request);
  }

  deleteNetwork(network: Network): Promise<void> {
    return deleteNetwork(this.#client, network);
  }

  /** Plugs a port's NIC into a host, as Nova does; returns when the host's agents have programmed it. */
  plug(request: PlugRequest): Promise<Plugged> {
    return this.#plugs.plug(request);
  }

  /** Removes a NIC; its port stays. */
  unplug(plugged: Plugged): Promise<void> {
    return this.#plugs.unplug(plugged);
  }

  /**
   * A second NIC for the guest called `name`, over which it reaches Keystone and Neutron. `vm` is a namespace that
   * stands for the guest (see plug() with kind veth).
   */
  management(request: { name: string; host: Host; vm?: string }): Promise<Management> {
    const { place } = this;
    const edges = { place, jail: this.#jail, traffic: this.traffic, signal: this.#signal };
    return makeManagement(edges, { ...request, index: ++this.#guests });
  }

  /** Starts a metadata agent (on a cloud of the kind OVN). */
  serveMetadata(request: MetadataRequest): Promise<void> {
    return serveMetadata(this.place, this.#jail, request);
  }

  /** Takes what passes the TAP of a plugged NIC. */
  capture({ netns, tap }: Pick<Plugged, 'netns' | 'tap'>): Promise<Capture> {
    return Capture.start(this.#jail, this.place, netns, tap);
  }

  /** Runs a command of the tree, in a network namespace of the lab's if one is named. */
  run(argv: readonly string[], netns?: string): Promise<string> {
    return this.#jail.run(argv, netns === undefined ? {} : { netns });
  }

  /** Ends all servers, and removes all that was made. */
  down(): Promise<void> {
    this.traffic.close();
    const record = process.env['KURYR_RECORD'] !== undefined;
    for (const signature of unseen(this.traffic.calls, record)) {
      this.#say(`${record ? 'new in' : 'not in'} test/contract/seen.txt: ${signature}`);
    }
    return this.#jail.close();
  }
}

/** Opens a jail at the first place that no living lab holds. */
async function openJail(name: BackendName, tree: string, signal: AbortSignal): Promise<{ place: Place; jail: Jail }> {
  for (let instance = 0; instance < PLACES; instance++) {
    const place = placeOf(name, instance);
    const jail = await Jail.open(place, tree, signal);
    if (jail !== undefined) return { place, jail };
  }
  throw new Error(`${PLACES} labs of the kind ${name} are up on this machine already`);
}

const makeBackend = (name: BackendName, edges: BackendEdges): Backend =>
  name === 'ovn' ? new OvnBackend(edges) : new LinuxbridgeBackend(edges);

/** Waits for all to settle, so that nothing works on behind a failure's back; throws the first failure. */
async function all(work: readonly Promise<unknown>[]): Promise<void> {
  await Promise.allSettled(work);
  await Promise.all(work);
}
