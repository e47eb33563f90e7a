import { crc32 } from 'node:zlib';
import { KuryrError } from '../errors/kuryr-error.ts';
import type { Json } from './ledger.ts';

/** The journal's format that this code writes, and the newest it reads. */
const journalFormat = 1;

/** One change of one value; without a value, its removal. */
export type Change = readonly [key: string, value: Json] | readonly [key: string];

/**
 * What one line carries: changes, in order, that stand together or not at all, and the bound below which numbers may
 * be given out. One line is one append: only a file's last line can be torn by a crash.
 */
export interface JournalRecord {
  readonly changes?: readonly Change[];
  readonly numbers?: number;
}

/** What a journal file says. */
export interface JournalContent {
  readonly values: Map<string, Json>;
  /** The bound of numbers, 0 where none was written. */
  readonly numbers: number;
  /** Bytes up to the end of the last whole line; what is beyond was never acknowledged. */
  readonly length: number;
}

/** A line: the CRC-32 of the JSON text in 8 hexadecimal digits, a space, the JSON text, a newline. */
export function encodeLine(record: JournalRecord | { readonly kuryrLedger: number }): Buffer {
  const text = JSON.stringify(record);
  return Buffer.from(`${crc32(text).toString(16).padStart(8, '0')} ${text}\n`);
}

/** A whole file that holds these values and nothing of how they came about. */
export function encodeSnapshot(values: ReadonlyMap<string, Json>, numbers: number): Buffer {
  const lines = [encodeLine({ kuryrLedger: journalFormat }), encodeLine({ numbers })];
  for (const [key, value] of values) lines.push(encodeLine({ changes: [[key, value]] }));
  return Buffer.concat(lines);
}

export function applyChanges(values: Map<string, Json>, changes: readonly Change[]): void {
  for (const [key, value] of changes) {
    if (value === undefined) values.delete(key);
    else values.set(key, value);
  }
}

/**
 * Reads a journal. An unreadable last line is what a crash leaves of a write that nobody was told of, and is left out;
 * one with more lines after it was whole once, and is damage.
 *
 * @throws LEDGER_DAMAGED, LEDGER_NEWER
 */
export function decodeJournal(bytes: Uint8Array, file: string): JournalContent {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const values = new Map<string, Json>();
  let numbers = 0;
  let length = 0;
  for (let line = 1; length < buffer.length; line++) {
    const newline = buffer.indexOf(10, length);
    const end = newline === -1 ? buffer.length : newline + 1;
    const record = newline === -1 ? undefined : decodeLine(buffer.toString('utf8', length, newline));
    if (line > 1 && record === undefined && end === buffer.length) break;
    if (line === 1) checkHeader(record, file);
    else if (isRecord(record)) {
      applyChanges(values, record.changes ?? []);
      numbers = record.numbers ?? numbers;
    } else throw new KuryrError('LEDGER_DAMAGED', { file, line });
    length = end;
  }
  if (length === 0) throw new KuryrError('LEDGER_DAMAGED', { file, line: 1 });
  return { values, numbers, length };
}

/** The JSON value of a line, or undefined where checksum or syntax do not hold. */
function decodeLine(line: string): unknown {
  const text = line.slice(9);
  if (line[8] !== ' ' || Number.parseInt(line.slice(0, 8), 16) !== crc32(text)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The header is written and synced before the file gets its name, so that it is whole or damaged, never torn. */
function checkHeader(record: unknown, file: string): void {
  const format = typeof record === 'object' && record !== null && 'kuryrLedger' in record && record.kuryrLedger;
  if (typeof format !== 'number') throw new KuryrError('LEDGER_DAMAGED', { file, line: 1 });
  if (format > journalFormat) throw new KuryrError('LEDGER_NEWER', { file, format, known: journalFormat });
}

function isRecord(record: unknown): record is JournalRecord {
  if (typeof record !== 'object' || record === null) return false;
  const { changes, numbers } = record as { changes?: unknown; numbers?: unknown };
  if (numbers !== undefined && !Number.isSafeInteger(numbers)) return false;
  return changes === undefined || (Array.isArray(changes) && changes.every(isChange));
}

function isChange(change: unknown): change is Change {
  return Array.isArray(change) && typeof change[0] === 'string' && (change.length === 1 || change.length === 2);
}
