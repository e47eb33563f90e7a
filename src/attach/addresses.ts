import { canonical } from '../address/address.ts';
import { asKuryrError, isKuryrError, KuryrError } from '../errors/kuryr-error.ts';
import { type Ipam, type Reservation, reservationName } from '../ipam/ipam.ts';
import type { LinkSpec } from '../link/link-kind.ts';
import type { Nic, Nics } from '../nic/nic.ts';
import type { Logger } from '../observe/logger.ts';
import type { Observe } from '../observe/observe.ts';
import { abortable } from '../openstack/deadline.ts';
import type { Subnet } from '../openstack/neutron.ts';
import type { Pair, PairWriters } from '../pairs/pair-writer.ts';
import type { Clock } from '../time/clock.ts';
import type { Random } from '../time/random.ts';
import { Lanes } from './lanes.ts';
import type { Holding, Records } from './records.ts';

export interface HoldRequest {
  readonly nic: Nic;
  readonly subnet: Subnet;
  readonly group: string;
  readonly purpose: Holding['purpose'];
  /** The address wanted; any when left out. */
  readonly address?: string | undefined;
  /** The kind of link to come, when it is known: an ipvlan pair can be written at once. */
  readonly spec?: LinkSpec | undefined;
}

export interface AddressesParts {
  readonly records: Records;
  readonly nics: Pick<Nics, 'belongs'>;
  readonly ipam: Ipam;
  readonly pairs: PairWriters;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly observe: Observe;
  /** Ends the work in the background. */
  readonly life: AbortSignal;
}

/** How long after a POST with a lost answer its port may still turn up in a list, milliseconds: the client's own deadline. */
const LOST_POST_MS = 30_000;

/** A release that failed so often, after some 15 s, is told as a problem. */
const STUCK_AFTER = 3;

/** Addresses on their way from Neutron to a container and back: reserved, permitted, given back. */
export class Addresses {
  readonly #parts: AddressesParts;
  /** Pairs being written, or standing since this start, by holding. */
  readonly #permits = new Map<string, Promise<void>>();
  /** Holdings whose reservation is being deleted right now: too late to take them back. */
  readonly #deleting = new Map<string, Promise<void>>();
  readonly #releases = new Map<string, Promise<void>>();
  /** Those that failed more than a few times. */
  readonly #stuckReleases = new Set<string>();
  /** Two requests for one address must not share a holding that is still on its way. */
  readonly #wanted = new Lanes();

  constructor(parts: AddressesParts) {
    this.#parts = parts;
  }

  /**
   * Reserves an address and, where its pair is known, starts permitting it. Provisional until an attachment names it.
   * A wanted address that a repeat of the same request reserved, or that is on its way back, is taken as it is.
   * @throws what Ipam.reserve throws
   */
  hold(request: HoldRequest, signal: AbortSignal): Promise<Held> {
    const { nic, subnet, address } = request;
    if (address === undefined) return this.#hold(request, signal);
    return this.#wanted.take(`${nic.port.id} ${subnet.id} ${canonical(address)}`, () => this.#hold(request, signal));
  }

