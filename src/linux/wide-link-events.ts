import type { WideLinkEvent } from './kernel.ts';
import { RTMGRP_LINK, readLink } from './link.ts';
import { Netlink } from './netlink.ts';
import { refusal } from './refusal.ts';
import type { Sys } from './sys.ts';

/** Link events of many namespaces, read when their reader wants to: containers decide how many there are. */
export class WideLinkEvents {
  readonly #netlink: Netlink;
  readonly #reader: { stop(): void };
  #open = true;

  constructor(sys: Sys, wake: () => void) {
    this.#netlink = new Netlink(sys, RTMGRP_LINK);
    this.#netlink.hearAll();
    const reader = sys.onReadable(this.#netlink.fd, wake);
    this.#reader = reader;
    if (reader.errno > 0) {
      this.stop();
      throw refusal('listen to the links of all namespaces', reader.errno);
    }
  }

  read(): { readonly events: readonly WideLinkEvent[]; readonly lost: boolean } {
    if (!this.#open) return { events: [], lost: false };
    const { messages, lost } = this.#netlink.drainAll();
    const events = messages.flatMap(({ message, netns }) => {
      const read = readLink(message);
      return read === undefined ? [] : [{ type: read.gone ? 'deleted' : 'changed', link: read.link, netns } as const];
    });
    return { events, lost };
  }

  stop(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#reader.stop();
    this.#netlink[Symbol.dispose]();
  }
}
