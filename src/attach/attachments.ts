import { KuryrError } from '../errors/kuryr-error.ts';
import type { Guards } from '../hostaccess/guards.ts';
import type { HostAccess } from '../hostaccess/host-access.ts';
import type { LinkSpec, Links, LinkTrace } from '../link/link-kind.ts';
import { FIRST_IFINDEX, linkName } from '../link/slave-links.ts';
import type { Nic, Nics } from '../nic/nic.ts';
import type { Logger } from '../observe/logger.ts';
import type { Observe } from '../observe/observe.ts';
import type { Pair } from '../pairs/pair-writer.ts';
import type { Reach, Reached, ReachTarget } from '../reach/reach.ts';
import type { Clock } from '../time/clock.ts';
import { type Addresses, type Held, type HoldRequest, isHeld } from './addresses.ts';
import { guestOf } from './guests.ts';
import { Lanes } from './lanes.ts';
import type { AttachmentRecord, Holding, Records } from './records.ts';
import { tellReach, told } from './told.ts';

export interface AttachmentsParts {
  readonly records: Records;
  readonly addresses: Addresses;
  readonly nics: Nics;
  readonly links: Links;
  readonly reach: Reach;
  readonly guards: Pick<Guards, 'stand' | 'makeWay' | 'tidySoon'>;
  readonly hostAccess: Pick<HostAccess, 'open' | 'close'>;
  /** Id of this boot of the VM. */
  readonly boot: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly observe: Observe;
  readonly life: AbortSignal;
  /** How long an attach waits for frames to pass, milliseconds; 0: answer as soon as the pair stands. */
  readonly waitMs: number;
}

export interface NameRequest {
  readonly id: string;
  readonly network: string;
  readonly spec: LinkSpec;
  readonly mtu: number;
  readonly holdings: readonly Held[];
  readonly notes: readonly string[];
}

export interface JoinRequest {
  readonly id: string;
  readonly sandbox: string;
  /** Gateway to probe, by family; none where the network has none. */
  readonly gateways: { readonly 4?: string | undefined; readonly 6?: string | undefined };
}

type LinkRecord = AttachmentRecord['link'] & object;
type Linked = AttachmentRecord & { readonly link: LinkRecord };

/**
 * How long a link may be nowhere to be seen before its attachment counts as dead, milliseconds: a runtime moves it between
 * namespaces right after Join was answered. Chosen with room.
 */
export const MOVE_MS = 10_000;

/** The attachments of this VM: named, linked, reachable, and back. Every call may come twice. */
export class Attachments {
  readonly #parts: AttachmentsParts;
  readonly #lanes = new Lanes();
  readonly #reached = new Map<string, readonly Reached[]>();
  /** End what is done for an attachment: waiting for its pairs and frames, announcing it. */
  readonly #ends = new Map<string, AbortController>();

  constructor(parts: AttachmentsParts) {
    this.#parts = parts;
  }

  /**
   * Reserves an address; where one of our own attachments has it whose container is gone, that one is cleared away first.
   * @throws what Addresses.hold throws
   */
  async hold(request: HoldRequest, signal: AbortSignal): Promise<Held> {
    const { records, addresses } = this.#parts;
    const owner = records
      .holdings()
      .find(
        holding => holding.attachment !== undefined && holding.reservation?.address === request.address,
      )?.attachment;
    const record = owner === undefined ? undefined : records.attachment(owner);
    if (record !== undefined && record.vmPort === request.nic.port.id && (record.ending || this.isDead(record)))
      await this.detach(record.id);
    return addresses.hold(request, signal);
  }

