import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { downloadAll } from '../../../guest/apt.ts';
import { command } from '../../../guest/command.ts';
import { withLock } from '../../../guest/lock.ts';
import type { Say } from '../../../guest/say.ts';
import type { Suite } from './recipe.ts';
import { ensureTree } from './tree.ts';

/**
 * A tree of that suite with more packages and what they need, none of them set up: so nothing of them starts by itself.
 * All files that the tree has are the tree's own, by hard links. It is made once. Needs root. @throws Error
 */
export async function ensureLayer(suite: Suite, names: readonly string[], say: Say): Promise<string> {
  const tree = await ensureTree(suite, say);
  const hash = createHash('sha256').update(JSON.stringify(names)).digest('hex').slice(0, 12);
  const done = join(dirname(tree), `${basename(tree)}+${hash}`);
  if (existsSync(done)) return done;
  const waiting = (): void => say(`waiting for another process that adds ${names.join(' and ')} to the ${suite} tree`);
  return await withLock(`${done}.lock`, waiting, async () => {
    if (existsSync(done)) return done;
    const from = Date.now();
    const building = `${done}.building`;
    const fetched = `${done}.debs`;
    for (const stale of [building, fetched]) await rm(stale, { recursive: true, force: true });
    await mkdir(fetched);
    const debs = await downloadAll(names, suite, fetched, { installed: join(tree, 'var/lib/dpkg/status') });
    await command(['cp', '-al', tree, building]);
    // It removes what it replaces, and writes into no file: the tree's stay as they are.
    for (const deb of debs) await command(['dpkg-deb', '-x', deb, building]);
    await rm(fetched, { recursive: true });
    // As Python's packages do when they are set up: in a guest the first run of a program would take half a minute more.
    if (existsSync(join(building, 'usr/bin/python3')))
      await command(['chroot', building, 'python3', '-m', 'compileall', '-q', '/usr/lib/python3/dist-packages']);
    await rename(building, done);
    say(`${suite} tree with ${names.join(' and ')}: ready after ${Math.round((Date.now() - from) / 1000)} s`);
    return done;
  });
}
