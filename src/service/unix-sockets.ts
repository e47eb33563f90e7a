import { readFileSync, readlinkSync, statSync } from 'node:fs';

/** A unix socket as the kernel lists it. */
export interface UnixSocket {
  readonly type: 'stream' | 'datagram' | 'other';
  readonly listening: boolean;
  /** Undefined where it was bound to none. */
  readonly path: string | undefined;
}

/** What the process has behind a descriptor; undefined where that is no unix socket. */
export type LookAtSocket = (fd: number) => UnixSocket | undefined;

/** The mode bits of the file; undefined where there is none. */
export type LookAtMode = (path: string) => number | undefined;

const SO_ACCEPTCON = 0x10000;
const types: Readonly<Record<string, UnixSocket['type']>> = { '0001': 'stream', '0002': 'datagram' };

/**
 * The sockets of /proc/net/unix (unix(7)) by inode:
 *
 *     Num       RefCount Protocol Flags    Type St Inode Path
 *     ffff8a01: 00000002 00000000 00010000 0001 01 18123 /run/kuryr/control.sock
 */
export function parseUnixSockets(table: string): ReadonlyMap<string, UnixSocket> {
  const rows = table.matchAll(/^\S+: \S+ \S+ ([0-9A-F]{8}) (\S{4}) \S+ +(\d+)(?: (.+))?$/gm);
  return new Map(
    [...rows].map(([, flags = '', type = '', inode = '', path]) => [
      inode,
      { type: types[type] ?? 'other', listening: (Number.parseInt(flags, 16) & SO_ACCEPTCON) !== 0, path },
    ]),
  );
}

export const lookAtSocket: LookAtSocket = fd => {
  let link: string;
  try {
    link = readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return undefined;
  }
  const [, inode = ''] = /^socket:\[(\d+)\]$/.exec(link) ?? [];
  return parseUnixSockets(readFileSync('/proc/self/net/unix', 'utf8')).get(inode);
};

export const lookAtMode: LookAtMode = path => {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat && stat.mode & 0o7777;
};