  /** The runtime gives addresses an attachment's id. macvlan: now the MAC is known that their pairs carry. */
  name(request: NameRequest, signal: AbortSignal): Promise<AttachmentRecord> {
    return this.#lanes.take(request.id, async () => {
      const { records, nics, addresses, clock, observe } = this.#parts;
      const known = records.attachment(request.id);
      if (known !== undefined && !known.ending) return known;
      const [first] = request.holdings;
      if (first === undefined) throw new KuryrError('ATTACHMENT_WITHOUT_ADDRESS', { id: request.id });
      const nic = await nics.byPort(first.vmPort, signal);
      const mac = macOf(request, nic);
      const pairOfIts = ({ reservation }: Held) => pairOf(request.spec, reservation.address, mac);
      for (const { name } of request.holdings) {
        const holding = this.#still(name, request.id);
        // Taken back from a link with another MAC.
        if (holding.pair?.mac !== pairOfIts(holding).mac) await addresses.forbid(holding, signal);
      }
      const holdings = request.holdings.map(({ name }) => {
        const holding = this.#still(name, request.id);
        return { ...holding, attachment: request.id, since: clock.now(), pair: pairOfIts(holding) };
      });
      const record: AttachmentRecord = {
        id: request.id,
        network: request.network,
        vmPort: nic.port.id,
        spec: request.spec,
        mtu: request.mtu,
        mac,
        holdings: holdings.map(({ name }) => name),
        notes: [...request.notes],
        since: clock.now(),
        ending: false,
      };
      await records.save({ holdings, attachments: [record] });
      observe.timeline.name(record.id, told(holdings));
      for (const holding of holdings) addresses.ensurePermit(holding);
      return record;
    });
  }

  /**
   * Makes the link, when its pairs stand, and returns when frames pass, or when waiting for them is over.
   * @throws what PairWriter.add and Links.create throw, ATTACHMENT_UNKNOWN
   */
  join(request: JoinRequest, waiting: AbortSignal): Promise<AttachmentRecord> {
    return this.#lanes.take(request.id, async () => {
      const { records, observe } = this.#parts;
      const record = records.attachment(request.id);
      if (record === undefined || record.ending) throw new KuryrError('ATTACHMENT_UNKNOWN', { id: request.id });
      return observe.timeline.step([record.id], 'join', () => this.#join(record, request, waiting));
    });
  }

  async #join(record: AttachmentRecord, request: JoinRequest, waiting: AbortSignal): Promise<AttachmentRecord> {
    const { addresses, nics, guards } = this.#parts;
    const holdings = this.holdingsOf(record);
    const life = this.#begin(record.id);
    const signal = AbortSignal.any([waiting, life]);
    const nic = await nics.byPort(record.vmPort, signal);
    await Promise.all(holdings.map(holding => addresses.permitted(holding, signal)));
    const linked = await this.#recordLink(record, request, nic);
    if (record.spec.kind === 'macvlan') await guards.makeWay(nic);
    this.#link(linked, nic);
    this.#open(linked);
    // The runtime sets the link up only when it has its answer.
    await guards.stand(nic, this.#guarded(record, holdings));
    await this.#awaitFrames('reach', linked, holdings, nic, life, signal);
    return linked;
  }

  #link({ id, spec, link, mtu, mac }: Linked, nic: Nic): void {
    const { links, observe } = this.#parts;
    const { name, ifindex } = link;
    const request = { nic, spec, name, ifindex, mtu: Math.min(mtu, nic.master.mtu), id, mac };
    observe.timeline.step(
      [id],
      'link',
      () => links.create(request),
      () => ({ details: { link: name, master: nic.master.name, kind: spec.kind, mode: spec.mode } }),
    );
  }

  /**
   * After a start of the daemon: sees to it that the pairs of a running attachment stand, announces it again and looks
   * whether its frames pass. Its link is left as it is.
   */
  revive(id: string): Promise<void> {
    return this.#lanes.take(id, async () => {
      const { records, observe } = this.#parts;
      const record = records.attachment(id);
      if (record === undefined || record.ending || record.link === undefined) return;
      const { link } = record;
      const holdings = this.holdingsOf(record);
      observe.timeline.name(id, told(holdings));
      await observe.timeline.step([id], 'revive', () => this.#revive(record, link, holdings));
    });
  }

  async #revive(record: AttachmentRecord, link: LinkRecord, holdings: readonly Held[]) {
    const { addresses, nics, guards } = this.#parts;
    const life = this.#begin(record.id);
    // First: whatever else cannot be asked yet, the pairs are what the container lives by.
    for (const holding of holdings) addresses.ensurePermit(holding);
    const nic = await nics.byPort(record.vmPort, life);
    await guards.stand(nic, this.#guarded(record, holdings));
    await this.#reopen(record, link, nic);
    await Promise.all(holdings.map(holding => addresses.permitted(holding, life)));
    await this.#awaitFrames('reach-again', record, holdings, nic, life, life);
  }

  /**
   * Takes the link away, then gives the addresses back in the background. What is gone already counts as done. It waits
   * for no cloud: what still waits for the attachment's pairs or frames is ended.
   */
  detach(id: string): Promise<void> {
    this.#ends.get(id)?.abort(new KuryrError('ATTACHMENT_UNKNOWN', { id }));
    return this.#lanes.take(id, async () => {
      const { records, observe } = this.#parts;
      const record = records.attachment(id);
      if (record === undefined) {
        await this.#removeStray(id);
        return;
      }
      await observe.timeline.step([id], 'detach', () => this.#detach(record));
      observe.timeline.close(id);
    });
  }

  async #detach(record: AttachmentRecord): Promise<void> {
    const { records, addresses, links, guards, hostAccess, boot, life, observe } = this.#parts;
    const { id } = record;
    if (!record.ending) await records.save({ attachments: [{ ...record, ending: true }] });
    const guest = guestOf(records, record, boot);
    // Before the link goes: what the VM still sends would come back to itself.
    if (guest !== undefined) hostAccess.close(guest);
    const trace = this.trace(record);
    if (trace !== undefined) await observe.timeline.step([id], 'unlink', () => links.remove(trace, life));
    const holdings = record.holdings.map(name => records.holding(name)).filter(holding => holding !== undefined);
    await records.save({ forgetAttachments: [id], holdings: holdings.map(givenUp) });
    this.#reached.delete(id);
    this.#ends.get(id)?.abort();
    this.#ends.delete(id);
    for (const holding of holdings) addresses.release(holding.name);
    guards.tidySoon();
  }

  /** Whether the attachment had a link, and neither link nor address is seen any more: its container is gone. */
  isDead(record: AttachmentRecord): boolean {
    const { links, clock } = this.#parts;
    const trace = this.trace(record);
    if (trace === undefined || clock.now() - record.since <= MOVE_MS || links.find(trace) !== undefined) return false;
    const inUse = links.addressesInUse();
    return !trace.addresses.some(address => inUse.has(address));
  }

  /** Where the attachment's link is seen. */
  seen(record: AttachmentRecord): 'host' | 'sandbox' | undefined {
    const trace = this.trace(record);
    return trace === undefined ? undefined : this.#parts.links.find(trace);
  }

  /** What finds the attachment's link; undefined when it never had one. */
  trace(record: AttachmentRecord): LinkTrace | undefined {
    if (record.link === undefined) return undefined;
    return {
      ...record.link,
      id: record.id,
      mac: record.mac,
      addresses: this.holdingsOf(record).map(holding => holding.reservation.address),
      sandbox: record.sandbox,
    };
  }

  holdingsOf(record: AttachmentRecord): Held[] {
    return record.holdings
      .map(name => this.#parts.records.holding(name))
      .filter(holding => holding !== undefined)
      .filter(isHeld);
  }

  /** How many attachments were not seen to have frames pass, though somebody else answers the VM. */
  get unanswered(): number {
    const silent = (answer: Reached) => !answer.reachable && answer.reason === 'unanswered';
    return [...this.#reached.values()].filter(answers => answers.some(silent)).length;
  }

  /** How the last attach of this run went, one entry an address. */
  reachedBy(id: string): readonly Reached[] {
    return this.#reached.get(id) ?? [];
  }

  #guarded({ spec }: AttachmentRecord, holdings: readonly Held[]) {
    return { spec, addresses: holdings.map(({ reservation }) => reservation.address) };
  }

  /** Lets the VM reach the attachment, and be reached by it. */
  #open(record: AttachmentRecord): void {
    const { records, hostAccess, boot } = this.#parts;
    const guest = guestOf(records, record, boot);
    if (guest !== undefined) hostAccess.open(guest);
  }

  /** Where the record does not name the link's master yet, as an older version wrote it. */
  async #reopen(record: AttachmentRecord, link: LinkRecord, nic: Nic): Promise<void> {
    if (link.master !== undefined) return;
    const { records, boot } = this.#parts;
    const known = { ...record, link: { ...link, master: nic.master.ifindex, boot } };
    await records.save({ attachments: [known] });
    this.#open(known);
  }

  /** The link's number stands in the ledger before the kernel hears of it. */
  async #recordLink(record: AttachmentRecord, request: JoinRequest, nic: Nic): Promise<Linked> {
    const { sandbox, gateways } = request;
    const { records, boot, clock } = this.#parts;
    const ifindex = record.link?.ifindex ?? FIRST_IFINDEX + records.nextLink();
    const name = record.link?.name ?? linkName(ifindex);
    const link = { name, ifindex, master: nic.master.ifindex, boot };
    const linked = { ...record, link, sandbox, gateways, since: clock.now() };
    await records.save({ attachments: [linked] });
    return linked;
  }

  async #awaitFrames(
    step: 'reach' | 'reach-again',
    record: AttachmentRecord,
    holdings: readonly Held[],
    nic: Nic,
    life: AbortSignal,
    signal: AbortSignal,
  ): Promise<void> {
    const { reach, logger, waitMs, observe } = this.#parts;
    const targets = holdings.map(({ reservation: { address, family } }) => ({
      nic,
      address,
      mac: record.mac,
      gateway: record.gateways?.[family],
    }));
    for (const target of targets) reach.announce(target, life);
    if (waitMs === 0) return;
    const probe = (target: ReachTarget) =>
      observe.timeline.step([record.id], step, () => reach.probe(target, waitMs, signal), tellReach(target));
    const reached = await Promise.all(targets.map(probe));
    this.#reached.set(record.id, reached);
    for (const [index, answer] of reached.entries()) {
      const seen = { attachment: record.id, address: targets[index]?.address, ...answer };
      if (answer.reachable) logger.info(seen, 'frames pass');
      else logger.warn(seen, 'frames of an attachment were not seen to pass; it was attached all the same');
    }
  }

  /** An attachment that the ledger does not know (its folder was lost): a link of its in the host's netns goes. */
  async #removeStray(id: string): Promise<void> {
    const { links, life } = this.#parts;
    for (const link of links.ours())
      if (link.alias === id) {
        const { name, ifindex, mac } = link;
        await links.remove({ name, ifindex, id, mac, addresses: [], sandbox: undefined }, life);
      }
  }

  /** Until the attachment is detached, or begun anew, or the daemon ends. */
  #begin(id: string): AbortSignal {
    this.#ends.get(id)?.abort();
    const end = new AbortController();
    this.#ends.set(id, end);
    return AbortSignal.any([end.signal, this.#parts.life]);
  }

  /** The holding as the ledger has it now, while nobody else has it. @throws ADDRESS_GONE */
  #still(name: string, id: string): Held {
    const now = this.#parts.records.holding(name);
    const free = now?.attachment === undefined || now.attachment === id;
    if (now !== undefined && isHeld(now) && !now.ending && free) return now;
    throw new KuryrError('ADDRESS_GONE', { id: id.slice(0, 12), address: now?.reservation?.address ?? name });
  }
}

/** An ipvlan pair is the bare address, so that Neutron fills in the port's MAC; a macvlan pair carries the container's. */
function pairOf(spec: LinkSpec, address: string, mac: string): Pair {
  return spec.kind === 'ipvlan' ? { address } : { address, mac };
}

/** ipvlan frames carry the master's MAC; a macvlan link gets its IPv4 reservation's, which is unique in the network. */
export function macOf(request: Pick<NameRequest, 'spec' | 'holdings'>, nic: Nic): string {
  if (request.spec.kind === 'ipvlan') return nic.master.mac;
  const first = request.holdings.find(holding => holding.reservation.family === 4) ?? request.holdings[0];
  return first?.reservation.mac ?? nic.master.mac;
}

const givenUp = (holding: Holding): Holding => {
  const { attachment: _, ...rest } = holding;
  return { ...rest, ending: true };
};