  async #hold(request: HoldRequest, signal: AbortSignal): Promise<Held> {
    const found = request.address === undefined ? undefined : this.#known(request, request.address);
    const deletion = found && this.#deleting.get(found.name);
    if (deletion !== undefined) await deletion;
    // Else no turn passes before it is taken back, in which a release could begin to delete it.
    const known = deletion === undefined ? found : undefined;
    const held =
      known !== undefined && isHeld(known)
        ? await this.#takeBack(known, request)
        : await this.#reserve(request, known, signal);
    if (held.pair !== undefined) this.permit(held);
    return held;
  }

  /** Starts writing the holding's pair, which the ledger has by now. */
  permit(holding: Held): void {
    const { pairs, life, observe } = this.#parts;
    const { name, pair } = holding;
    if (pair === undefined)
      throw new KuryrError('LEDGER_RECORD_UNREADABLE', { key: `address/${holding.name}`, reason: 'it has no pair' });
    const permit = observe.timeline.step(
      [name],
      'permit',
      () => pairs.of(holding.vmPort).add(pair, life),
      () => ({ details: { address: pair.address } }),
    );
    permit.catch(() => undefined);
    this.#permits.set(name, permit);
  }

  /** As permit, unless that is under way or done. */
  ensurePermit(holding: Held): void {
    if (!this.#permits.has(holding.name)) this.permit(holding);
  }

  /** Resolves when the holding's pair stands; a failure is told once, the next call tries again. @throws as PairWriter.add */
  async permitted(holding: Held, signal: AbortSignal): Promise<void> {
    this.ensurePermit(holding);
    const permit = this.#permits.get(holding.name);
    try {
      if (permit !== undefined) await abortable(permit, signal);
    } catch (error) {
      if (!signal.aborted && this.#permits.get(holding.name) === permit) this.#permits.delete(holding.name);
      throw error;
    }
  }

  /** Takes away the pair that the ledger has of the holding; resolves when it is gone. */
  async forbid({ name, vmPort, pair }: Held, signal: AbortSignal): Promise<void> {
    const { pairs, life, observe } = this.#parts;
    this.#permits.delete(name);
    if (pair === undefined) return;
    const gone = observe.timeline.step([name], 'forbid', () => pairs.of(vmPort).remove(pair, life));
    await abortable(gone, signal);
  }

  /** Whether the pair is known to stand since this start. */
  async isPermitted(holding: Holding): Promise<boolean> {
    const permit = this.#permits.get(holding.name);
    if (permit === undefined) return false;
    return Promise.race([permit.then(() => true), Promise.resolve(false)]).catch(() => false);
  }

  /** Gives back what is given up already in the ledger: pair away, then the reservation; in the background, until done. */
  release(name: string): void {
    if (this.#releases.has(name)) return;
    const done = this.#release(name).finally(() => this.#releases.delete(name));
    this.#releases.set(name, done);
  }

  /** Marks the holdings as given up and starts releasing them. Durable when it resolves. */
  async end(holdings: readonly Holding[]): Promise<void> {
    const going = holdings.filter(holding => !holding.ending);
    if (going.length > 0) await this.#parts.records.save({ holdings: going.map(ending) });
    for (const holding of holdings) this.release(holding.name);
  }

  /** As end, of all that the front's pools hold and no attachment has. */
  endGroups(groups: readonly string[]): Promise<void> {
    const held = this.#parts.records.holdings();
    return this.end(held.filter(({ group, attachment }) => groups.includes(group) && attachment === undefined));
  }

  /** Resolves when nothing is on its way back, or the signal is aborted. */
  async settled(signal: AbortSignal): Promise<void> {
    while (this.#releases.size > 0 && !signal.aborted) {
      await Promise.race([Promise.allSettled([...this.#releases.values()]), aborted(signal)]);
    }
  }

  /** After a start: goes on with what was under way. */
  recover(): void {
    for (const holding of this.#parts.records.holdings()) if (holding.ending) this.release(holding.name);
  }

  async #reserve(request: HoldRequest, before: Holding | undefined, signal: AbortSignal): Promise<Held> {
    const { records, ipam, clock, random, observe } = this.#parts;
    const { nic, subnet, group, purpose } = request;
    const name = before?.name ?? reservationName(random.uuid(), nic.port.portSecurity);
    const wanted = request.address === undefined ? {} : { wanted: canonical(request.address) ?? request.address };
    const intent: Holding = {
      name,
      vmPort: nic.port.id,
      subnetId: subnet.id,
      group,
      purpose,
      ...wanted,
      since: clock.now(),
      ending: false,
    };
    observe.timeline.open(name, intent.wanted);
    await records.save({ holdings: [intent] });
    try {
      const reserve = () => ipam.reserve({ nic, subnet, name, address: request.address }, signal);
      const reservation = await observe.timeline.step(
        [name],
        'reserve',
        () => (before === undefined ? reserve() : this.#reserveAgain(before, nic, reserve, signal)),
        ({ address, portId }) => ({ details: { address, port: portId } }),
      );
      const pair = pairAtOnce(request, reservation.address);
      // A slow cloud must not use up the time in which an endpoint may name the address.
      const held: Held = { ...intent, since: clock.now(), reservation, ...(pair === undefined ? {} : { pair }) };
      await records.save({ holdings: [held] });
      return held;
    } catch (error) {
      // Where the cloud did not say no, it may have made the port: the release looks for it by its name.
      if (saidNo(error)) await this.#forget(name);
      else await this.end([intent]);
      throw error;
    }
  }

  /** A holding of an earlier request for the address: provisional, of unknown outcome, or on its way back. */
  #known(request: HoldRequest, address: string): Holding | undefined {
    const wanted = canonical(address);
    return this.#parts.records
      .holdings()
      .find(
        holding =>
          holding.vmPort === request.nic.port.id &&
          holding.subnetId === request.subnet.id &&
          holding.purpose === request.purpose &&
          holding.attachment === undefined &&
          (holding.reservation?.address ?? holding.wanted) === wanted,
      );
  }

  async #takeBack(known: Held, request: HoldRequest): Promise<Held> {
    const { records, clock, observe } = this.#parts;
    const { pair: _, ...rest } = known;
    const { address } = known.reservation;
    observe.timeline.open(known.name, address);
    const pair = pairAtOnce(request, known.reservation.address) ?? known.pair;
    const held: Held = { ...rest, group: request.group, since: clock.now(), ending: false, ...(pair && { pair }) };
    await observe.timeline.step(
      [known.name],
      'take-back',
      () => records.save({ holdings: [held] }),
      () => ({ details: { address } }),
    );
    return held;
  }

  /** Where a POST of the same name may have been carried out, or may be yet: a busy cloud has it under way for a while. */
  async #reserveAgain(before: Holding, nic: Nic, reserve: () => Promise<Reservation>, signal: AbortSignal) {
    const made = await this.#lost(before, nic, signal);
    if (made !== undefined) return made;
    try {
      return await reserve();
    } catch (error) {
      // Between the look and the second POST the first one can have come through.
      const late = isKuryrError(error, 'ADDRESS_IN_USE') ? await this.#lost(before, nic, signal) : undefined;
      if (late === undefined) throw error;
      return late;
    }
  }

  /** The reservation of a POST whose answer was lost, if the cloud has it. */
  async #lost(holding: Holding, nic: Nic, signal: AbortSignal) {
    const port = (await this.#parts.ipam.list(holding.vmPort, signal)).find(({ name }) => name === holding.name);
    return port === undefined ? undefined : this.#parts.ipam.read(port, nic.subnets);
  }

  async #release(name: string): Promise<void> {
    const { clock, random, logger, life } = this.#parts;
    for (let attempt = 0; !life.aborted; attempt++) {
      try {
        if (await this.#releaseOnce(name)) return this.#unstuck(name);
      } catch (error) {
        // The address was asked for again meanwhile: its pair is wanted once more.
        if (isKuryrError(error, 'PAIRS_SUPERSEDED')) continue;
        const { code, message } = asKuryrError(error);
        logger.warn({ holding: name, code, attempt }, `an address could not be given back yet: ${message}`);
        if (attempt >= STUCK_AFTER) this.#stuck(name, code);
      }
      await clock.sleep(Math.min(30_000, 1000 * 2 ** attempt) * (0.5 + random.float()), life).catch(() => undefined);
    }
  }

  async #forget(name: string): Promise<void> {
    await this.#parts.records.save({ forgetHoldings: [name] });
    this.#parts.observe.timeline.close(name);
  }

  /** An image of another VM had its ledger in it: what that one's containers have stays theirs. */
  async #leaveToOther({ name, vmPort, reservation }: Holding): Promise<true> {
    await this.#forget(name);
    this.#parts.logger.warn(
      { holding: name, port: vmPort, address: reservation?.address },
      "a record of another VM's port came with this VM's disk: it is forgotten here, and left as it is in the cloud",
    );
    return true;
  }

  #stuck(name: string, code: string): void {
    this.#stuckReleases.add(name);
    this.#parts.observe.health.set('RELEASES_STUCK', { reason: `${this.#stuckReleases.size} wait (${code})` });
  }

  #unstuck(name: string): void {
    this.#stuckReleases.delete(name);
    if (this.#stuckReleases.size === 0) this.#parts.observe.health.clear('RELEASES_STUCK');
  }

  /**
   * Whether the holding's pair is another one's by now: where the port was deleted but nobody could be told, Neutron may
   * have given its address out again, to us.
   */
  #othersPair({ name, vmPort, pair }: Holding): boolean {
    return this.#parts.records
      .holdings()
      .some(
        other =>
          other.name !== name &&
          !other.ending &&
          other.vmPort === vmPort &&
          other.pair?.address === pair?.address &&
          other.pair?.mac === pair?.mac,
      );
  }

  /** One try; true when there is nothing more to do. */
  async #releaseOnce(name: string): Promise<boolean> {
    const { records, nics, pairs, ipam, clock, life, observe } = this.#parts;
    const { timeline } = observe;
    const holding = records.holding(name);
    if (holding === undefined || !holding.ending) return true;
    this.#permits.delete(name);
    if (!(await nics.belongs(holding.vmPort, life))) return await this.#leaveToOther(holding);
    const { pair } = holding;
    if (pair !== undefined && !this.#othersPair(holding))
      await timeline.step([name], 'forbid', () => pairs.of(holding.vmPort).remove(pair, life));
    // Between the two steps the address may have been asked for again.
    if (records.holding(name)?.ending !== true) return true;
    const deletion = timeline.step([name], 'free', async () => {
      const portId =
        holding.reservation?.portId ?? (await ipam.list(holding.vmPort, life)).find(port => port.name === name)?.id;
      if (portId === undefined && clock.now() - holding.since < LOST_POST_MS) return false;
      if (portId !== undefined) await ipam.release({ portId, vmPortId: holding.vmPort }, life);
      await this.#forget(name);
      return true;
    });
    const over = deletion.then(
      () => undefined,
      () => undefined,
    );
    this.#deleting.set(name, over);
    try {
      return await deletion;
    } finally {
      this.#deleting.delete(name);
    }
  }
}

/** A holding whose reservation Neutron has confirmed. */
export type Held = Holding & { readonly reservation: NonNullable<Holding['reservation']> };

export function isHeld(holding: Holding): holding is Held {
  return holding.reservation !== undefined;
}

/** Whether the cloud answered, and refused: nothing was made then. */
const saidNo = (error: unknown) => isKuryrError(error) && error.status < 500;

const ending = (holding: Holding): Holding => {
  const { attachment: _, ...rest } = holding;
  return { ...rest, ending: true };
};

/** The pair, where nothing more has to be known than the address: ipvlan. macvlan's carries the attachment's MAC. */
function pairAtOnce(request: HoldRequest, address: string): Pair | undefined {
  return request.purpose === 'container' && request.spec?.kind === 'ipvlan' ? { address } : undefined;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => signal.addEventListener('abort', () => resolve(), { once: true }));
}
