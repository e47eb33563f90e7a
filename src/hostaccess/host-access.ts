import { isDeepStrictEqual } from 'node:util';
import { asKuryrError, type KuryrError } from '../errors/kuryr-error.ts';
import type { StandingFilter } from '../linux/filters.ts';
import type { Kernel, LinkEvent } from '../linux/kernel.ts';
import type { Logger } from '../observe/logger.ts';
import { AddressRules } from './address-rules.ts';
import { applyChanges, describeRemoval } from './apply.ts';
import { changesOf, keyOf } from './changes.ts';
import { askerRule, shieldOf } from './forgeries.ts';
import { answerRules, clashOf, noServices, type Services, servicesOf } from './services.ts';
import { isOurs, look, type Standing } from './standing.ts';
import { tryAnswers, tryFilters, tryShield } from './trial.ts';
import { type Guest, type MasterState, nothing, type Wanted, wantedOf, wayTo } from './wanted.ts';

export interface HostAccessParts {
  readonly kernel: Kernel;
  /** The containers as they are now. */
  readonly guests: () => readonly Guest[];
  readonly on: boolean;
  /** What the VM translates for its containers; nothing where it is missing, nor with host access off. */
  readonly services?: Services;
  readonly logger: Logger;
}

/** Whether the VM and its containers reach one another. `unused`: no container has asked for it yet. */
export type HostAccessState =
  | { readonly is: 'off' | 'unused' }
  /**
   * `foreign`: what others have in the place of something of ours, in words. `lack`: why services do not reach containers,
   * or not all of them.
   */
  | { readonly is: 'working'; readonly foreign: readonly string[]; readonly lack: KuryrError | undefined }
  | { readonly is: 'lacking'; readonly error: KuryrError };

/**
 * Lets the VM and its own containers reach one another, which ipvlan and macvlan keep apart: rules at the masters' egress,
 * and permanent neighbours and routes, all in the VM's own namespace. It makes the kernel equal to what the containers on
 * record need and touches nothing of others, so it may be killed at any point and goes on. Nothing here throws: an attach
 * does not fail for it.
 */
export class HostAccess {
  readonly #parts: HostAccessParts;
  /** Masters whose rules stand, as they were then. */
  readonly #masters = new Map<number, MasterState>();
  /** Neighbours of ours that stand. */
  readonly #made = new Set<string>();
  readonly #askers = new AddressRules('asker', (master, address) => [askerRule(master, address)]);
  readonly #answers: AddressRules;
  /** Why what containers forge is not kept from the VM; undefined where it is. */
  #shieldFault: KuryrError | undefined;
  /** Those that are served. */
  #services = noServices;
  /** Whether something failed since the last look that came to its end. */
  #isTorn = false;
  #state: HostAccessState;

  constructor(parts: HostAccessParts) {
    this.#parts = parts;
    this.#answers = new AddressRules('ends', (master, address) => answerRules(master, address, this.#services));
    this.#state = { is: parts.on ? 'unused' : 'off' };
  }

  get state(): HostAccessState {
    return this.#state;
  }

  /** Why what containers forge is not kept from the VM; undefined where it is, or need not be. */
  get shieldFault(): KuryrError | undefined {
    return this.#shieldFault;
  }

