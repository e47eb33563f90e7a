import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

/**
 * When the sources were made, in whole seconds since 1970: what is built of them has no other time in it, so that whoever
 * builds the same sources gets the same bytes. SOURCE_DATE_EPOCH (reproducible-builds.org), else the commit's, else, where
 * git does not know, the manifest's.
 */
export async function sourceDate(top: string, env: NodeJS.ProcessEnv = process.env): Promise<number> {
  const named = env['SOURCE_DATE_EPOCH'];
  if (named !== undefined && /^\d+$/.test(named)) return Number(named);
  try {
    const { stdout } = await promisify(execFile)('git', ['log', '-1', '--format=%ct'], { cwd: top });
    return Number(stdout);
  } catch {
    return Math.floor((await stat(join(top, 'package.json'))).mtimeMs / 1000);
  }
}

/** The day, as `2026-11-26` (UTC). */
export function dayOf(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(0, 10);
}
