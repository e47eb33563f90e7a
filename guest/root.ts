import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { downloadAll } from './apt.ts';
import { cacheFolder } from './cache.ts';
import { command } from './command.ts';
import { withLock } from './lock.ts';
import type { Say } from './say.ts';

const release = 'trixie';

/** What a guest needs to boot, to run Node and to look at its network. */
const small = [
  ...[
    'base-files',
    'bash',
    'busybox-static',
    'coreutils',
    'dash',
    'e2fsprogs',
    'grep',
    'hostname',
    'iproute2',
    'iputils-ping',
  ],
  ...['kmod', 'libatomic1', 'libc-bin', 'libstdc++6', 'mount', 'perl', 'procps', 'sed', 'util-linux'],
];

/** What it needs besides for containers of a real engine. */
const docker = ['ca-certificates', 'containerd', 'curl', 'docker-cli', 'docker.io', 'iptables', 'runc'];

/** What base-files' and base-passwd's set-up would write. */
const files: Readonly<Record<string, string>> = {
  'etc/passwd': 'root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\n',
  'etc/group': 'root:x:0:\ndocker:x:101:\nnogroup:x:65534:\n',
};

/** Names of old for what is in /run; packages ship empty folders there. */
const links: Readonly<Record<string, string>> = { 'var/run': '/run', 'var/lock': '/run/lock' };

/** A small Debian root for guests. @throws Error */
export async function guestRoot(kind: 'small' | 'docker', say: Say): Promise<string> {
  return debianRoot(kind, kind === 'docker' ? [...small, ...docker] : small, say);
}

/**
 * A Debian root with these packages and what they need, in the cache: unpacked, none set up, which takes no root and no
 * chroot. It is made once. @throws Error
 */
export async function debianRoot(kind: string, names: readonly string[], say: Say): Promise<string> {
  const hash = createHash('sha256')
    .update(JSON.stringify([release, names, files, links]))
    .digest('hex')
    .slice(0, 12);
  const roots = join(cacheFolder(), 'roots');
  const done = join(roots, `${kind}-${hash}`);
  if (existsSync(done)) return done;
  await mkdir(roots, { recursive: true });
  const waiting = (): void => say(`waiting for another process that fetches the Debian root "${kind}"`);
  return await withLock(join(roots, `${kind}.lock`), waiting, async () => {
    if (existsSync(done)) return done;
    const work = join(roots, `.${kind}`);
    await rm(work, { recursive: true, force: true });
    await mkdir(work);
    say(`fetching a Debian root (${names.length} packages of ${release} and what they need; kept in ${done})`);
    await unpack(await downloadAll(names, release, work), join(work, 'root'));
    await rename(join(work, 'root'), done);
    await rm(work, { recursive: true, force: true });
    return done;
  });
}

async function unpack(debs: readonly string[], root: string): Promise<void> {
  // The names of old for what is in /usr, before a package can make folders of them.
  await mkdir(root);
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) {
    await mkdir(join(root, 'usr', name), { recursive: true });
    await symlink(`usr/${name}`, join(root, name));
  }
  for (const deb of debs) await command(['dpkg-deb', '-x', deb, root]);
  for (const name of ['dev', 'proc', 'sys', 'run', 'tmp', 'mnt', 'root', 'etc', 'opt', 'home']) {
    await mkdir(join(root, name), { recursive: true });
  }
  for (const [name, text] of Object.entries(files)) await writeFile(join(root, name), text);
  for (const [name, target] of Object.entries(links)) {
    await rm(join(root, name), { recursive: true, force: true });
    await symlink(target, join(root, name));
  }
}