  /** Takes over what an earlier run left, and follows the masters' MACs and addresses until the signal is aborted. */
  start(life: AbortSignal): void {
    this.refresh();
    const { kernel } = this.#parts;
    kernel.onLinkEvent(event => this.#onLink(event), life);
    kernel.onAddressEvent(() => this.#follow(), life);
  }

  /** For a container whose link was just made: on a master that has others, a request an address for neighbour and route. */
  open(guest: Guest): void {
    const master = this.#masters.get(guest.master);
    if (master === undefined || (guest.kind === 'macvlan' && this.#hasAccess)) this.refresh();
    else this.#guarded(() => this.#openFast(master, guest));
  }

  /** For a container that goes; it is not on record as one that stays any more. */
  close(guest: Guest): void {
    const master = this.#masters.get(guest.master);
    if (master !== undefined && guest.kind !== 'macvlan') this.#guarded(() => this.#closeFast(master, guest));
    // With the last one of a master its rules go.
    const hasOthers = this.#parts.guests().some(other => other.master === guest.master);
    if (!hasOthers || guest.kind === 'macvlan') this.refresh();
  }

  /** Makes the kernel equal to what is needed now. */
  refresh(): void {
    this.#guarded(() => {
      const { kernel, on } = this.#parts;
      const needed = this.#needed();
      const standing = look(kernel);
      const lack = on ? this.#lack(needed, standing) : undefined;
      const shieldLack = this.#shieldLack(needed, standing);
      const access = on && lack === undefined;
      const { services, serviceLack } = this.#served(needed, standing, access);
      const parts = { access, shield: shieldLack === undefined, services };
      const wanted = wantedFor(needed, parts);
      const { changes, foreign } = changesOf(wanted, standing);
      // Before they are made: what fails on the way is looked at anew.
      this.#forget();
      applyChanges(kernel, changes);
      this.#isTorn = false;
      this.#tellShield(shieldLack);
      this.#services = services;
      this.#remember(needed, wanted, standing);
      if (!on) this.#state = { is: 'off' };
      else if (lack !== undefined) this.#tell({ is: 'lacking', error: lack });
      else if (needed.masters.length > 0) this.#tell({ is: 'working', foreign, lack: serviceLack });
      else if (this.#state.is === 'off') this.#state = { is: 'unused' };
    });
  }

  /** What stands that no container needs, in words; `refresh` takes it away. */
  strays(): readonly string[] {
    const wanted = wantedFor(this.#needed(), {
      ...{ access: this.#parts.on, shield: true },
      services: (this.#parts.on ? this.#parts.services : undefined) ?? noServices,
    });
    const { changes } = changesOf(wanted, look(this.#parts.kernel));
    return changes.flatMap(change => describeRemoval(change) ?? []);
  }

  /** Whether neighbours and routes are made: what is lacking is tried again with each look. */
  get #hasAccess(): boolean {
    return this.#state.is !== 'off' && this.#state.is !== 'lacking';
  }

  #openFast(master: MasterState, guest: Guest): void {
    const { kernel } = this.#parts;
    const { neighbours, routes } = wayTo(master, guest);
    if (this.#shieldFault === undefined) applyChanges(kernel, this.#askers.added(master, guest.addresses));
    if (!this.#hasAccess) return;
    applyChanges(kernel, this.#answers.added(master, guest.addresses));
    for (const route of routes) kernel.addRoute('host', route);
    // What stands in its place may be another's: that takes a look.
    const missing = neighbours.filter(neighbour => !this.#made.has(keyOf(neighbour)));
    if (!missing.every(neighbour => kernel.makeNeighbour(neighbour))) this.refresh();
    else for (const neighbour of missing) this.#made.add(keyOf(neighbour));
  }

  #closeFast(master: MasterState, guest: Guest): void {
    const { kernel } = this.#parts;
    const { neighbours, routes } = wayTo(master, guest);
    for (const neighbour of neighbours)
      if (this.#made.delete(keyOf(neighbour))) kernel.removeNeighbour(neighbour.ifindex, neighbour.address);
    if (this.#hasAccess) for (const route of routes) kernel.removeRoute(route);
    applyChanges(kernel, this.#answers.removed(master, guest.addresses));
    if (this.#shieldFault === undefined) applyChanges(kernel, this.#askers.removed(master, guest.addresses));
  }

  #onLink({ type, link }: LinkEvent): void {
    const known = this.#masters.get(link.ifindex);
    if (known !== undefined && (type === 'deleted' || link.mac !== known.mac || link.up !== known.up)) this.refresh();
  }

  /** The kernel renews addresses all the time without changing any. */
  #follow(): void {
    this.#guarded(() => {
      const now = mastersOf(this.#parts.kernel, [...this.#masters.keys()]);
      const isOther = now.some(master => !isDeepStrictEqual(master, this.#masters.get(master.ifindex)));
      // An address that was tentative when it was to be a source tells of itself once more.
      if (isOther || this.#isTorn) this.refresh();
    });
  }

  /** Rules that stand are proof enough; elsewhere it is tried before the first ones are made. */
  #lack(needed: Needed, standing: Standing): KuryrError | undefined {
    for (const { ifindex } of needed.masters) {
      if (this.#masters.has(ifindex) && this.#hasAccess) continue;
      const stands = standing.filters.get(ifindex)?.some(each => isOurs(each) && each.hook === 'egress') === true;
      const lack =
        stands && !needed.withMacs ? undefined : tryFilters(this.#parts.kernel.filters, ifindex, needed.withMacs);
      if (lack !== undefined) return lack;
    }
    return undefined;
  }

  /** What keeps the shield from standing on one of the masters. */
  #shieldLack({ masters, guests }: Needed, standing: Standing): KuryrError | undefined {
    for (const { ifindex, name } of masters) {
      if (!guests.some(({ master, kind }) => master === ifindex && kind === 'ipvlan')) continue;
      if (standing.filters.get(ifindex)?.some(each => isOurs(each) && each.hook === 'ingress' && !isTranslation(each)))
        continue;
      const lack = tryShield(this.#parts.kernel.filters, { ifindex, name });
      if (lack !== undefined) return lack;
    }
    return undefined;
  }

  /** The services that can be had, and what keeps others away. */
  #served({ masters }: Needed, standing: Standing, access: boolean) {
    const { kernel, services = noServices } = this.#parts;
    if (!access) return { services: noServices, serviceLack: undefined };
    const clash = clashOf(masters, services);
    if (clash !== undefined) return { services: noServices, serviceLack: clash };
    const untried = masters.filter(
      ({ ifindex }) => !standing.filters.get(ifindex)?.some(each => isOurs(each) && isTranslation(each)),
    );
    const [first] = services.backends.length === 0 ? [] : untried;
    const serviceLack = first && tryAnswers(kernel.filters, first);
    return { services: serviceLack === undefined ? services : { ...services, backends: [] }, serviceLack };
  }

  #needed(): Needed {
    const { kernel, guests } = this.#parts;
    const served = guests();
    const masters = served.length === 0 ? [] : mastersOf(kernel, [...new Set(served.map(({ master }) => master))]);
    const withMacs = served.some(({ kind }) => kind === 'macvlan');
    return { guests: served, masters, withMacs };
  }

  #remember({ masters }: Needed, wanted: Wanted, before: Standing): void {
    for (const master of masters) this.#masters.set(master.ifindex, master);
    this.#askers.know(wanted.rules);
    this.#answers.know(wanted.rules);
    for (const neighbour of wanted.neighbours) this.#made.add(keyOf(neighbour));
    for (const other of before.neighbours) if (!isOurs(other)) this.#made.delete(keyOf(other));
  }

  /** What stands is looked at anew before it is relied on. */
  #forget(): void {
    this.#masters.clear();
    this.#made.clear();
  }

  #tell(next: HostAccessState): void {
    const { logger } = this.#parts;
    const before = this.#state;
    this.#state = next;
    if (next.is === 'lacking') {
      const { code, message, text } = next.error;
      if (before.is !== 'lacking' || before.error.text !== text) logger.warn({ code }, message);
    } else if (next.is === 'working') {
      if (before.is !== 'working') logger.info({}, 'the VM and its own containers reach one another');
      const { lack } = next;
      if (lack !== undefined && (before.is !== 'working' || before.lack?.text !== lack.text))
        logger.warn({ code: lack.code }, lack.message);
      for (const what of next.foreign)
        if (before.is !== 'working' || !before.foreign.includes(what))
          logger.warn({}, `${what} is not Kuryr's and is left as it is: the VM may not reach that container`);
    }
  }

  #tellShield(fault: KuryrError | undefined): void {
    if (fault !== undefined && fault.text !== this.#shieldFault?.text)
      this.#parts.logger.warn({ code: fault.code }, fault.message);
    this.#shieldFault = fault;
  }

  #guarded(work: () => void): void {
    try {
      work();
    } catch (thrown) {
      const { code, message } = asKuryrError(thrown);
      this.#forget();
      this.#isTorn = true;
      this.#parts.logger.warn({ code }, `the way between the VM and its containers could not be set: ${message}`);
    }
  }
}

const isTranslation = ({ filter }: StandingFilter) => filter?.action.do === 'translate';

interface Needed {
  readonly guests: readonly Guest[];
  readonly masters: readonly MasterState[];
  /** Whether containers have MACs of their own. */
  readonly withMacs: boolean;
}

/** What is wanted: that the VM and its containers reach one another, that what they forge is dropped, and services. */
interface Aims {
  readonly access: boolean;
  readonly shield: boolean;
  readonly services: Services;
}

function wantedFor({ masters, guests }: Needed, { access, shield, services }: Aims): Wanted {
  const wanted = access ? wantedOf(masters, guests) : nothing;
  const guarded = shield ? shieldOf(masters, guests) : [];
  return { ...wanted, rules: [...wanted.rules, ...servicesOf(masters, guests, services), ...guarded] };
}

function mastersOf(kernel: Kernel, ifindexes: readonly number[]): readonly MasterState[] {
  const addresses = kernel.addresses('host').filter(({ linkLocal }) => !linkLocal);
  return kernel
    .links('host')
    .filter(({ ifindex }) => ifindexes.includes(ifindex))
    .map(({ ifindex, name, mac, up }) => ({
      ifindex,
      name,
      mac,
      up,
      addresses: addresses.filter(each => each.ifindex === ifindex),
    }));
}
