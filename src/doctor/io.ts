import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { dirname } from 'node:path';
import { reasonOf } from './errno.ts';

/** For a read that may find nothing there. Rethrows what is worse. */
export function missing(error: unknown): undefined {
  if (!['ENOENT', 'ENOTDIR', 'EACCES'].includes(reasonOf(error))) throw error;
}

/**
 * Whether files can be made in it. A folder that is missing is judged by the first one above it that exists: there it
 * would be made.
 */
export async function folder(path: string): Promise<'writable' | 'unwritable' | 'missing'> {
  try {
    await access(path, constants.W_OK | constants.X_OK);
    return 'writable';
  } catch (error) {
    if (reasonOf(error) !== 'ENOENT' || path === dirname(path)) return 'unwritable';
    return (await folder(dirname(path))) === 'unwritable' ? 'unwritable' : 'missing';
  }
}
