import fs from 'node:fs';
import path from 'node:path';
import { errnoName } from './errno.ts';
import type { MountPlace } from './host-mounts.ts';
import type { NetnsDoor } from './netns.ts';
import { type Failure, refusal } from './refusal.ts';
import type { Sys } from './sys.ts';

/**
 * A new namespace, kept by a bind mount over an empty file as iproute2's are: it outlives whoever made it. Nothing is
 * mounted twice: who calls has seen that none stands there.
 */
export function keepNetns(sys: Sys, door: NetnsDoor, mounts: MountPlace, file: string): void {
  const request = `keep a network namespace at ${file}`;
  makeFile(request, file);
  door.inNew(request, () => {
    const errno = -mounts.in(request, () => sys.bindMount('/proc/thread-self/ns/net', file));
    if (errno > 0) throw refusal(request, errno);
  });
}

export function moveNetns(sys: Sys, mounts: MountPlace, from: string, to: string): void {
  const request = `keep the network namespace of ${from} at ${to}`;
  makeFile(request, to);
  const errno = -mounts.in(request, () => sys.bindMount(from, to));
  if (errno > 0) throw refusal(request, errno);
  dropNetns(sys, mounts, from);
}

export function dropNetns(sys: Sys, mounts: MountPlace, file: string): void {
  const request = `let go of the network namespace at ${file}`;
  const errno = -mounts.in(request, () => sys.unmount(file));
  // Nothing is mounted there, or nothing is there: its making was interrupted, or somebody was faster.
  if (errno > 0 && !['EINVAL', 'ENOENT'].includes(errnoName(errno))) throw refusal(request, errno);
  onFile(request, () => fs.rmSync(file, { force: true }));
}

export function keptNetns(folder: string): readonly { readonly path: string }[] {
  const names = onFile(`list ${folder}`, () => (fs.existsSync(folder) ? fs.readdirSync(folder) : []));
  return names.map(name => ({ path: path.join(folder, name) }));
}

/**
 * The paths of mounted namespaces, as the kernel tells them (proc_pid_mountinfo(5)), a space as \\040:
 *
 *     36 35 0:4 net:[4026532245] /run/kuryr/guard/3 rw shared:9 - nsfs nsfs rw
 */
export function mountedNetns(): readonly { readonly path: string }[] {
  const told = onFile('list the mounts', () => fs.readFileSync('/proc/thread-self/mountinfo', 'utf8'));
  return [...told.matchAll(/^\S+ \S+ \S+ net:\[\d+\] (\S+) /gm)].map(([, at = '']) => ({
    path: at.replace(/\\(\d{3})/g, (_, octal) => String.fromCharCode(Number.parseInt(octal, 8))),
  }));
}

function makeFile(request: string, file: string): void {
  onFile(request, () => {
    fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
    fs.closeSync(fs.openSync(file, 'a', 0o600));
  });
}

function onFile<T>(request: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    const { errno, code } = error as NodeJS.ErrnoException;
    if (errno === undefined) throw error;
    throw refusal(request, { errno: Math.abs(errno), said: code ?? '' } satisfies Failure);
  }
}
