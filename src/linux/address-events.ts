import { RTMGRP_IFADDR } from './address.ts';
import { Netlink } from './netlink.ts';
import { refusal } from './refusal.ts';
import type { Sys } from './sys.ts';

/**
 * The kernel's announcements about addresses of the daemon's own namespace, as a hint to look again: many that come at
 * once are one, and so is a loss of some (ENOBUFS).
 */
export class AddressEvents {
  readonly #netlink: Netlink;
  readonly #take: () => void;
  readonly #reader: { stop(): void };

  constructor(sys: Sys, take: () => void) {
    this.#take = take;
    this.#netlink = new Netlink(sys, RTMGRP_IFADDR);
    const reader = sys.onReadable(this.#netlink.fd, () => this.#read());
    this.#reader = reader;
    if (reader.errno > 0) {
      this.stop();
      throw refusal('listen to the addresses', reader.errno);
    }
  }

  stop(): void {
    this.#reader.stop();
    this.#netlink[Symbol.dispose]();
  }

  #read(): void {
    const { messages, lost } = this.#netlink.drain();
    if (messages.length > 0 || lost) this.#take();
  }
}
