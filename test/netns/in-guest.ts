/**
 * Runs the tests of this folder in a guest whose kernel has ipvlan, for machines that have none:
 * `./tools/node test/netns/in-guest.ts [name of a file …]`.
 */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { bootGuest } from '../lab/guest/guest.ts';
import { guestKernel } from '../lab/guest/kernel.ts';
import { ensureTree } from '../lab/tree/tree.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
/** What the tests need of the project, and no more: a guest reads each file over hostfs. */
const needed = ['src', 'test/netns', 'node_modules/koffi', 'node_modules/@koromix', 'node_modules/ipaddr.js'];
const chosen = process.argv.slice(2);
const files = (chosen.length > 0 ? chosen : ['*.test.ts']).map(name => `test/netns/${name}`).join(' ');

const say = (text: string) => console.error(text);
const netns = `kuryr-t-guest-${randomBytes(3).toString('hex')}`;
const libraries = mkdtempSync(path.join(tmpdir(), 'kuryr-t-lib-'));
copyLibrary('libatomic.so.1');
execFileSync('ip', ['netns', 'add', netns]);
try {
  const mounts = [
    ...needed.map(name => ({ host: path.join(root, name), guest: `/kuryr/${name}` })),
    { host: path.dirname(process.execPath), guest: '/kuryr-node' },
    { host: libraries, guest: '/kuryr-lib' },
  ];
  const tree = await ensureTree('bookworm', say);
  const options = { name: 'netns', netns, tree, kernel: await guestKernel(say), nics: [], mounts, pin: 1 };
  const guest = await bootGuest(options, AbortSignal.timeout(120_000));
  say(`booted ${guest.release} in ${Math.round(guest.bootMs)} ms`);
  const script = [
    'cd /kuryr',
    `echo '{"type":"module"}' >package.json`,
    // User-Mode Linux 7.2 corrupts its page tables when a process that has io_uring's memory mapped forks, as libuv's do.
    'sysctl -qw kernel.io_uring_disabled=2 2>/dev/null || true',
    `LD_LIBRARY_PATH=/kuryr-lib /kuryr-node/node --test --test-concurrency=1 ${files}`,
  ];
  const { code, stdout, stderr } = await guest.run(script.join('\n'), 300);
  process.stdout.write(stdout + stderr);
  if (code < 0) say(guest.console().slice(-6000));
  process.exitCode = code;
  await guest.kill();
} finally {
  execFileSync('ip', ['netns', 'delete', netns]);
  rmSync(libraries, { recursive: true });
}

/** Copies a library that Node runs with here, and that a guest's tree lacks. */
function copyLibrary(name: string): void {
  const report = process.report.getReport() as { sharedObjects?: readonly string[] };
  const from = report.sharedObjects?.find(file => path.basename(file).startsWith(name));
  if (from !== undefined) copyFileSync(from, path.join(libraries, name));
}
