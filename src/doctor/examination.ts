import { KuryrError } from '../errors/kuryr-error.ts';
import type { Link } from '../linux/kernel.ts';
import { masterView } from '../nic/masters.ts';
import type { Nic } from '../nic/nic.ts';
import type { Port } from '../openstack/neutron.ts';
import type { Credential, DoctorCloud, DoctorContext } from './context.ts';
import { askDaemon, type DaemonState } from './daemon-state.ts';
import { guardOf, type StandingGuard } from './guard.ts';
import { type Attempts, attemptLinks } from './link-attempts.ts';
import { type Slave, slavesOf } from './slaves.ts';
import { once } from './unmet.ts';

/**
 * One run of doctor: the context, and the facts that several checks need, each asked once. A fact that cannot be had
 * rejects with Unmet, which names the check that reports why.
 */
export interface Examination {
  readonly context: DoctorContext;
  cloud(): Promise<DoctorCloud>;
  credential(): Promise<Credential>;
  extensions(): Promise<ReadonlySet<string>>;
  /** The configured master, or that of the default route: what the kernel alone says. */
  master(): Promise<Link>;
  /** The NICs that are on Neutron, the master's first. */
  nics(): Promise<readonly Nic[]>;
  /** The master and those of the other NICs, as far as the cloud tells them. */
  masters(): Promise<readonly Link[]>;
  /** The VM port as it stands now. */
  port(nic: Nic): Promise<Port>;
  /** The VM port's reservations. */
  reservations(nic: Nic): Promise<readonly Port[]>;
  /** ipvlan and macvlan links on the master, in every namespace that can be looked into. */
  slaves(master: Link): Promise<readonly Slave[]>;
  /** The guard that stands on the master. */
  guard(master: Link): Promise<StandingGuard | undefined>;
  /** What making a link of each kind came to. */
  attempts(master: Link): Promise<Attempts>;
  daemon(): Promise<DaemonState>;
}

/** Nothing is asked before somebody wants to know. */
export function examine(context: DoctorContext, signal: AbortSignal): Examination {
  const { kernel, config } = context;
  const cloud = once('credential', () => context.openCloud(signal));
  const master = once('master', async () => findMaster(context));
  const credential = once('credential', async () => (await cloud()).credential(signal));
  const extensions = once('neutron', async () => {
    await credential();
    return (await cloud()).neutron.extensions(signal);
  });
  const nics = once('vm-port', async () => {
    await extensions();
    const { nics: known } = await cloud();
    const query = config.master === undefined ? {} : { master: config.master };
    const first = await known.find(query, signal);
    const rest = (await known.all(signal)).filter(nic => nic.port.id !== first.port.id);
    return [first, ...rest];
  });
  const slaves = each('master', (of: Link) => slavesOf(context, of));
  const guard = each('master', (of: Link) => guardOf(context, of));
  const daemon = once('daemon', () => askDaemon(context, signal));
  return {
    ...{ context, cloud, credential, extensions, master, nics, slaves, guard, daemon },
    masters: once('master', async () => {
      const first = await master();
      const others = (await nics().catch(() => [])).map(nic => nic.master.ifindex);
      return [
        first,
        ...kernel.links('host').filter(({ ifindex }) => ifindex !== first.ifindex && others.includes(ifindex)),
      ];
    }),
    port: each('vm-port', async (nic: Nic) => (await cloud()).neutron.port(nic.port.id, signal)),
    reservations: each('reservations', async (nic: Nic) => (await cloud()).ipam.list(nic.port.id, signal)),
    attempts: each('master', async (of: Link) =>
      attemptLinks(context, of, { slaves: await slaves(of), guard: await guard(of), daemon: await daemon() }),
    ),
  };
}

/** A fact about each of several things. */
function each<K extends object, T>(owner: string, ask: (of: K) => Promise<T>): (of: K) => Promise<T> {
  const asked = new Map<K, () => Promise<T>>();
  return of => {
    const fact = asked.get(of) ?? once(owner, () => ask(of));
    asked.set(of, fact);
    return fact();
  };
}

/**
 * The configured master, else that of the default route, else the only NIC.
 * @throws MASTER_UNKNOWN, MASTER_AMBIGUOUS
 */
function findMaster({ kernel, config }: DoctorContext): Link {
  const links = kernel.links('host');
  const view = masterView(kernel, new Set(config.master === undefined ? [] : [config.master]));
  const fit = view.masters.map(({ name }) => name);
  const byRoute = view.defaults.map(names => names.filter(name => fit.includes(name))).find(names => names.length > 0);
  const [name, another] = config.master === undefined ? (byRoute ?? fit) : [config.master];
  if (another !== undefined) {
    throw new KuryrError('MASTER_AMBIGUOUS', { query: 'the default route', choices: byRoute ?? fit });
  }
  const link = links.find(each => each.name === name);
  if (link === undefined) throw new KuryrError('MASTER_UNKNOWN', { master: name ?? 'with an address', choices: fit });
  return link;
}
