import { join } from 'node:path';
import { Addresses } from '../attach/addresses.ts';
import { Attachments } from '../attach/attachments.ts';
import { CloudWatch } from '../attach/cloud-watch.ts';
import { explain, livesOf } from '../attach/explain.ts';
import { guardedAttachments } from '../attach/guarded.ts';
import { guestsOf } from '../attach/guests.ts';
import { Records } from '../attach/records.ts';
import { status } from '../attach/status.ts';
import { Upkeep } from '../attach/upkeep.ts';
import { KuryrError } from '../errors/kuryr-error.ts';
import { Control } from '../fronts/control/control.ts';
import { EngineContainers } from '../fronts/docker/engine-containers.ts';
import { EngineNetworks } from '../fronts/docker/engine-networks.ts';
import { IpamDriver } from '../fronts/docker/ipam-driver.ts';
import { NetworkDriver } from '../fronts/docker/network-driver.ts';
import { networkPlan } from '../fronts/docker/network-plan.ts';
import { DockerPlugin } from '../fronts/docker/plugin.ts';
import { Sandboxes } from '../fronts/docker/sandboxes.ts';
import { DockerStore } from '../fronts/docker/store.ts';
import { FlipWatch } from '../hostaccess/flip-watch.ts';
import { guardFolder } from '../hostaccess/guard-folder.ts';
import { Guards } from '../hostaccess/guards.ts';
import { HostAccess } from '../hostaccess/host-access.ts';
import type { Services } from '../hostaccess/services.ts';
import { ExactIpam } from '../ipam/exact-ipam.ts';
import { openJournal } from '../ledger/journal.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { LinkSpec } from '../link/link-kind.ts';
import { SlaveLinks } from '../link/slave-links.ts';
import { NeutronNics } from '../nic/neutron-nics.ts';
import { PortPairWriters } from '../pairs/port-pair-writers.ts';
import { PacketReach } from '../reach/packet-reach.ts';
import type { Edges } from './edges.ts';
import { NicWatch } from './nic-watch.ts';
import { Observatory } from './observatory.ts';
import { PortLocks } from './port-locks.ts';
import { Pulse } from './pulse.ts';
import { Recheck } from './recheck.ts';
import type { Change } from './reload.ts';

export const controlSocket = (runDir: string): string => join(runDir, 'control.sock');

/** What the daemon is told by its options. */
export interface DaemonConfig {
  readonly master: string | undefined;
  readonly link: LinkSpec;
  readonly stateDir: string;
  readonly runDir: string;
  /** Where VM ports are locked: the same for all daemons of a VM. */
  readonly lockDir: string;
  readonly dockerSocket: string;
  /** How long an attach waits for frames to pass, seconds; 0: it answers as soon as the pair stands. */
  readonly waitSeconds: number;
  readonly holdSeconds: number;
  /** Whether the VM and its own containers are to reach one another. */
  readonly hostAccess: 'on' | 'off';
  /** What the VM translates for its containers; none with host access off. */
  readonly services: Services;
  readonly publishedPorts: 'allow' | 'refuse';
  /** Where on the loopback metrics and health are served besides. */
  readonly metricsListen: string | undefined;
  readonly version: string;
}

/** What the daemon has of who runs it. */
export interface Host {
  /** Sockets that listen already, by path: they are the host's to make and to remove. */
  readonly handed: ReadonlyMap<string, number>;
  readonly reload: ((signal: AbortSignal) => Promise<unknown>) | undefined;
}

const noHost: Host = { handed: new Map(), reload: undefined };

export interface Daemon {
  /** Takes requests until `stop`. @throws SOCKET_TAKEN, METRICS_LISTEN_FAILED */
  start(): Promise<void>;
  /** Takes no more requests, answers those under way, writes the ledger out. Containers keep running. */
  stop(): Promise<void>;
  /** Makes ready that it goes on with these values where an option reloads, and looks at the cloud anew. */
  reload(next: DaemonConfig): Change;
}

/**
 * Wires the whole house. Nothing is asked of the cloud here: a daemon starts, and lets containers stop, while it is down.
 * @throws DAEMON_RUNNING, LEDGER_*
 */
export async function assemble(config: DaemonConfig, edges: Edges, host = noHost): Promise<Daemon> {
  const { kernel } = edges;
  await edges.files.makeFolder(config.stateDir);
  await edges.files.makeFolder(config.runDir);
  await edges.files.makeFolder(config.lockDir);
  const lock = kernel.lock(join(config.stateDir, 'lock'));
  if (lock === undefined) throw new KuryrError('DAEMON_RUNNING', { folder: config.stateDir });
  try {
    return await furnish(config, edges, lock, host);
  } catch (error) {
    lock[Symbol.dispose]();
    throw error;
  }
}

