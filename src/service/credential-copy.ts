/** Reads a file as text; rejects where it cannot. */
export type ReadText = (path: string) => Promise<string>;

/**
 * A reader for which the copy of a credential that systemd made at the start (LoadCredential=) is as new as its original.
 * systemd renews such copies only by a restart, or from 260 on where a unit asks for it, while whoever rotates a credential
 * writes the original. Where the copy was never that file's, an encrypted credential's say, it stays what it is.
 */
export async function followOriginal(copy: string, original: string, read: ReadText): Promise<ReadText> {
  const unlessMissing = (path: string) => read(path).catch(() => undefined);
  const [copied, written] = await Promise.all([unlessMissing(copy), unlessMissing(original)]);
  if (copied === undefined || copied !== written) return read;
  return async path => (path === copy ? ((await unlessMissing(original)) ?? read(copy)) : read(path));
}
