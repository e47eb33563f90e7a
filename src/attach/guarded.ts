import type { GuardedAttachment } from '../hostaccess/guard-post.ts';
import type { Records } from './records.ts';

/** The attachments on record as the guards look at them. */
export function guardedAttachments(records: Records): readonly GuardedAttachment[] {
  return records.attachments().map(record => ({
    ...record,
    addresses: record.holdings.flatMap(name => records.holding(name)?.reservation?.address ?? []),
  }));
}
