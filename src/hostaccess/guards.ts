import { asKuryrError, KuryrError } from '../errors/kuryr-error.ts';
import type { Kernel } from '../linux/kernel.ts';
import type { Nic } from '../nic/nic.ts';
import type { Logger } from '../observe/logger.ts';
import type { Clock } from '../time/clock.ts';
import type { GuardedAttachment, Post, StrayGuard } from './guard-post.ts';
import { GuardSlave } from './guard-slave.ts';
import { foreignGatewaysOf, gatewaysOf, ownAddresses } from './reserved.ts';
import { guardsElsewhere, hasContainers, standingGuards } from './standing-guards.ts';

export interface GuardsParts {
  readonly kernel: Kernel;
  /** Where the guards' namespaces are kept, on a file system that a reboot empties. */
  readonly folder: string;
  readonly attachments: () => readonly GuardedAttachment[];
  readonly clock: Clock;
  readonly logger: Logger;
  readonly life: AbortSignal;
}

/** How long after a detach is looked for guards without attachments, milliseconds: many go together. */
const TIDY_MS = 1000;

/**
 * A guard for each ipvlan master that carries attachments: a slave of the same master, down, in a namespace that nobody is in.
 * It holds the VM's addresses and the gateways', so that the kernel refuses them to every container (EADDRINUSE). The
 * namespace outlives the daemon. Nothing here fails an attach: what could not be done is told by log, status and doctor.
 */
export class Guards {
  readonly #parts: GuardsParts;
  readonly #posts = new Map<number, Post>();
  #turn: Promise<void> = Promise.resolve();
  #tidying = false;

  constructor(parts: GuardsParts) {
    this.#parts = parts;
  }

