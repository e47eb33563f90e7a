import { EINVAL } from './errno.ts';
import { encodeMessage, type Message } from './message.ts';
import type { Sys } from './sys.ts';

/** A libc in memory: every call succeeds and does nothing, but for what a test puts in its place. */
export class FakeSys implements Sys {
  /** What is received, in turn: a datagram, or minus errno. */
  readonly arrivals: (Uint8Array | number)[] = [];
  readonly sent: Uint8Array[] = [];
  readonly opened = new Set<number>();
  /** What setns answers, in turn; 0 when there is nothing left. */
  readonly setnsResults: number[] = [];
  /** Called when something is sent, so that an answer can be put among the arrivals. */
  onSend: (data: Uint8Array) => void = () => {};
  take: () => void = () => {};
  #nextFd = 3;

  open(_path: string, _flags: number): number {
    const fd = this.#nextFd++;
    this.opened.add(fd);
    return fd;
  }

  close(fd: number): number {
    return this.opened.delete(fd) ? 0 : -EINVAL;
  }

  async closeAside(fd: number): Promise<number> {
    return this.close(fd);
  }

  setns(_fd: number, _type: number): number {
    return this.setnsResults.shift() ?? 0;
  }

  unshare(): number {
    return 0;
  }

  bindMount(): number {
    return 0;
  }

  unmount(): number {
    return 0;
  }

  flock(): number {
    return 0;
  }

  socket(): number {
    return this.open('', 0);
  }

  bind(): number {
    return 0;
  }

  setsockopt(): number {
    return 0;
  }

  attachFilter(): number {
    return 0;
  }

  send(_fd: number, data: Uint8Array): number {
    this.sent.push(data);
    this.onSend(data);
    return data.length;
  }

  sendTo(fd: number, data: Uint8Array, _address: Uint8Array): number {
    return this.send(fd, data);
  }

  async sendAside(fd: number, data: Uint8Array): Promise<number> {
    return this.send(fd, data);
  }

  recv(_fd: number, into: Uint8Array): number {
    const arrival = this.arrivals.shift() ?? -11;
    if (typeof arrival === 'number') return arrival;
    into.set(arrival);
    return arrival.length;
  }

  recvNetns(fd: number, into: Uint8Array): { length: number; netns: number | undefined } {
    return { length: this.recv(fd, into), netns: undefined };
  }

  onReadable(_fd: number, take: () => void): { readonly errno: number; stop(): void } {
    this.take = take;
    return { errno: 0, stop: () => {} };
  }

  abort(reason: string): never {
    throw new FakeAbort(reason);
  }
}

/** What FakeSys throws where a process would have ended. */
export class FakeAbort extends Error {}

/** A datagram of messages, as the kernel sends it. */
export function datagram(...messages: readonly Message[]): Uint8Array {
  return Buffer.concat(messages.map(message => encodeMessage(message, message.seq)));
}
