import { dirname } from 'node:path';
import { KuryrError } from '../errors/kuryr-error.ts';
import type { Logger } from '../observe/logger.ts';
import { applyChanges, type Change, decodeJournal, encodeLine, encodeSnapshot } from './journal-lines.ts';
import type { Json, Ledger } from './ledger.ts';
import type { LedgerFile, LedgerFiles } from './ledger-files.ts';

/** Numbers set aside at once: a run gives out at most these before a write has to follow, and a crash skips the rest. */
const numberBlock = 1024;

/** A file is rewritten when it is this many times what its live content needs, and no smaller than the floor. */
const compactFactor = 4;
const compactFloor = 64 * 1024;

interface Waiting {
  readonly changes: readonly Change[];
  resolve(): void;
  reject(error: KuryrError): void;
}

/** What has to be done to the file before it may be appended to again. */
type Repair = 'none' | 'cut' | 'rewrite';

/**
 * Opens the ledger's file, or makes it.
 *
 * @param file absolute path; its folder is made when missing (0700, the file 0600)
 * @throws LEDGER_DAMAGED, LEDGER_NEWER, LEDGER_UNREADABLE, LEDGER_UNWRITABLE; a file that cannot be read is left as it is
 */
export async function openJournal(file: string, files: LedgerFiles, log: Logger): Promise<Ledger> {
  let bytes: Uint8Array | undefined;
  try {
    await files.makeFolder(dirname(file));
    bytes = await files.read(file);
  } catch (error) {
    throw new KuryrError('LEDGER_UNREADABLE', { file, reason: reasonOf(error) }, { cause: error });
  }
  const content = bytes && decodeJournal(bytes, file);
  const torn = content && bytes ? bytes.length - content.length : 0;
  if (torn > 0) log.warn({ file, bytes: torn }, 'dropped a write that a crash had cut short; nobody was told it stood');
  const ledger = new Journal(file, files, log, content?.values ?? new Map(), content?.numbers ?? 0);
  await ledger.start(content?.length ?? 0, torn);
  return ledger;
}

class Journal implements Ledger {
  readonly #path: string;
  readonly #files: LedgerFiles;
  readonly #log: Logger;
  /** What readers see: what is on the disk and what is on its way there. */
  #shown: Map<string, Json>;
  /** What is on the disk. */
  readonly #durable: Map<string, Json>;
  /** Lists of what is shown, by prefix: asked for many times between two changes. */
  readonly #lists = new Map<string, readonly (readonly [string, Json])[]>();
  readonly #counters = new Map<string, number>();
  /** Counters begin above this; up to `#numbersEnd` is set aside on the disk. */
  readonly #numbersStart: number;
  #numbersEnd: number;
  #numbersWanted = false;
  #proofWanted = false;
  #file: LedgerFile | undefined;
  /** Bytes of the file that are known to be good. */
  #length = 0;
  #compactAt = compactFloor;
  #repair: Repair = 'none';
  #waiting: Waiting[] = [];
  #writing: Promise<void> | undefined;
  #closed = false;

  constructor(path: string, files: LedgerFiles, log: Logger, values: Map<string, Json>, numbers: number) {
    this.#path = path;
    this.#files = files;
    this.#log = log;
    this.#durable = values;
    this.#shown = new Map(values);
    this.#numbersStart = numbers;
    this.#numbersEnd = numbers;
  }