  get posts(): readonly Post[] {
    return [...this.#posts.values()];
  }

  /**
   * Goes on with what an earlier run left standing, without asking the cloud, and follows the VM's addresses until the
   * daemon ends.
   */
  start(): void {
    const { kernel, life } = this.#parts;
    this.#trying('read the guards of an earlier run', () => this.#adopt());
    this.#trying("listen to the VM's addresses", () => kernel.onAddressEvent(() => this.refresh(), life));
  }

  #adopt(): void {
    const attachments = this.#parts.attachments();
    this.#trying('take over a guard', () => this.#takeOver(attachments.map(({ vmPort }) => vmPort)));
    const masters = new Map(this.#parts.kernel.links('host').map(link => [link.ifindex, link]));
    for (const { path, link } of standingGuards(this.#parts.kernel, this.#parts.folder)) {
      const master = masters.get(link?.master ?? 0);
      const spec = attachments.find(({ vmPort }) => vmPort === link?.alias)?.spec;
      if (link === undefined || master === undefined || spec?.kind !== 'ipvlan') continue;
      const slave = new GuardSlave(this.#parts.kernel, path, master);
      const gateways = foreignGatewaysOf(this.#parts.kernel, { path }, master.ifindex);
      const own = ownAddresses(this.#parts.kernel, master.ifindex);
      const post = { slave, vmPort: link.alias, nic: undefined, flag: spec.flag, own, gateways, fault: undefined };
      this.#posts.set(master.ifindex, post);
      this.#putRight(post);
    }
  }

  /**
   * What a daemon with another run folder left for these VM ports is this one's: no two serve one port. It goes on standing
   * under its new path; otherwise it would keep its addresses from the next one.
   */
  #takeOver(vmPorts: readonly string[]): void {
    const { kernel, folder } = this.#parts;
    for (const { path, link } of guardsElsewhere(kernel, folder)) {
      if (!vmPorts.includes(link.alias)) continue;
      const own = this.#pathOf(link.master);
      // Behind both after a move that was interrupted.
      if (kernel.exists({ path: own })) kernel.dropNetns(path);
      else kernel.moveNetns(path, own);
    }
  }

  /**
   * Sees to it that a guard stands on the NIC's master, before a link of the attachment goes up. Resolves at once where it
   * does already; never rejects.
   */
  async stand(nic: Nic, attachment: Pick<GuardedAttachment, 'spec' | 'addresses'>): Promise<void> {
    try {
      await this.#stand(nic, attachment);
    } catch (thrown) {
      const { code, message } = this.#failed(nic.master.name, thrown);
      this.#parts.logger.warn({ master: nic.master.name, code }, message);
    }
  }

  #stand(nic: Nic, { spec, addresses }: Pick<GuardedAttachment, 'spec' | 'addresses'>): Promise<void> {
    if (spec.kind !== 'ipvlan') return Promise.resolve();
    const { master } = nic;
    const known = this.#posts.get(master.ifindex);
    const isInTheWay = addresses.some(address => known?.gateways.includes(address));
    if (known?.nic === nic && known.flag === spec.flag && known.fault === undefined && !isInTheWay) return this.#turn;
    if (known === undefined) this.#trying('take over a guard', () => this.#takeOver([nic.port.id]));
    const slave = known?.slave ?? new GuardSlave(this.#parts.kernel, this.#pathOf(master.ifindex), master);
    const own = ownAddresses(this.#parts.kernel, master.ifindex);
    const post = { slave, vmPort: nic.port.id, nic, flag: spec.flag, own, gateways: gatewaysOf(nic), fault: undefined };
    // At once: mode and flag are what was just asked for, whoever looks meanwhile.
    this.#posts.set(master.ifindex, post);
    return this.#inTurn(async () => this.#putRight(this.#posts.get(master.ifindex)));
  }

  /** macvlan cannot stand beside ipvlan, nor beside a guard that has outlived its attachments. */
  async makeWay(nic: Nic): Promise<void> {
    const path = this.#pathOf(nic.master.ifindex);
    if (this.#parts.kernel.keptNetns(this.#parts.folder).some(kept => kept.path === path)) await this.#retire(path);
  }

  /** The VM's addresses on a master are these now. */
  follow(master: number, addresses: readonly string[]): void {
    const post = this.#posts.get(master);
    if (post !== undefined) this.#putRight({ ...post, own: addresses });
  }

  /** Looks after each guard: whether it stands, and holds what it should. */
  refresh(): void {
    this.#trying('look after the guards', () => {
      for (const { slave } of this.posts)
        this.follow(slave.master.ifindex, ownAddresses(this.#parts.kernel, slave.master.ifindex));
    });
  }

  /** Guards whose master has no attachment, neither on record nor seen in any namespace. */
  strays(): readonly StrayGuard[] {
    const standing = standingGuards(this.#parts.kernel, this.#parts.folder);
    if (standing.length === 0) return [];
    const guarded = new Set(
      this.#parts
        .attachments()
        .filter(({ spec }) => spec.kind === 'ipvlan')
        .map(({ vmPort }) => vmPort),
    );
    const names = new Map(this.#parts.kernel.links('host').map(link => [link.ifindex, link.name]));
    return standing
      .filter(
        ({ link }) =>
          link === undefined || (!guarded.has(link.alias) && !hasContainers(this.#parts.kernel, link.master)),
      )
      .map(({ path, link }) => ({ path, master: names.get(link?.master ?? 0) ?? path.split('/').at(-1) ?? path }));
  }

  /** Takes a guard away that is still a stray. */
  retire(path: string): Promise<void> {
    return this.#inTurn(async () => {
      if (this.strays().some(stray => stray.path === path)) await this.#remove(path);
    });
  }

  /** Takes away what is a stray by then, a moment later. */
  tidySoon(): void {
    if (this.#tidying) return;
    this.#tidying = true;
    const { clock, life } = this.#parts;
    const tidy = () => {
      this.#tidying = false;
      if (!life.aborted) void this.tidy();
    };
    clock.sleep(TIDY_MS, life).then(tidy, tidy);
  }

  /** Takes away every stray; before the daemon stops too, since nobody would later. */
  async tidy(): Promise<void> {
    try {
      for (const { path } of this.strays()) await this.retire(path);
    } catch (thrown) {
      const { code, message } = asKuryrError(thrown);
      this.#parts.logger.warn({ code }, `a guard without attachments could not be removed: ${message}`);
    }
  }

  #retire(path: string): Promise<void> {
    return this.retire(path).catch((thrown: unknown) => {
      const { code, message } = asKuryrError(thrown);
      this.#parts.logger.warn({ code }, `a guard is in the way and could not be removed: ${message}`);
    });
  }

  async #remove(path: string): Promise<void> {
    const { kernel, life } = this.#parts;
    const link = standingGuards(this.#parts.kernel, this.#parts.folder).find(each => each.path === path)?.link;
    for (const [ifindex, { slave }] of this.#posts) if (slave.path === path) this.#posts.delete(ifindex);
    // By itself first: whoever copied the mount, a service with mounts of its own say, keeps the namespace.
    if (link !== undefined) await kernel.deleteLink({ path }, link.ifindex, life);
    kernel.dropNetns(path);
  }

  /** Makes the guard hold what it should, and tells what is new about that. */
  #putRight(post: Post | undefined): void {
    if (post === undefined) return;
    const { master } = post.slave;
    const had = this.#posts.get(master.ifindex)?.fault;
    const fault = this.#tryToPutRight(post);
    this.#posts.set(master.ifindex, { ...post, fault });
    if (fault !== undefined && fault.message !== had?.message)
      this.#parts.logger.warn({ master: master.name, code: fault.code, ...fault.details }, fault.message);
  }

  #tryToPutRight({ slave, vmPort, flag, own, gateways }: Post): KuryrError | undefined {
    try {
      const taken = new Set(this.#parts.attachments().flatMap(({ addresses }) => addresses));
      slave.ensure(vmPort, flag);
      const missing = slave.hold([...new Set([...own, ...gateways])].filter(address => !taken.has(address)));
      if (missing.length === 0) return undefined;
      return new KuryrError('GUARD_INCOMPLETE', { master: slave.master.name, addresses: missing.join(', ') });
    } catch (thrown) {
      return this.#failed(slave.master.name, thrown);
    }
  }

  #trying(what: string, act: () => void): void {
    try {
      act();
    } catch (thrown) {
      const { code, message } = asKuryrError(thrown);
      this.#parts.logger.warn({ code }, `could not ${what}: ${message}`);
    }
  }

  #failed(master: string, thrown: unknown): KuryrError {
    const reason = asKuryrError(thrown).text.replace(/\.$/, '');
    return new KuryrError('GUARD_FAILED', { master, reason }, { cause: thrown });
  }

  #pathOf(master: number): string {
    return `${this.#parts.folder}/${master}`;
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => undefined);
    return result;
  }
}
