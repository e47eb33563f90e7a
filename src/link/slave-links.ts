import { isKuryrError, KuryrError } from '../errors/kuryr-error.ts';
import type { Kernel, Link, Netns, SlaveSpec } from '../linux/kernel.ts';
import type { LinkRequest, Links, LinkTrace } from './link-kind.ts';
import { describeLinkSpec } from './link-spec.ts';

/** Ifindexes of Kuryr's links begin here, far above those the kernel counts up itself. */
export const FIRST_IFINDEX = 0x4b000000;

const NAME_PREFIX = 'ky';
/** What linkName makes of every ifindex that Kuryr chooses: six digits of base 36. */
const OWN_NAME = /^ky[0-9a-z]{6}$/;

type LinksKernel = Pick<Kernel, 'links' | 'createSlave' | 'setLink' | 'deleteLink' | 'addresses' | 'namespaces'>;

/** The temporary name, in the host's netns, of the link with that ifindex: at most 8 of the 15 bytes a name may have. */
export function linkName(ifindex: number): string {
  return `${NAME_PREFIX}${ifindex.toString(36)}`;
}

/** Containers' links as ipvlan or macvlan slaves of a master. */
export class SlaveLinks implements Links {
  readonly #kernel: LinksKernel;
  /** Masters, by ifindex, on which a slave of that mode and flag was made and nothing clashed. */
  readonly #modes = new Map<number, string>();

  constructor(kernel: LinksKernel) {
    this.#kernel = kernel;
  }

  /**
   * When the mode that was read back is not the one asked for, MODE_CLASH is thrown and the link stands, down, until
   * `remove`: deleting it waits for the kernel.
   */
  create(request: LinkRequest): Link {
    const spec = slaveSpec(request);
    const links = this.#kernel.links('host');
    const standing = links.find(link => link.ifindex === request.ifindex);
    if (standing !== undefined) return this.#take(standing, spec);
    const sibling = links.find(link => isAtHome(link) && clashes(link, spec)) ?? this.#clashElsewhere(spec);
    if (sibling !== undefined) throw modeClash(request.nic.master.name, sibling, spec);
    const made = this.#kernel.createSlave('host', spec);
    if (!sameMode(made, spec)) throw modeClash(request.nic.master.name, made, spec);
    this.#modes.set(spec.master, describeLinkSpec(spec));
    return made;
  }

  async remove(trace: LinkTrace, signal: AbortSignal): Promise<void> {
    const found = this.#search(trace);
    if (found !== undefined) await this.#kernel.deleteLink(found.netns, found.link.ifindex, signal);
  }

  find(trace: LinkTrace): 'host' | 'sandbox' | undefined {
    const found = this.#search(trace);
    if (found === undefined) return undefined;
    return found.netns === 'host' ? 'host' : 'sandbox';
  }

