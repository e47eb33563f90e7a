import { constants } from 'node:os';

const names = new Map<number, string>();
for (const [name, number] of Object.entries(constants.errno)) if (!names.has(number)) names.set(number, name);
// Of two names for one number, the one that the kernel's own texts use.
names.set(constants.errno.EAGAIN, 'EAGAIN');
names.set(constants.errno.EOPNOTSUPP, 'EOPNOTSUPP');

/** The name of an errno, such as `EBUSY`; `errno 512` for one without a name. */
export function errnoName(errno: number): string {
  return names.get(errno) ?? `errno ${errno}`;
}

export const { EPERM, EINTR, EAGAIN, EACCES, EBUSY, EEXIST, ENODEV, EINVAL, EOPNOTSUPP, ENOBUFS } = constants.errno;
export const { EADDRINUSE, EADDRNOTAVAIL, ENOENT, ESRCH } = constants.errno;
