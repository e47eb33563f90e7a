import type { Guest } from '../hostaccess/wanted.ts';
import type { AttachmentRecord, Records } from './records.ts';

/**
 * The attachments on record that their VM is to reach: those that had a link made, and stay.
 * @param boot id of the boot; links of an earlier one are gone
 */
export function guestsOf(records: Records, boot: string): readonly Guest[] {
  return records.attachments().flatMap(record => (record.ending ? [] : (guestOf(records, record, boot) ?? [])));
}

/** One of them; undefined for an attachment that had no link in this boot. */
export function guestOf(
  records: Records,
  { link, spec, mac, holdings }: AttachmentRecord,
  boot: string,
): Guest | undefined {
  if (link?.master === undefined || link.boot !== boot) return undefined;
  const addresses = holdings.flatMap(name => records.holding(name)?.reservation?.address ?? []);
  return { master: link.master, kind: spec.kind, mac, addresses };
}
