import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const prefix = 'kuryr-guest-';
const open = new Set<string>();

process.on('exit', () => {
  for (const folder of open) rmSync(folder, { recursive: true, force: true });
});

/** Makes a folder for one guest, and removes those whose process ended without removing them. */
export function makeWorkFolder(): string {
  for (const name of readdirSync(tmpdir()).filter(entry => entry.startsWith(prefix))) {
    const pid = /^(\d+)-/.exec(name.slice(prefix.length))?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`))
      rmSync(join(tmpdir(), name), { recursive: true, force: true });
  }
  const folder = mkdtempSync(join(tmpdir(), `${prefix}${process.pid}-`));
  open.add(folder);
  return folder;
}

/** Removes such a folder; what it holds of a dead guest is its console's log. */
export function removeWorkFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  open.delete(folder);
}