async function furnish(config: DaemonConfig, edges: Edges, lock: Disposable, host: Host): Promise<Daemon> {
  let settings = config;
  const { kernel, neutron, clock, random, logger } = edges;
  const ending = new AbortController();
  const life = ending.signal;
  const observe = new Observatory(clock);
  edges.onCall(observe.call);
  const ledger = observe.watching(await openJournal(join(config.stateDir, 'ledger'), edges.files, logger));

  const records = new Records(ledger);
  const store = new DockerStore(ledger);
  await assertReadable(ledger, records, store);
  const nics = new NeutronNics({ kernel, neutron, ownPorts: edges.ownPorts, master: config.master, logger, life });
  const writers = new PortPairWriters({ neutron, ownership: records, clock, random, logger, observe });
  const locks = new PortLocks(kernel, config.lockDir, writers);
  const ipam = new ExactIpam({ neutron, logger });
  const links = new SlaveLinks(kernel);
  const reach = new PacketReach({ kernel, clock, logger });
  const core = { records, nics, links, ipam, pairs: locks, clock, random, logger, observe, life };
  const addresses = new Addresses(core);
  const guarded = () => guardedAttachments(records);
  const guards = new Guards({ ...core, kernel, folder: guardFolder(config.runDir), attachments: guarded });
  const flips = new FlipWatch({ ...core, kernel, guards, attachments: guarded });
  const boot = kernel.sysctl('host', 'kernel/random/boot_id') ?? '';
  let withdrawn = false;
  const guests = () => (withdrawn ? [] : guestsOf(records, boot));
  const hostAccess = new HostAccess({
    kernel,
    guests,
    logger,
    get on() {
      return settings.hostAccess === 'on';
    },
    get services() {
      return settings.services;
    },
  });
  const attachments = new Attachments({
    ...{ ...core, addresses, guards, hostAccess, boot, reach },
    get waitMs() {
      return settings.waitSeconds * 1000;
    },
  });
  const runtime = new EngineNetworks({ store, askEngine: edges.askEngine, clock });
  const upkeep = new Upkeep({
    ...{ ...core, guards, flips, hostAccess, addresses, attachments, neutron, runtime },
    get holdMs() {
      return settings.holdSeconds * 1000;
    },
  });
  const cloudWatch = new CloudWatch({ ...core, neutron });

  const front = { ...core, store, addresses, attachments, defaultLink: config.link, ...config };
  const sandboxes = new Sandboxes({ kernel, clock, logger, life });
  const plugin = new DockerPlugin({
    ...core,
    network: new NetworkDriver({
      ...front,
      sandboxes,
      get publishedPorts() {
        return settings.publishedPorts;
      },
    }),
    ipam: new IpamDriver(front),
  });
  const { timeline: lives, health } = observe;
  observe.look({ ...core, guards, flips, hostAccess, kernel, attachments, writers, version: config.version });
  const explaining = { ...core, neutron, attachments, reach, lives, health };
  const containers = new EngineContainers(edges.askEngine);
  const control = new Control({
    status: signal => status({ ...core, addresses, attachments, guards, flips, hostAccess, health }, signal),
    explain: async (what, signal) => ({ lives: await explain({ ...explaining, runtime: containers }, what, signal) }),
    lives: () => ({ lives: livesOf(explaining) }),
    metrics: () => observe.meter.text(),
    health: () => health.report(),
    gc: async (dryRun, signal) => ({ cleaned: await upkeep.gc(dryRun, signal) }),
    networkPlan: (request, signal) => networkPlan(nics, request, signal),
    withdraw() {
      withdrawn = true;
      hostAccess.refresh();
    },
    reload: host.reload,
    version: config.version,
    logger,
    clock,
    life,
  });

  const loopback = config.metricsListen === undefined ? [] : [control.loopback(config.metricsListen)];
  const sockets = [control.server(controlSocket(config.runDir)), plugin.server(config.dockerSocket)];
  const recheck = new Recheck({ ...core, ledger, writers, neutron, health });
  const pulse = new Pulse({ ...core, neutron, health, recheck });
  let background: Promise<unknown> = Promise.resolve();
  return {
    async start() {
      const watch = new NicWatch(kernel);
      kernel.onLinkEvent(event => {
        if (watch.concerns(event)) nics.forget();
      }, life);
      guards.start();
      flips.start();
      hostAccess.start(life);
      sandboxes.resume(records.attachments(), boot);
      for (const socket of sockets) await socket.listen(host.handed.get(socket.path));
      for (const server of loopback) await server.listen();
      background = Promise.all([upkeep.run(), cloudWatch.run(), pulse.run()]);
      logger.info({ docker: config.dockerSocket, state: config.stateDir }, 'ready');
    },
    async stop() {
      await stopServing([...sockets, ...loopback]);
      await guards.tidy();
      ending.abort(new KuryrError('DAEMON_STOPPING'));
      writers.close(new KuryrError('DAEMON_STOPPING'));
      await background.catch(() => undefined);
      await closeAll(ledger, lock, locks, edges);
    },
    reload: next => ({
      take() {
        settings = next;
        withdrawn = false;
      },
      follow(renewed) {
        if (renewed) observe.renewed();
        nics.forget();
        hostAccess.refresh();
        pulse.soon();
      },
    }),
  };
}

/**
 * What another version has written otherwise is found before anything is done on the ground of the rest.
 * @throws LEDGER_RECORD_UNREADABLE
 */
async function assertReadable(ledger: Ledger, records: Records, store: DockerStore): Promise<void> {
  try {
    records.holdings();
    records.attachments();
    store.pools();
    store.networks();
  } catch (error) {
    await ledger.close();
    throw error;
  }
}

async function stopServing(servers: readonly { close(): Promise<void> }[]): Promise<void> {
  await Promise.all(servers.map(server => server.close()));
}

async function closeAll(ledger: Ledger, lock: Disposable, locks: Disposable, edges: Edges): Promise<void> {
  await ledger.close();
  locks[Symbol.dispose]();
  lock[Symbol.dispose]();
  await edges.close();
}
