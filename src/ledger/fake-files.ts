import type { LedgerFile, LedgerFiles } from './ledger-files.ts';

interface Inode {
  /** What a crash is sure to leave. */
  durable: Buffer;
  current: Buffer;
  /** After a failed fdatasync later ones answer well and keep nothing, as Linux does. */
  poisoned: boolean;
}

/** What an operation shall do instead of working; a crash happens before it, or within an append after some bytes. */
export type Fault =
  | { readonly kind: 'error'; readonly code: 'ENOSPC' | 'EIO'; readonly share?: number }
  | { readonly kind: 'crash'; readonly share?: number };

class SimulatedCrash extends Error {}

/**
 * Files in memory that lose what was not synced when the power goes. `fault` is asked before each operation, by its
 * number from 0; `share` (0 to 1) of an append's bytes are still written. After a crash every operation fails, and
 * `afterCrash` gives the files that the next start finds.
 */
export class FakeFiles implements LedgerFiles {
  readonly #inodes: Map<string, Inode>;
  /** Names as a crash is sure to leave them; renames not yet synced, in order, come on top or do not. */
  #durableNames: Map<string, Inode>;
  #pendingNames: Map<string, Inode>[] = [];
  #crashed = false;
  fault: (operation: number, name: string) => Fault | undefined = () => undefined;
  operations = 0;
  /** Names of the operations so far. */
  readonly done: string[] = [];

  constructor(content: Readonly<Record<string, Uint8Array | string>> = {}) {
    this.#inodes = new Map(
      Object.entries(content).map(([path, bytes]) => {
        const buffer = Buffer.from(bytes as Uint8Array);
        return [path, { durable: buffer, current: buffer, poisoned: false }];
      }),
    );
    this.#durableNames = new Map(this.#inodes);
  }

  /** What the next start finds; `pick` gives numbers from 0 to 1 and decides what of the unsynced survived. */
  afterCrash(pick: () => number): FakeFiles {
    const applied = Math.floor(pick() * (this.#pendingNames.length + 1));
    const names = applied === 0 ? this.#durableNames : (this.#pendingNames[applied - 1] ?? this.#durableNames);
    return new FakeFiles(Object.fromEntries([...names].map(([path, inode]) => [path, survivor(inode, pick())])));
  }

  /** The content as a reader sees it now. */
  text(path: string): string | undefined {
    return this.#inodes.get(path)?.current.toString();
  }

  /** The file as somebody else has written it. */
  put(path: string, bytes: Buffer): void {
    this.#name(path, { durable: bytes, current: bytes, poisoned: false });
  }

  async makeFolder(path: string): Promise<void> {
    await this.#step(`makeFolder ${path}`);
  }

  async read(path: string): Promise<Uint8Array | undefined> {
    await this.#step(`read ${path}`);
    return this.#inodes.get(path)?.current;
  }

  async open(path: string, how: 'fresh' | 'existing'): Promise<LedgerFile> {
    await this.#step(`open ${path}`);
    let inode = this.#inodes.get(path);
    if (how === 'fresh') {
      if (inode === undefined) inode = { durable: Buffer.alloc(0), current: Buffer.alloc(0), poisoned: false };
      inode.current = Buffer.alloc(0);
      inode.poisoned = false;
      this.#name(path, inode);
    } else if (inode === undefined) throw Object.assign(new Error('ENOENT: no such file'), { code: 'ENOENT' });
    return this.#handle(inode);
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#step(`rename ${from} ${to}`);
    const inode = this.#inodes.get(from);
    if (inode === undefined) throw Object.assign(new Error('ENOENT: no such file'), { code: 'ENOENT' });
    this.#inodes.delete(from);
    this.#name(to, inode);
  }

  async syncFolder(path: string): Promise<void> {
    await this.#step(`syncFolder ${path}`);
    this.#durableNames = new Map(this.#inodes);
    this.#pendingNames = [];
  }

  #name(path: string, inode: Inode): void {
    this.#inodes.set(path, inode);
    this.#pendingNames.push(new Map(this.#inodes));
  }

  #handle(inode: Inode): LedgerFile {
    const name = () => [...this.#inodes].find(([, other]) => other === inode)?.[0] ?? '(replaced)';
    return {
      append: async bytes => {
        await this.#step(`append ${name()}`, share => {
          inode.current = Buffer.concat([inode.current, bytes.subarray(0, Math.floor(share * bytes.length))]);
        });
        inode.current = Buffer.concat([inode.current, bytes]);
      },
      datasync: async () => {
        await this.#step(`datasync ${name()}`, () => {
          inode.poisoned = true;
        });
        if (!inode.poisoned) inode.durable = inode.current;
      },
      truncate: async length => {
        await this.#step(`truncate ${name()}`);
        inode.current = inode.current.subarray(0, length);
      },
      close: () => this.#step(`close ${name()}`),
    };
  }

  async #step(name: string, failing?: (share: number) => void): Promise<void> {
    await null;
    if (this.#crashed) throw new SimulatedCrash();
    const fault = this.fault(this.operations++, name);
    this.done.push(name);
    if (fault === undefined) return;
    if (fault.kind === 'error' || name.startsWith('append')) failing?.(fault.share ?? 0);
    if (fault.kind === 'error') throw Object.assign(new Error(`${fault.code}: ${name}`), { code: fault.code });
    this.#crashed = true;
    throw new SimulatedCrash();
  }
}

/** Of an append that was not synced some first bytes survive; of a cut either length does. */
function survivor(inode: Inode, share: number): Buffer {
  const { durable, current } = inode;
  const grown = current.length >= durable.length && current.subarray(0, durable.length).equals(durable);
  if (grown) return current.subarray(0, durable.length + Math.floor(share * (current.length - durable.length + 1)));
  return share < 0.5 ? durable : current;
}
