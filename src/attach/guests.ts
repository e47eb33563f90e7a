import type { Guest } from '../hostaccess/wanted.ts';
import type { AttachmentRecord, Records } from './records.ts';

/** The attachments on record that their VM is to reach: those that had a link made and stay. */
export function guestsOf(records: Records): readonly Guest[] {
  return records.attachments().flatMap(record => (record.ending ? [] : (guestOf(records, record) ?? [])));
}

/** One of them; undefined for an attachment that never had a link. */
export function guestOf(records: Records, { link, spec, mac, holdings }: AttachmentRecord): Guest | undefined {
  if (link?.master === undefined) return undefined;
  const addresses = holdings.flatMap(name => records.holding(name)?.reservation?.address ?? []);
  return { master: link.master, kind: spec.kind, mac, addresses };
}
