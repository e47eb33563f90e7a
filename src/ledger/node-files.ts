import { constants, mkdir, open, readFile, rename } from 'node:fs/promises';
import type { LedgerFiles } from './ledger-files.ts';

/** The ledger's files on the machine's own file system. */
export const nodeFiles: LedgerFiles = {
  async makeFolder(path) {
    await mkdir(path, { recursive: true, mode: 0o700 });
  },

  async read(path) {
    try {
      return await readFile(path);
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      throw error;
    }
  },

  async open(path, how) {
    const { O_APPEND, O_CREAT, O_NOFOLLOW, O_TRUNC, O_WRONLY } = constants;
    const handle = await open(
      path,
      O_WRONLY | O_APPEND | O_NOFOLLOW | (how === 'fresh' ? O_CREAT | O_TRUNC : 0),
      0o600,
    );
    return {
      append: bytes => handle.appendFile(bytes),
      datasync: () => handle.datasync(),
      truncate: length => handle.truncate(length),
      close: () => handle.close(),
    };
  },

  rename,

  async syncFolder(path) {
    const handle = await open(path, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
};
