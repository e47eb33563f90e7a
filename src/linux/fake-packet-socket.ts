import { fakeRefusal } from './fake-refusal.ts';
import type { PacketSocket } from './kernel.ts';

/** A packet socket whose sent frames a test sees, and to which it hands frames. */
export class FakePacketSocket implements PacketSocket {
  readonly ifindex: number;
  readonly etherType: number;
  readonly sent: Uint8Array[] = [];
  readonly accepted: string[] = [];
  closed = false;
  readonly #answer: (frame: Uint8Array) => readonly Uint8Array[];
  #take: (frame: Uint8Array) => void = () => {};

  constructor(ifindex: number, etherType: number, answer: (frame: Uint8Array) => readonly Uint8Array[]) {
    this.ifindex = ifindex;
    this.etherType = etherType;
    this.#answer = answer;
  }

  send(frame: Uint8Array): void {
    if (this.closed) throw fakeRefusal('KERNEL_REFUSED', 'send a frame', 'EBADF', {});
    this.sent.push(frame.slice());
    for (const answer of this.#answer(frame)) queueMicrotask(() => this.receive(answer));
  }

  onFrame(take: (frame: Uint8Array) => void): void {
    this.#take = take;
  }

  /** Hands a frame to the socket's owner, as the network would. */
  receive(frame: Uint8Array): void {
    if (!this.closed) this.#take(frame);
  }

  acceptMac(mac: string): void {
    this.accepted.push(mac);
  }

  close(): void {
    this.closed = true;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