  /** Makes the file ready to be appended to, and sets numbers aside. */
  async start(length: number, torn: number): Promise<void> {
    try {
      const compact = encodeSnapshot(this.#durable, this.#numbersStart).length;
      this.#compactAt = Math.max(compactFloor, compactFactor * compact);
      this.#length = length;
      if (length === 0 || length > this.#compactAt) {
        await this.#rewrite(this.#numbersStart + numberBlock);
        return;
      }
      this.#file = await this.#files.open(this.#path, 'existing');
      // A torn tail that reached the disk would else merge with the next line.
      if (torn > 0) this.#repair = 'cut';
      await this.#mend();
      await this.#append([], this.#numbersStart + numberBlock);
    } catch (error) {
      await this.#file?.close().catch(() => {});
      throw this.#unwritable(error);
    }
  }

  get(key: string): Json | undefined {
    return this.#shown.get(key);
  }

  entries(prefix: string): readonly (readonly [string, Json])[] {
    const known = this.#lists.get(prefix);
    if (known !== undefined) return known;
    const list = [...this.#shown].filter(([key]) => key.startsWith(prefix));
    this.#lists.set(prefix, list);
    return list;
  }

  /** @throws LEDGER_UNWRITABLE: then this change and those asked for after it are undone, here and in the file */
  write(changes: Readonly<Record<string, Json | undefined>>): Promise<void> {
    if (this.#closed) return Promise.reject(this.#unwritable('it is closed'));
    // A copy: what the caller does to the value afterwards must not part memory from file.
    const list = Object.entries(changes).map(
      ([key, value]): Change => (value === undefined ? [key] : [key, structuredClone(value)]),
    );
    applyChanges(this.#shown, list);
    for (const prefix of this.#lists.keys())
      if (list.some(([key]) => key.startsWith(prefix))) this.#lists.delete(prefix);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ changes: list, resolve, reject });
      this.#kick();
    });
  }

  /** A line that repeats the bound of numbers: without one a file that could be mended passes for one that can be written. */
  prove(): Promise<void> {
    this.#proofWanted = true;
    return this.write({});
  }

  /** @throws LEDGER_UNWRITABLE when those set aside are used up and no more could be written */
  next(counter: string): number {
    const number = (this.#counters.get(counter) ?? this.#numbersStart) + 1;
    if (number > this.#numbersEnd - numberBlock / 2) {
      this.#numbersWanted = true;
      this.#kick();
    }
    if (number > this.#numbersEnd) throw this.#unwritable('no numbers are left that a crash would not give out again');
    this.#counters.set(counter, number);
    return number;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#writing;
    await this.#mend().catch(error => this.#log.warn({ file: this.#path, reason: reasonOf(error) }, 'closed unmended'));
    await this.#file?.close();
    this.#file = undefined;
  }

  #kick(): void {
    this.#writing ??= this.#drain();
  }

  /** Writes until nothing waits. What comes while one append is under way goes together into the next. */
  async #drain(): Promise<void> {
    await null;
    while (this.#waiting.length > 0 || (this.#numbersWanted && !this.#closed)) {
      const batch = this.#waiting;
      const numbers = this.#numbersToWrite();
      this.#waiting = [];
      this.#numbersWanted = false;
      this.#proofWanted = false;
      try {
        await this.#mend();
        await this.#append(
          batch.flatMap(({ changes }) => changes),
          numbers,
        );
      } catch (error) {
        await this.#fail(batch, error);
        continue;
      }
      for (const { resolve } of batch) resolve();
      if (this.#length > this.#compactAt) await this.#compact();
    }
    // In the same turn as the last look at what waits: a write that came in between would wait for ever.
    this.#writing = undefined;
  }

  #numbersToWrite(): number | undefined {
    if (this.#numbersWanted) return this.#numbersEnd + numberBlock;
    return this.#proofWanted ? this.#numbersEnd : undefined;
  }

  async #append(changes: readonly Change[], numbers: number | undefined): Promise<void> {
    if (changes.length === 0 && numbers === undefined) return;
    const line = encodeLine({ ...(changes.length > 0 && { changes }), ...(numbers !== undefined && { numbers }) });
    const file = this.#file;
    if (file === undefined) throw new Error('it is closed');
    this.#repair = 'cut';
    await file.append(line);
    // After a failed fdatasync the kernel drops what it could not write and calls the pages clean: a second one would
    // answer well and mean nothing (fsync(2), errseq_t since Linux 4.13). Only a new file is to be trusted then.
    this.#repair = 'rewrite';
    await file.datasync();
    this.#repair = 'none';
    this.#length += line.length;
    applyChanges(this.#durable, changes);
    this.#numbersEnd = numbers ?? this.#numbersEnd;
  }

  /** Undoes the batch, and what was asked for on top of it: it may have been decided on what is undone here. */
  async #fail(batch: readonly Waiting[], cause: unknown): Promise<void> {
    const later = this.#waiting;
    this.#waiting = [];
    this.#shown = new Map(this.#durable);
    this.#lists.clear();
    const error = this.#unwritable(cause);
    this.#log.error({ file: this.#path, reason: error.details['reason'] }, 'the ledger could not be written');
    await this.#mend().catch(() => {});
    for (const { reject } of [...batch, ...later]) reject(error);
  }

  /** Brings the file to what is known to be durable. */
  async #mend(): Promise<void> {
    if (this.#repair === 'none') return;
    if (this.#repair === 'cut') {
      const file = this.#file;
      await file?.truncate(this.#length);
      this.#repair = 'rewrite';
      await file?.datasync();
      this.#repair = 'none';
    } else await this.#rewrite(this.#numbersEnd);
  }

  async #compact(): Promise<void> {
    try {
      await this.#rewrite(this.#numbersEnd);
    } catch (error) {
      // The writes so far stand in the old file. Try again when it has grown by as much again.
      this.#compactAt = 2 * this.#length;
      this.#log.warn({ file: this.#path, reason: reasonOf(error) }, 'the ledger could not be made smaller');
    }
  }

  /** Puts a new file with the durable values alone in the place of the old one; a crash leaves one or the other. */
  async #rewrite(numbers: number): Promise<void> {
    const bytes = encodeSnapshot(this.#durable, numbers);
    const draft = `${this.#path}.new`;
    const file = await this.#files.open(draft, 'fresh');
    try {
      await file.append(bytes);
      await file.datasync();
      // From here on either file may be the one that a crash leaves, until the folder is synced.
      this.#repair = 'rewrite';
      await this.#files.rename(draft, this.#path);
      await this.#files.syncFolder(dirname(this.#path));
    } catch (error) {
      await file.close().catch(() => {});
      throw error;
    }
    await this.#file?.close().catch(() => {});
    this.#file = file;
    this.#length = bytes.length;
    this.#compactAt = Math.max(compactFloor, compactFactor * bytes.length);
    this.#numbersEnd = numbers;
    this.#repair = 'none';
  }

  #unwritable(cause: unknown): KuryrError {
    return new KuryrError('LEDGER_UNWRITABLE', { file: this.#path, reason: reasonOf(cause) }, { cause });
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
