/**
 * The libc calls that Kuryr makes: the outermost edge to the kernel, so that a test can wrap it and see, refuse or end
 * the process before any of them. Every call answers as the kernel does: a value ≥ 0, or minus errno. The numbers and
 * struct layouts are those of 64-bit little-endian Linux (x86_64, arm64).
 */
export interface Sys {
  /** open(2); files are made with mode 0600. O_CLOEXEC is always set. */
  open(path: string, flags: number): number;
  close(fd: number): number;
  /** The same on a thread of libuv's pool, for sockets that the kernel lets go only after a grace period. */
  closeAside(fd: number): Promise<number>;
  /** setns(2) of the calling thread. */
  setns(fd: number, type: number): number;
  /** unshare(2) of the calling thread. */
  unshare(flags: number): number;
  /** mount(2) of a file over another, with MS_BIND. */
  bindMount(source: string, target: string): number;
  /** umount2(2) with MNT_DETACH. */
  unmount(target: string): number;
  flock(fd: number, operation: number): number;
  /** socket(2); SOCK_CLOEXEC is always set. */
  socket(domain: number, type: number, protocol: number): number;
  bind(fd: number, address: Uint8Array): number;
  setsockopt(fd: number, level: number, name: number, value: Uint8Array): number;
  /** SO_ATTACH_FILTER: `program` holds struct sock_filter entries of 8 bytes. */
  attachFilter(fd: number, program: Uint8Array): number;
  send(fd: number, data: Uint8Array): number;
  /** sendto(2) */
  sendTo(fd: number, data: Uint8Array, address: Uint8Array): number;
  /** As `send`, on a thread of libuv's pool, for requests in which the kernel waits. */
  sendAside(fd: number, data: Uint8Array): Promise<number>;
  /** recv(2); with MSG_TRUNC in `flags` the answer is the message's true length. */
  recv(fd: number, into: Uint8Array, flags: number): number;
  /**
   * recvmsg(2), for a netlink socket that hears other namespaces: what is received, and the id of the namespace that it
   * is about; undefined for the socket's own.
   */
  recvNetns(
    fd: number,
    into: Uint8Array,
    flags: number,
  ): { readonly length: number; readonly netns: number | undefined };
  /**
   * Calls `take` each time something may have arrived on the socket, until the returned function is called, which must
   * be before the socket is closed. It costs no thread and nothing while idle. `take` reads until EAGAIN.
   */
  onReadable(fd: number, take: () => void): { readonly errno: number; stop(): void };
  /** Ends the process at once, for states in which no further instruction may run. */
  abort(reason: string): never;
}

// fcntl.h
export const O_RDONLY = 0;
export const O_RDWR = 2;
export const O_CREAT = 0o100;
export const O_NONBLOCK = 0o4000;
// O_NOFOLLOW is 0400000 on x86_64 and 0100000 on arm64.
export const O_NOFOLLOW = process.arch === 'arm64' ? 0o100000 : 0o400000;
// sys/file.h
export const LOCK_EX = 2;
export const LOCK_NB = 4;
// sched.h
export const CLONE_FS = 0x200;
export const CLONE_NEWNS = 0x20000;
export const CLONE_NEWNET = 0x40000000;
// sys/socket.h
export const AF_UNIX = 1;
export const AF_NETLINK = 16;
export const AF_PACKET = 17;
export const SOCK_DGRAM = 2;
export const SOCK_RAW = 3;
export const SOCK_NONBLOCK = 0o4000;
export const SOL_SOCKET = 1;
export const SO_RCVTIMEO = 20;
export const MSG_TRUNC = 0x20;
export const MSG_DONTWAIT = 0x40;

/** An int as setsockopt wants it. */
export function cInt(value: number): Uint8Array {
  return new Uint8Array(Int32Array.of(value).buffer);
}

/** struct sockaddr_un of a path, or with `@` in front of a name in the abstract namespace. */
export function unixAddress(name: string): Uint8Array {
  return Buffer.concat([Uint8Array.of(AF_UNIX, 0), Buffer.from(name.replace(/^@/, '\0'))]);
}
