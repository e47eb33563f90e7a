import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build } from '../../tools/build.ts';
import type { Bench } from './bench.ts';
import { Figures, type Row } from './figures.ts';

const run = promisify(execFile);
const top = join(import.meta.dirname, '../..');

export const attach: Bench = {
  name: 'attach',
  title: 'containers are attached one after another, on a VM that has 200',
  rounds: 3,
  measure,
};

/** What attach-vm.ts prints: figures by peer. */
type Seen = Record<string, Record<string, number | readonly number[]>>;

async function measure(rounds: number): Promise<readonly Row[]> {
  const folder = await mkdtemp(join(tmpdir(), 'kuryr-bench-'));
  try {
    await build(folder);
    const found = new Figures();
    for (let round = 0; round < rounds; round++) {
      // Namespaces of its own, with a /run of its own: all ends with the process.
      const line = 'mount -t tmpfs tmpfs /run && mkdir /run/netns && exec "$@"';
      const inside = [process.execPath, join(top, 'test/bench/attach-vm.ts'), join(folder, 'kuryr.mjs')];
      const own = ['--net', '--mount', '--propagation', 'private', '--pid', '--fork', '--kill-child', '--mount-proc'];
      const { stdout } = await run('unshare', [...own, 'sh', '-ec', line, 'sh', ...inside], {
        timeout: 900_000,
      });
      console.log(`round ${round + 1}: ${stdout.trim()}`);
      for (const [figure, peers] of Object.entries(JSON.parse(stdout) as Seen))
        for (const [peer, values] of Object.entries(peers))
          for (const value of [values].flat()) found.add(figure, peer, value);
    }
    return found.rows();
  } finally {
    await rm(folder, { recursive: true });
  }
}
