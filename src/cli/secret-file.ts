import { open, rm } from 'node:fs/promises';
import { KuryrError } from '../errors/kuryr-error.ts';

/** A file that is there, empty, before what it is to hold is made: nothing is lost for want of a place. */
export interface SecretFile {
  write(text: string): Promise<void>;
  /** Takes it away. */
  discard(): Promise<void>;
}

/** Makes a file that its owner alone may read. @throws FILE_EXISTS, FILE_UNWRITABLE */
export async function secretFile(file: string): Promise<SecretFile> {
  const handle = await open(file, 'wx', 0o600).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EEXIST') throw new KuryrError('FILE_EXISTS', { file }, { cause: error });
    throw new KuryrError('FILE_UNWRITABLE', { file, reason: error.code ?? error.message }, { cause: error });
  });
  return {
    async write(text) {
      await handle.writeFile(text);
      await handle.close();
    },
    async discard() {
      await handle.close();
      await rm(file);
    },
  };
}
