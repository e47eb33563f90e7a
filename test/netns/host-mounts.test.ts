import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';

/** The program of a daemon's process that keeps a namespace or lets go of it. The host is its parent. */
function daemon(act: string): string {
  const module = (name: string) => JSON.stringify(new URL(`../../src/linux/${name}.ts`, import.meta.url).href);
  return `
    import fs from 'node:fs';
    import { HostMounts } from ${module('host-mounts')};
    import { KoffiSys } from ${module('koffi-sys')};
    import { LinuxKernel } from ${module('linux-kernel')};
    const sys = new KoffiSys();
    const kernel = new LinuxKernel(sys, new HostMounts(sys, '/proc/' + process.ppid + '/ns/mnt'));
    const own = fs.readlinkSync('/proc/thread-self/ns/mnt');
    ${act};
    if (fs.readlinkSync('/proc/thread-self/ns/mnt') !== own) throw new Error('it stayed in the host\\'s mounts');
  `;
}

/**
 * The shell's mounts play the host's: apart from the machine's, and shared, as systemd makes them. Each daemon gets a slave
 * of them, as a service with ProtectSystem= does.
 */
const host = `
  set -eu
  mount --make-rprivate / && mount --make-rshared /
  mount -t tmpfs none "$FOLDER"
  kind() { stat -f -c %T "$FOLDER/guard/7" 2>/dev/null || echo none; }
  echo "before $(kind)"
  unshare -m --propagation slave "$NODE" --input-type=module -e "$MAKE"
  echo "made $(kind)"
  unshare -m --propagation slave "$NODE" --input-type=module -e "$DROP"
  echo "dropped $(kind)"
`;

test('a namespace that a daemon with mounts of its own keeps is seen by the host, outlives the daemon, and is let go of by the next', t => {
  const FOLDER = fs.mkdtempSync(path.join(os.tmpdir(), 'kuryr-t-'));
  t.after(() => fs.rmdirSync(FOLDER));
  const at = JSON.stringify(`${FOLDER}/guard/7`);
  const told = execFileSync('unshare', ['-m', '--propagation', 'private', 'sh', '-c', host], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...{ PATH: process.env['PATH'], FOLDER, NODE: process.execPath },
      MAKE: daemon(`kernel.keepNetns(${at}); if (!kernel.exists({ path: ${at} })) throw new Error('unseen by itself')`),
      DROP: daemon(
        `if (!kernel.exists({ path: ${at} })) throw new Error('unseen by the next'); kernel.dropNetns(${at})`,
      ),
    },
  });
  assert.deepEqual(told.trim().split('\n'), ['before none', 'made nsfs', 'dropped none']);
});
