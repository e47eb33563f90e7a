/** The few file operations the ledger needs: its edge to the disk, small enough to be wrapped or faked whole. */
export interface LedgerFiles {
  /** Makes the folder and its parents, mode 0700; one that exists is left as it is. */
  makeFolder(path: string): Promise<void>;
  /** The whole content, or undefined where there is no such file. */
  read(path: string): Promise<Uint8Array | undefined>;
  /** Opens for appending, mode 0600; `fresh` makes the file, or empties the one there. */
  open(path: string, how: 'fresh' | 'existing'): Promise<LedgerFile>;
  rename(from: string, to: string): Promise<void>;
  /** Waits until the names in the folder (made, renamed) are on the disk. */
  syncFolder(path: string): Promise<void>;
}

export interface LedgerFile {
  /** Writes all the bytes at the file's end, or rejects; then some of them may have been written. */
  append(bytes: Uint8Array): Promise<void>;
  /** Waits until content and length are on the disk (fdatasync). */
  datasync(): Promise<void>;
  truncate(length: number): Promise<void>;
  close(): Promise<void>;
}
