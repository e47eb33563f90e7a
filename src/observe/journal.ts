import { fstatSync } from 'node:fs';
import type { DestinationStream } from 'pino';

/** What the journal calls the levels (sd-daemon(3)). */
const priorities: Readonly<Record<string, number>> = { debug: 7, info: 6, warn: 4, error: 3 };

/**
 * Turns a line of JSON into one for the journal, which has a time and a priority of its own: the message, and behind it
 * the fields that are left.
 */
function journalLine(line: string): string {
  const { level, time: _, msg, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const priority = priorities[String(level)] ?? priorities['info'];
  // Lines of its own, with priorities of its own, a text could make by a newline.
  const text = String(msg ?? '').replace(/\p{Cc}+/gu, ' ');
  const rest = Object.keys(fields).length === 0 ? '' : ` ${JSON.stringify(fields)}`;
  return `<${priority}>${text}${rest}\n`;
}

/** Whether that descriptor is the journal's stream: JOURNAL_STREAM has its device and inode (systemd.exec(5)). */
export function isJournal(env: Readonly<Record<string, string | undefined>>, fd: number): boolean {
  const { dev, ino } = fstatSync(fd);
  return env['JOURNAL_STREAM'] === `${dev}:${ino}`;
}

/** Writes what it is given as the journal wants it. */
export function journalDestination(to: DestinationStream): DestinationStream {
  return { write: line => to.write(journalLine(line)) };
}
