import { KuryrError } from '../errors/kuryr-error.ts';

/** Reads a file as text; rejects where it cannot. */
export type ReadText = (path: string) => Promise<string>;

/**
 * A reader for which the copy of a credential that systemd made at the start (LoadCredential=) is as new as its original.
 * systemd renews such copies only by a restart, or from 260 on where a unit asks for it, while whoever rotates a credential
 * writes the original. Where the copy was never that file's, an encrypted credential's say, it stays what it is.
 */
export async function followOriginal(copy: string, original: string, read: ReadText): Promise<ReadText> {
  // One that is there and cannot be read is a mistake to be told: a rotation would go unnoticed.
  const unlessMissing = (path: string) =>
    read(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
      throw new KuryrError('CLOUD_CONFIG_INVALID', { source: path, problem: `it cannot be read (${error.code})` });
    });
  const [copied, written] = await Promise.all([unlessMissing(copy), unlessMissing(original)]);
  if (copied === undefined || copied !== written) return read;
  return async path => (path === copy ? ((await unlessMissing(original)) ?? read(copy)) : read(path));
}
