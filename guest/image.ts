import { existsSync } from 'node:fs';
import { copyFile, mkdir, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { command } from './command.ts';
import type { Guest } from './guest.ts';

const applets = ['sh', 'ip', 'ping', 'ping6', 'arping', 'nc', 'sleep', 'cat', 'wget', 'httpd', 'ls', 'echo', 'true'];

/** Makes the image `bb`, the tree's static busybox alone, as a tar where the guest sees it; gives its path there. */
export async function imageFile(guest: Guest): Promise<string> {
  const tar = join(guest.folder, 'bb.tar');
  if (existsSync(tar)) return '/mnt/bb.tar';
  const content = join(guest.folder, 'bb');
  await mkdir(join(content, 'bin'), { recursive: true });
  await mkdir(join(content, 'tmp'));
  await copyFile(join(guest.options.tree, 'usr/bin/busybox'), join(content, 'bin/busybox'));
  for (const applet of applets) await symlink('busybox', join(content, 'bin', applet));
  await command(['tar', '-C', content, '--owner=0', '--group=0', '-cf', tar, '.']);
  await rm(content, { recursive: true });
  return '/mnt/bb.tar';
}
