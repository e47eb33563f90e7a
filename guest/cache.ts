import { homedir } from 'node:os';
import { join } from 'node:path';

/** The folder that keeps what the lab has built: trees, kernels, tools. Absolute. */
export function cacheFolder(): string {
  const base = process.env['XDG_CACHE_HOME'];
  return join(base?.startsWith('/') ? base : join(homedir(), '.cache'), 'kuryr');
}
