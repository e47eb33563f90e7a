import fs from 'node:fs';
import { type Failure, refusal } from './refusal.ts';

/**
 * The file of a sysctl. As in sysctl(8) the first separator decides: `net.ipv4.conf.all.forwarding`, or with slashes
 * where a link's name has a dot, `net/ipv4/conf/eth0.5/forwarding`.
 * @throws TypeError for a path that leaves /proc/sys
 */
export function sysctlFile(path: string): string {
  const parts = path.includes('/') ? path.split('/') : path.split('.');
  if (parts.some(part => part === '' || part === '.' || part === '..')) throw new TypeError(`not a sysctl: ${path}`);
  return `/proc/sys/${parts.join('/')}`;
}

/** The value in the namespace of the calling thread; undefined where the kernel has no such setting. */
export function readSysctl(path: string): string | undefined {
  try {
    return fs.readFileSync(sysctlFile(path), 'utf8').trim();
  } catch (error) {
    const failure = failureOf(error);
    if (failure === undefined) throw error;
    if (['ENOENT', 'ENOTDIR'].includes(failure.name)) return undefined;
    throw refusal(`read the sysctl ${path}`, failure);
  }
}

export function writeSysctl(path: string, value: string): void {
  try {
    // Never O_CREAT: /proc has only what the kernel made.
    fs.writeFileSync(sysctlFile(path), value, { flag: 'r+' });
  } catch (error) {
    const failure = failureOf(error);
    if (failure === undefined) throw error;
    throw refusal(`set the sysctl ${path} to ${value}`, failure);
  }
}

function failureOf(error: unknown): (Failure & { readonly name: string }) | undefined {
  if (!(error instanceof Error) || !('errno' in error) || !('code' in error)) return undefined;
  return { errno: Math.abs(Number(error.errno)), name: String(error.code), said: '' };
}
