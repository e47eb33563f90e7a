import fs from 'node:fs';
import { errnoName } from './errno.ts';
import type { Synchronous } from './netns.ts';
import { refusal } from './refusal.ts';
import { CLONE_FS, CLONE_NEWNS, O_RDONLY, type Sys } from './sys.ts';

/** Where mounts are made and removed. */
export interface MountPlace {
  /** Runs `within`, which may only be synchronous, where the host sees what it mounts. */
  in<T>(request: string, within: () => T & Synchronous<T>): T;
}

/** For a daemon that sees the machine's mounts as everybody does. */
export const ownMounts: MountPlace = { in: (_, within) => within() };

const OWN = '/proc/thread-self/ns/mnt';
const HOSTS = '/proc/1/ns/mnt';

/**
 * The host's mounts, for a daemon in whose sandbox mounts are its own: they come in from the host, but what it mounts goes
 * nowhere and ends with it (systemd.exec(5), PrivateMounts=: true of every ProtectSystem= and PrivateTmp=). A guard has to
 * outlive the daemon.
 */
export class HostMounts implements MountPlace {
  readonly #sys: Sys;
  readonly #home: number;
  readonly #host: number;
  #isAlone = false;

  /** @param host a path to the host's mount namespace */
  constructor(sys: Sys, host = HOSTS) {
    this.#sys = sys;
    this.#home = opened(sys, OWN);
    this.#host = opened(sys, host);
  }

  in<T>(request: string, within: () => T & Synchronous<T>): T {
    this.#standAlone(request);
    const errno = -this.#sys.setns(this.#host, CLONE_NEWNS);
    if (errno > 0) throw refusal(request, errno);
    try {
      return within();
    } finally {
      const back = -this.#sys.setns(this.#home, CLONE_NEWNS);
      if (back > 0) this.#sys.abort(`cannot return to the own mounts: ${errnoName(back)}`);
    }
  }

  /** Into another mount namespace goes only a thread that shares its root and working folder with no other (setns(2)). */
  #standAlone(request: string): void {
    if (this.#isAlone) return;
    const errno = -this.#sys.unshare(CLONE_FS);
    if (errno > 0) throw refusal(request, errno);
    this.#isAlone = true;
  }
}

/** Whether the process has mounts of its own, apart from those of the machine's first process. */
export function hasOwnMounts(): boolean {
  return fs.readlinkSync(OWN) !== fs.readlinkSync(HOSTS);
}

function opened(sys: Sys, path: string): number {
  const fd = sys.open(path, O_RDONLY);
  if (fd < 0) throw refusal(`open ${path}`, -fd);
  return fd;
}