  addressesInUse(): ReadonlySet<string> {
    const used = new Set<string>();
    for (const { netns, slaves } of this.#everywhere()) {
      const ifindexes = new Set(slaves.map(link => link.ifindex));
      const held = unlessGone(() => this.#kernel.addresses(netns)) ?? [];
      for (const { ifindex, address } of held) if (ifindexes.has(ifindex)) used.add(address);
    }
    return used;
  }

  ours(): readonly Link[] {
    return this.#kernel
      .links('host')
      .filter(link => isAtHome(link) && OWN_NAME.test(link.name))
      .filter(link => link.alias !== '' || link.name === linkName(link.ifindex));
  }

  /** A link that an earlier, interrupted call made. */
  #take(link: Link, spec: SlaveSpec): Link {
    const ours = link.kind === spec.kind && link.master === spec.master && isAtHome(link);
    if (!ours || (link.alias !== spec.alias && link.alias !== '')) {
      const { name, ifindex } = spec;
      throw new KuryrError('LINK_TAKEN', { name, ifindex, found: link.name, kind: link.kind || 'plain' });
    }
    if (!sameMode(link, spec)) throw modeClash(this.#nameOf(spec.master), link, spec);
    if (link.alias === spec.alias) return link;
    // Killed between the two messages that make a link and name its owner.
    this.#kernel.setLink('host', link.ifindex, { alias: spec.alias, dormant: true });
    return { ...link, alias: spec.alias };
  }

  /**
   * A slave of the master, in a container, that the new one would flip. All namespaces are searched, but only before the
   * first slave with this mode and flag.
   */
  #clashElsewhere(spec: SlaveSpec): Link | undefined {
    if (spec.kind !== 'ipvlan' || this.#modes.get(spec.master) === describeLinkSpec(spec)) return undefined;
    for (const { netns, slaves } of this.#everywhere()) {
      const clashing = netns === 'host' ? undefined : slaves.find(link => clashes(link, spec));
      if (clashing !== undefined) return clashing;
    }
    return undefined;
  }

  /** The slaves in the host's netns, and those in every other that were moved there. */
  *#everywhere(): Generator<{ readonly netns: Netns; readonly slaves: readonly Link[] }> {
    yield { netns: 'host', slaves: this.#kernel.links('host').filter(isAtHome) };
    for (const netns of this.#kernel.namespaces()) {
      const slaves = unlessGone(() => this.#kernel.links(netns).filter(isMoved)) ?? [];
      if (slaves.length > 0) yield { netns, slaves };
    }
  }

  #nameOf(ifindex: number): string {
    return this.#kernel.links('host').find(link => link.ifindex === ifindex)?.name ?? String(ifindex);
  }

  #search(trace: LinkTrace): { readonly netns: Netns; readonly link: Link } | undefined {
    const atHome = findAtHome(this.#kernel.links('host'), trace);
    if (atHome !== undefined) return { netns: 'host', link: atHome };
    if (trace.sandbox === undefined) return undefined;
    const netns = { path: trace.sandbox };
    const link = unlessGone(() => this.#findInSandbox(netns, trace));
    return link === undefined ? undefined : { netns, link };
  }

  /**
   * In a sandbox the ifindex that we chose, on a slave whose master is elsewhere, is the proof. The kernel gives another
   * ifindex only where the sandbox had a link with that one; then alias, MAC and addresses are hints, in this order. A
   * container can write them, but what it gains is that a link of its own is deleted.
   */
  #findInSandbox(netns: Netns, trace: LinkTrace): Link | undefined {
    const slaves = this.#kernel.links(netns).filter(isMoved);
    const proven = slaves.find(link => link.ifindex === trace.ifindex);
    if (proven !== undefined) return proven;
    const hinted =
      slaves.find(link => link.alias === trace.id) ??
      slaves.find(link => link.kind === 'macvlan' && link.mac === trace.mac);
    if (hinted !== undefined || slaves.length === 0 || trace.addresses.length === 0) return hinted;
    const held = this.#kernel.addresses(netns).filter(({ address }) => trace.addresses.includes(address));
    return slaves.find(link => held.some(({ ifindex }) => ifindex === link.ifindex));
  }
}

/**
 * In the host's netns another program may have a link with any ifindex, so name or alias must agree too. A link that the
 * runtime moved back may have another ifindex; its alias and name prefix tell it then.
 */
function findAtHome(links: readonly Link[], trace: LinkTrace): Link | undefined {
  const slaves = links.filter(isAtHome);
  return (
    slaves.find(link => link.ifindex === trace.ifindex && (link.name === trace.name || link.alias === trace.id)) ??
    slaves.find(link => link.alias === trace.id && link.name === trace.name)
  );
}

function slaveSpec({ nic, spec, name, ifindex, mtu, id, mac }: LinkRequest): SlaveSpec {
  const common = { name, ifindex, master: nic.master.ifindex, mtu, alias: id };
  return spec.kind === 'ipvlan' ? { ...common, ...spec } : { ...common, ...spec, mac };
}

/** What is read in a namespace; undefined when that has ended, and its links with it. */
function unlessGone<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (isKuryrError(error, 'NETNS_GONE')) return undefined;
    throw error;
  }
}

/** A slave that is in its master's netns, the host's. */
function isAtHome(link: Link): boolean {
  return isSlave(link) && !link.masterElsewhere;
}

/** A slave that was moved away from its master. */
function isMoved(link: Link): boolean {
  return isSlave(link) && link.masterElsewhere;
}

function isSlave(link: Link): boolean {
  return link.kind === 'ipvlan' || link.kind === 'macvlan';
}

function sameMode(link: Link, spec: SlaveSpec): boolean {
  return link.mode === spec.mode && (spec.kind !== 'ipvlan' || link.flag === spec.flag);
}

/** Whether making the slave would change the mode or flag of that link: both are the master's, for all its ipvlan slaves. */
function clashes(link: Link, spec: SlaveSpec): boolean {
  if (spec.kind !== 'ipvlan' || link.kind !== 'ipvlan') return false;
  return link.master === spec.master && !sameMode(link, spec);
}

function modeClash(master: string, standing: Link, spec: SlaveSpec): KuryrError {
  return new KuryrError('MODE_CLASH', {
    master,
    kind: standing.kind,
    standing: describeLinkSpec(standing),
    wanted: describeLinkSpec(spec),
  });
}
