import type { Link, LinkEvent } from './kernel.ts';
import { RTMGRP_LINK, readLink } from './link.ts';
import { Netlink } from './netlink.ts';
import { refusal } from './refusal.ts';
import type { Sys } from './sys.ts';

/**
 * The kernel's announcements about links of the daemon's own namespace. Where the kernel had to drop some (ENOBUFS), the
 * links are listed again: each that stands is told as changed, each that no longer does as deleted.
 */
export class LinkEvents {
  readonly #netlink: Netlink;
  readonly #list: () => readonly Link[];
  readonly #take: (event: LinkEvent) => void;
  readonly #known = new Map<number, Link>();
  readonly #reader: { stop(): void };

  constructor(sys: Sys, list: () => readonly Link[], take: (event: LinkEvent) => void) {
    this.#list = list;
    this.#take = take;
    this.#netlink = new Netlink(sys, RTMGRP_LINK);
    for (const link of list()) this.#known.set(link.ifindex, link);
    const reader = sys.onReadable(this.#netlink.fd, () => this.#read());
    this.#reader = reader;
    if (reader.errno > 0) {
      this.stop();
      throw refusal('listen to the links', reader.errno);
    }
  }

  stop(): void {
    this.#reader.stop();
    this.#netlink[Symbol.dispose]();
  }

  #read(): void {
    const { messages, lost } = this.#netlink.drain();
    for (const message of messages) {
      const read = readLink(message);
      if (read !== undefined) this.#tell(read.gone ? 'deleted' : 'changed', read.link);
    }
    if (!lost) return;
    const standing = new Map(this.#list().map(link => [link.ifindex, link]));
    for (const link of [...this.#known.values()]) if (!standing.has(link.ifindex)) this.#tell('deleted', link);
    for (const link of standing.values()) this.#tell('changed', link);
  }

  #tell(type: LinkEvent['type'], link: Link): void {
    if (type === 'deleted') this.#known.delete(link.ifindex);
    else this.#known.set(link.ifindex, link);
    this.#take({ type, link });
  }
}
