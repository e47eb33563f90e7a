import fs from 'node:fs';
import koffi from 'koffi';
import { O_NONBLOCK, SOL_SOCKET, type Sys } from './sys.ts';

const O_CLOEXEC = 0o2000000;
const SOCK_CLOEXEC = 0o2000000;
const SO_ATTACH_FILTER = 26;
const F_GETFL = 3;
const F_SETFL = 4;
const F_SETOWN = 8;
const O_ASYNC = 0o20000;
const MS_BIND = 4096;
const MNT_DETACH = 2;
const SOL_NETLINK = 270;
/** The type of the control message, and the name of the option that asks for it. */
const NETLINK_LISTEN_ALL_NSID = 8;

/**
 * libc by koffi. One for the process: arrivals on sockets are told by SIGIO, whose handler stays once set, since the
 * signal's default action ends the process.
 */
export class KoffiSys implements Sys {
  readonly #libc = bindLibc();
  readonly #readers = new Map<number, () => void>();
  #listening = false;

  open(path: string, flags: number): number {
    return this.#libc.check(this.#libc.open(path, flags | O_CLOEXEC, 'int', 0o600));
  }

  close(fd: number): number {
    return this.#libc.check(this.#libc.close(fd));
  }

  closeAside(fd: number): Promise<number> {
    return this.#aside(done => this.#libc.close.async(fd, done));
  }

  setns(fd: number, type: number): number {
    return this.#libc.check(this.#libc.setns(fd, type));
  }

  unshare(flags: number): number {
    return this.#libc.check(this.#libc.unshare(flags));
  }

  bindMount(source: string, target: string): number {
    return this.#libc.check(this.#libc.mount(source, target, null, MS_BIND, null));
  }

  unmount(target: string): number {
    return this.#libc.check(this.#libc.umount2(target, MNT_DETACH));
  }

  flock(fd: number, operation: number): number {
    return this.#libc.check(this.#libc.flock(fd, operation));
  }

  socket(domain: number, type: number, protocol: number): number {
    return this.#libc.check(this.#libc.socket(domain, type | SOCK_CLOEXEC, protocol));
  }

  bind(fd: number, address: Uint8Array): number {
    return this.#libc.check(this.#libc.bind(fd, address, address.length));
  }

  setsockopt(fd: number, level: number, name: number, value: Uint8Array): number {
    return this.#libc.check(this.#libc.setsockopt(fd, level, name, value, value.length));
  }

  attachFilter(fd: number, program: Uint8Array): number {
    // struct sock_fprog { unsigned short len; struct sock_filter *filter; } with six bytes of padding between.
    const prog = new DataView(new ArrayBuffer(16));
    prog.setUint16(0, program.length / 8, true);
    prog.setBigUint64(8, koffi.address(program), true);
    return this.setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, new Uint8Array(prog.buffer));
  }

  send(fd: number, data: Uint8Array): number {
    return this.#libc.check(this.#libc.send(fd, data, data.length, 0));
  }

  sendTo(fd: number, data: Uint8Array, address: Uint8Array): number {
    return this.#libc.check(this.#libc.sendto(fd, data, data.length, 0, address, address.length));
  }

  sendAside(fd: number, data: Uint8Array): Promise<number> {
    return this.#aside(done => this.#libc.send.async(fd, data, data.length, 0, done));
  }

  recv(fd: number, into: Uint8Array, flags: number): number {
    return this.#libc.check(this.#libc.recv(fd, into, into.length, flags));
  }

  recvNetns(fd: number, into: Uint8Array, flags: number): { length: number; netns: number | undefined } {
    // struct cmsghdr { size_t len; int level; int type; } and its data.
    const control = new DataView(new ArrayBuffer(64));
    // struct iovec { void *base; size_t len; }
    const vector = new DataView(new ArrayBuffer(16));
    vector.setBigUint64(0, koffi.address(into), true);
    vector.setBigUint64(8, BigInt(into.length), true);
    // struct msghdr { void *name; u32 namelen; iovec *iov; size_t iovlen; void *control; size_t controllen; int flags; }
    const message = new DataView(new ArrayBuffer(56));
    message.setBigUint64(16, koffi.address(vector.buffer), true);
    message.setBigUint64(24, 1n, true);
    message.setBigUint64(32, koffi.address(control.buffer), true);
    message.setBigUint64(40, BigInt(control.byteLength), true);
    const length = this.#libc.check(this.#libc.recvmsg(fd, message.buffer, flags));
    const isTold =
      message.getBigUint64(40, true) >= 20n &&
      control.getInt32(8, true) === SOL_NETLINK &&
      control.getInt32(12, true) === NETLINK_LISTEN_ALL_NSID;
    return { length, netns: length > 0 && isTold ? control.getInt32(16, true) : undefined };
  }

  onReadable(fd: number, take: () => void): { readonly errno: number; stop(): void } {
    if (!this.#listening) process.on('SIGIO', () => this.#drain());
    this.#listening = true;
    const flags = this.#libc.fcntl(fd, F_GETFL, 'int', 0);
    const owned = this.#libc.check(this.#libc.fcntl(fd, F_SETOWN, 'int', process.pid));
    const errno =
      owned < 0 ? -owned : -this.#libc.check(this.#libc.fcntl(fd, F_SETFL, 'int', flags | O_ASYNC | O_NONBLOCK));
    this.#readers.set(fd, take);
    // What arrived before the signal was armed is not told of.
    setImmediate(() => this.#readers.get(fd)?.());
    return { errno: Math.max(0, errno), stop: () => void this.#readers.delete(fd) };
  }

  abort(reason: string): never {
    fs.writeSync(2, `kuryr: ${reason}\n`);
    process.abort();
  }

  #aside(call: (done: (error: unknown, result: number) => void) => void): Promise<number> {
    return new Promise((resolve, reject) => {
      call((error, result) => {
        if (error) reject(error);
        else resolve(this.#libc.check(result));
      });
    });
  }

  #drain(): void {
    for (const take of [...this.#readers.values()]) take();
  }
}

function bindLibc() {
  const lib = koffi.load('libc.so.6');
  return {
    open: lib.func('int open(const char *path, int flags, ...)'),
    close: lib.func('int close(int fd)'),
    setns: lib.func('int setns(int fd, int type)'),
    unshare: lib.func('int unshare(int flags)'),
    mount: lib.func(
      'int mount(const char *source, const char *target, const char *type, unsigned long flags, const void *data)',
    ),
    umount2: lib.func('int umount2(const char *target, int flags)'),
    flock: lib.func('int flock(int fd, int operation)'),
    socket: lib.func('int socket(int domain, int type, int protocol)'),
    bind: lib.func('int bind(int fd, const void *address, uint32_t length)'),
    setsockopt: lib.func('int setsockopt(int fd, int level, int name, const void *value, uint32_t length)'),
    send: lib.func('long send(int fd, const void *data, size_t length, int flags)'),
    sendto: lib.func(
      'long sendto(int fd, const void *data, size_t length, int flags, const void *address, uint32_t size)',
    ),
    recv: lib.func('long recv(int fd, _Out_ void *into, size_t length, int flags)'),
    recvmsg: lib.func('long recvmsg(int fd, void *message, int flags)'),
    fcntl: lib.func('int fcntl(int fd, int command, ...)'),
    /** A C result as Sys answers it. */
    check: (result: number): number => (result < 0 ? -koffi.errno() : result),
  };
}
