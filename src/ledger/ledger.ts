/** A value that JSON can hold. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/**
 * The crash-safe local record of what Kuryr owns and is doing: named values in memory, each change appended to a file
 * and on the disk (fdatasync) when its promise resolves. Changes of one call stand together or not at all.
 */
export interface Ledger {
  get(key: string): Json | undefined;
  /**
   * Entries whose key begins with the prefix, in the order of their first writing. It may be the same list as before as
   * long as none of them changed, so that what is made of it can be kept as long.
   */
  entries(prefix: string): readonly (readonly [key: string, value: Json])[];
  /** Sets the values, removes those given as undefined. Reads see the change at once; the promise waits for the disk. */
  write(changes: Readonly<Record<string, Json | undefined>>): Promise<void>;
  /** Writes what says nothing new, to see whether it can be written. @throws LEDGER_UNWRITABLE */
  prove(): Promise<void>;
  /** A number never given before, also by earlier runs on this file. Durable with the next write. */
  next(counter: string): number;
  close(): Promise<void>;
}
