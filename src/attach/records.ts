import * as v from 'valibot';
import type { Json, Ledger } from '../ledger/ledger.ts';
import { readRecord, recordOf } from '../ledger/read-record.ts';
import { linkSpec } from '../link/link-kind.ts';
import { pairKey } from '../pairs/merge.ts';
import type { Pair, PairOwnership } from '../pairs/pair-writer.ts';

const reservation = recordOf({
  portId: v.string(),
  name: v.string(),
  address: v.string(),
  family: v.picklist([4, 6]),
  prefix: v.number(),
  mac: v.string(),
  subnetId: v.string(),
});

const holding = recordOf({
  /** The reservation's name in Neutron, chosen before the POST: what finds it again when the answer was lost. */
  name: v.string(),
  vmPort: v.string(),
  subnetId: v.string(),
  /** The front's pool that the address came from. */
  group: v.string(),
  /** `aside`: reserved so that nobody gets it, never permitted, freed with its group. */
  purpose: v.picklist(['container', 'aside']),
  /** The address asked for, canonical. */
  wanted: v.optional(v.string()),
  /** Undefined until Neutron has answered. */
  reservation: v.optional(reservation),
  /** The pair, when one is wanted: recorded before it is written. */
  pair: v.optional(recordOf({ address: v.string(), mac: v.optional(v.string()) })),
  /** The attachment that it was named by. */
  attachment: v.optional(v.string()),
  /** Wall time of the last step, milliseconds. */
  since: v.number(),
  /** On its way back to Neutron. */
  ending: v.boolean(),
});

const attachment = recordOf({
  id: v.string(),
  /** The front's network. */
  network: v.string(),
  vmPort: v.string(),
  spec: linkSpec,
  mtu: v.number(),
  mac: v.string(),
  holdings: v.array(v.string()),
  /** `master` is the master's ifindex, which holds until the next boot; a record of an older version has neither. */
  link: v.optional(
    recordOf({
      name: v.string(),
      ifindex: v.number(),
      master: v.optional(v.number()),
      boot: v.optional(v.string()),
    }),
  ),
  /** Gateways to probe, by family, as the runtime's front told them. */
  gateways: v.optional(recordOf({ 4: v.optional(v.string()), 6: v.optional(v.string()) })),
  /** Path of the sandbox's netns, when the runtime has told it. */
  sandbox: v.optional(v.string()),
  /** What a person reads in `kuryr status` besides, such as published ports. */
  notes: v.array(v.string()),
  since: v.number(),
  ending: v.boolean(),
});

/** One address on its way from Neutron to a container and back. */
export type Holding = v.InferOutput<typeof holding>;

/** One container's interface. */
export type AttachmentRecord = v.InferOutput<typeof attachment>;

/** The core's part of the ledger, typed; and so what says whose a pair is. */
export class Records implements PairOwnership {
  readonly #ledger: Ledger;
  readonly #holdings = new Remembered((entries: Entries) =>
    entries.map(([key, value]) => readRecord(holding, key, value)),
  );
  readonly #attachments = new Remembered((entries: Entries) =>
    entries.map(([key, value]) => readRecord(attachment, key, value)),
  );
  readonly #pairs = new Remembered(
    (held: readonly Holding[]) => new Set(held.flatMap(({ vmPort, pair }) => (pair ? [ownKey(vmPort, pair)] : []))),
  );

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  holding(name: string): Holding | undefined {
    const value = this.#ledger.get(holdingKey(name));
    return value === undefined ? undefined : readRecord(holding, holdingKey(name), value);
  }

  holdings(): readonly Holding[] {
    return this.#holdings.of(this.#ledger.entries('address/'));
  }

  /** A pair is ours when a holding recorded it before it was written. */
  owns(portId: string, pair: Pair): boolean {
    return this.#pairs.of(this.holdings()).has(ownKey(portId, pair));
  }

  attachment(id: string): AttachmentRecord | undefined {
    const value = this.#ledger.get(attachmentKey(id));
    return value === undefined ? undefined : readRecord(attachment, attachmentKey(id), value);
  }

  attachments(): readonly AttachmentRecord[] {
    return this.#attachments.of(this.#ledger.entries('attachment/'));
  }

  /** A number for a link, never given before. */
  nextLink(): number {
    return this.#ledger.next('link');
  }

  /** Durable when it resolves; all or nothing. Reads see the change at once. */
  save(changes: RecordChanges): Promise<void> {
    return this.#ledger.write({
      ...Object.fromEntries((changes.holdings ?? []).map(item => [holdingKey(item.name), plain(item)])),
      ...Object.fromEntries((changes.attachments ?? []).map(item => [attachmentKey(item.id), plain(item)])),
      ...Object.fromEntries((changes.forgetHoldings ?? []).map(name => [holdingKey(name), undefined])),
      ...Object.fromEntries((changes.forgetAttachments ?? []).map(id => [attachmentKey(id), undefined])),
    });
  }
}

/** What one write of the ledger changes. */
export interface RecordChanges {
  readonly holdings?: readonly Holding[];
  readonly attachments?: readonly AttachmentRecord[];
  readonly forgetHoldings?: readonly string[];
  readonly forgetAttachments?: readonly string[];
}

type Entries = ReturnType<Ledger['entries']>;

/** What was made of the last list, for as long as that is the list: a port's thousand pairs ask for it a thousand times. */
class Remembered<List extends object, Made> {
  readonly #make: (list: List) => Made;
  #last: { readonly list: List; readonly made: Made } | undefined;

  constructor(make: (list: List) => Made) {
    this.#make = make;
  }

  of(list: List): Made {
    if (this.#last?.list !== list) this.#last = { list, made: this.#make(list) };
    return this.#last.made;
  }
}

const ownKey = (vmPort: string, pair: Pair) => `${vmPort} ${pairKey(pair)}`;
const holdingKey = (name: string) => `address/${name}`;
const attachmentKey = (id: string) => `attachment/${id}`;

/** A record without the keys that are undefined, as JSON keeps it. */
const plain = (record: Holding | AttachmentRecord): Json => JSON.parse(JSON.stringify(record));
