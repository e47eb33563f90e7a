import { asKuryrError, KuryrError } from '../errors/kuryr-error.ts';
import type { Link, SlaveSpec } from '../linux/kernel.ts';
import { holderOf } from '../linux/master-holder.ts';
import type { DoctorContext } from './context.ts';
import type { DaemonState } from './daemon-state.ts';
import type { StandingGuard } from './guard.ts';
import type { Slave } from './slaves.ts';

export type LinkKind = 'ipvlan' | 'macvlan';

/** What is known of links of a kind on a master. */
export type Attempt =
  | { readonly is: 'made'; readonly ms: number }
  | { readonly is: 'standing' | 'blocked'; readonly slaves: readonly Slave[] }
  | { readonly is: 'refused'; readonly error: KuryrError }
  | { readonly is: 'stuck'; readonly name: string; readonly error: KuryrError }
  | { readonly is: 'untried'; readonly why: string };

export type Attempts = Readonly<Record<LinkKind, Attempt>>;

/**
 * Makes a link of each kind, down, and deletes it. Not where links stand: a new ipvlan link sets mode and flag of all on
 * its master, and the other kind is refused. macvlan goes first: it changes nothing, and the kernel refuses it (EBUSY)
 * where ipvlan links stand in a namespace that nobody can look into; so ipvlan is only tried where there are none.
 * Not while a daemon runs: the macvlan link of this moment would make a container's start fail.
 */
export async function attemptLinks(
  context: DoctorContext,
  master: Link,
  {
    slaves,
    guard,
    daemon,
  }: {
    readonly slaves: readonly Slave[];
    readonly guard: StandingGuard | undefined;
    readonly daemon: DaemonState;
  },
): Promise<Attempts> {
  if (slaves.length > 0) return { ipvlan: standing('ipvlan', slaves), macvlan: standing('macvlan', slaves) };
  const links = context.kernel.links('host');
  if (links.some(link => link.ifindex === master.controller)) {
    const refused = (kind: LinkKind): Attempt => {
      const details = { ...holderOf(links, { kind, master: master.ifindex }), reason: 'not tried' };
      return { is: 'refused', error: new KuryrError('MASTER_BUSY', details) };
    };
    return { ipvlan: refused('ipvlan'), macvlan: refused('macvlan') };
  }
  if (daemon.is === 'running') {
    const why = 'a daemon runs, and a container that starts at this moment would be refused its link';
    return { ipvlan: { is: 'untried', why }, macvlan: { is: 'untried', why } };
  }
  if (guard !== undefined) {
    const why = "a guard of Kuryr's stands there, which goes with the last container, or by kuryr gc";
    return { ipvlan: { is: 'untried', why }, macvlan: { is: 'untried', why } };
  }
  const macvlan = await attempt(context, master, 'macvlan');
  if (macvlan.is === 'made') return { ipvlan: await attempt(context, master, 'ipvlan'), macvlan };
  if (macvlan.is === 'refused' && macvlan.error.code === 'NOT_PRIVILEGED') return { ipvlan: macvlan, macvlan };
  const why =
    'a macvlan link could not be made, so ipvlan links out of sight cannot be ruled out, and one more could change their mode';
  return { ipvlan: { is: 'untried', why }, macvlan };
}

function standing(kind: LinkKind, slaves: readonly Slave[]): Attempt {
  const own = slaves.filter(slave => slave.kind === kind);
  return own.length > 0 ? { is: 'standing', slaves: own } : { is: 'blocked', slaves };
}

async function attempt(
  { kernel, clock, random, config }: DoctorContext,
  master: Link,
  kind: LinkKind,
): Promise<Attempt> {
  const [bytes = ''] = random.uuid().split('-').slice(-1);
  const common = {
    name: `kyd${bytes.slice(-8)}`,
    // Above what the kernel gives by itself on a machine with fewer than a billion links.
    ifindex: 1_073_741_824 + Math.floor(random.float() * 1_073_741_823),
    master: master.ifindex,
    mtu: master.mtu,
    alias: 'kuryr doctor',
  };
  // Locally administered, unicast.
  const mac = `02:${(bytes.match(/../g) ?? []).slice(-5).join(':')}`;
  const spec: SlaveSpec =
    kind === 'ipvlan'
      ? { ...common, kind, mode: 'l2', flag: config.link.kind === 'ipvlan' ? config.link.flag : 'bridge' }
      : { ...common, kind, mode: 'bridge', mac };
  const start = clock.monotonic();
  try {
    kernel.createSlave('host', spec);
  } catch (error) {
    return { is: 'refused', error: asKuryrError(error) };
  }
  try {
    // Not the run's signal: also when it is ended here, the link must not stay.
    await kernel.deleteLink('host', common.ifindex, new AbortController().signal);
  } catch (error) {
    return { is: 'stuck', name: common.name, error: asKuryrError(error) };
  }
  return { is: 'made', ms: clock.monotonic() - start };
}
