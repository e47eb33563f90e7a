import { KuryrError } from '../errors/kuryr-error.ts';

/** Reads a file as text; rejects where it cannot. */
type ReadText = (path: string) => Promise<string>;

/**
 * The files with the credential that systemd handed over as a copy (LoadCredential=); the first that is there counts.
 * systemd renews such copies only by a restart, or from 260 on where a unit asks for it, while whoever rotates a credential
 * writes the original: that goes first. Where the copy was never that file's, an encrypted credential's say, it stands alone.
 * @throws CLOUD_CONFIG_INVALID where one is there and cannot be read: a rotation would go unnoticed
 */
export async function handedFiles(copy: string, original: string, read: ReadText): Promise<readonly string[]> {
  const unlessMissing = (path: string) =>
    read(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
      throw new KuryrError('CLOUD_CONFIG_INVALID', { source: path, problem: `it cannot be read (${error.code})` });
    });
  const [copied, written] = await Promise.all([unlessMissing(copy), unlessMissing(original)]);
  return copied !== undefined && copied === written ? [original, copy] : [copy];
}
