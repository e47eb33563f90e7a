import { EAGAIN, EINTR, ENOBUFS } from './errno.ts';
import {
  decodeAttributes,
  decodeMessages,
  encodeMessage,
  type Message,
  NLM_F_ACK,
  NLM_F_DUMP,
  NLM_F_DUMP_INTR,
  type Request,
  readString,
  viewOf,
} from './message.ts';
import { type Failure, refusal } from './refusal.ts';
import { AF_NETLINK, cInt, MSG_DONTWAIT, MSG_TRUNC, SO_RCVTIMEO, SOCK_RAW, SOL_SOCKET, type Sys } from './sys.ts';

const NETLINK_ROUTE = 0;
const SOL_NETLINK = 270;
const NETLINK_CAP_ACK = 10;
const NETLINK_EXT_ACK = 11;
const NETLINK_LISTEN_ALL_NSID = 8;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
/** Of an error message: the request's payload is not repeated; a text follows. */
const NLM_F_CAPPED = 0x100;
const NLM_F_ACK_TLVS = 0x200;
const NLMSGERR_ATTR_MSG = 1;

/** A dump's parts are at most 32 KiB (net/netlink/af_netlink.c, netlink_dump). */
const RECEIVE_BYTES = 64 * 1024;
/** The kernel answers within the call; only a lost answer is waited for. */
const LOST_AFTER_SECONDS = 2;
/** A table that changes while it is dumped is asked for again; one that never rests is taken as it came. */
const DUMP_ATTEMPTS = 5;

/** What the kernel said to a request: nothing wrong, or a failure. */
export type Outcome = Failure | undefined;

/** A socket of the rtnetlink family, in the namespace in which it was opened. One request at a time. */
export class Netlink implements Disposable {
  readonly #sys: Sys;
  readonly #fd: number;
  readonly #buffer = Buffer.alloc(RECEIVE_BYTES);
  #seq = 0;

  /** @param groups bit mask of multicast groups (RTMGRP_LINK …) to listen to */
  constructor(sys: Sys, groups = 0) {
    this.#sys = sys;
    this.#fd = sys.socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
    if (this.#fd < 0) throw refusal('open a netlink socket', -this.#fd);
    // struct timeval { long sec; long usec; }
    const timeout = new Uint8Array(BigInt64Array.of(BigInt(LOST_AFTER_SECONDS), 0n).buffer);
    sys.setsockopt(this.#fd, SOL_SOCKET, SO_RCVTIMEO, timeout);
    sys.setsockopt(this.#fd, SOL_NETLINK, NETLINK_EXT_ACK, cInt(1));
    sys.setsockopt(this.#fd, SOL_NETLINK, NETLINK_CAP_ACK, cInt(1));
    // struct sockaddr_nl { u16 family; u16 pad; u32 pid; u32 groups; }
    const address = Buffer.alloc(12);
    address.writeUInt16LE(AF_NETLINK, 0);
    address.writeUInt32LE(groups, 8);
    const bound = sys.bind(this.#fd, address);
    if (bound < 0) {
      sys.close(this.#fd);
      throw refusal('bind a netlink socket', -bound);
    }
  }

  get fd(): number {
    return this.#fd;
  }

  /** Sends a request and waits for its acknowledgement. */
  change(request: Request): Outcome {
    const seq = ++this.#seq;
    const sent = this.#sys.send(this.#fd, encodeMessage({ ...request, flags: request.flags | NLM_F_ACK }, seq));
    if (sent < 0) return { errno: -sent, said: '' };
    return this.#collect(seq, () => {});
  }

  /**
   * Sends several at once; each has its own outcome. The kernel goes through them within the call: who is killed has sent
   * all of them or none.
   */
  changeTogether(requests: readonly Request[]): readonly Outcome[] {
    const first = this.#seq + 1;
    this.#seq += requests.length;
    const bytes = requests.map((request, n) =>
      encodeMessage({ ...request, flags: request.flags | NLM_F_ACK }, first + n),
    );
    const sent = this.#sys.send(this.#fd, Buffer.concat(bytes));
    if (sent < 0) return requests.map(() => ({ errno: -sent, said: '' }));
    return requests.map((_, n) => this.#collect(first + n, () => {}));
  }

  /** As `change` for a request in which the kernel waits: that happens on another thread. */
  async changeAside(request: Request): Promise<Outcome> {
    const seq = ++this.#seq;
    const bytes = encodeMessage({ ...request, flags: request.flags | NLM_F_ACK }, seq);
    const sent = await this.#sys.sendAside(this.#fd, bytes);
    if (sent < 0) return { errno: -sent, said: '' };
    return this.#collect(seq, () => {});
  }

  /** Asks for one thing. */
  get(request: Request): Message | Failure {
    let answer: Message | undefined;
    const seq = ++this.#seq;
    const sent = this.#sys.send(this.#fd, encodeMessage({ ...request, flags: request.flags | NLM_F_ACK }, seq));
    if (sent < 0) return { errno: -sent, said: '' };
    const failure = this.#collect(seq, message => {
      answer = message;
    });
    return failure ?? answer ?? { errno: EAGAIN, said: 'the kernel acknowledged without an answer' };
  }

  /** Asks for a whole table, again while it changes under way. */
  dump(request: Request): readonly Message[] | Failure {
    for (let attempt = 1; ; attempt++) {
      const messages: Message[] = [];
      let torn = false;
      const seq = ++this.#seq;
      const sent = this.#sys.send(this.#fd, encodeMessage({ ...request, flags: request.flags | NLM_F_DUMP }, seq));
      if (sent < 0) return { errno: -sent, said: '' };
      const failure = this.#collect(seq, message => {
        torn ||= (message.flags & NLM_F_DUMP_INTR) !== 0;
        messages.push(message);
      });
      torn ||= failure?.errno === ENOBUFS;
      if (torn && attempt < DUMP_ATTEMPTS) continue;
      return failure ?? messages;
    }
  }

  /** What has arrived by now, for a socket that listens to groups; `lost` when the kernel dropped some. */
  drain(): { readonly messages: readonly Message[]; readonly lost: boolean } {
    const messages: Message[] = [];
    let lost = false;
    for (;;) {
      const length = this.#sys.recv(this.#fd, this.#buffer, MSG_DONTWAIT | MSG_TRUNC);
      if (length === -EINTR) continue;
      if (length === -ENOBUFS) lost = true;
      else if (length <= 0) return { messages, lost };
      else if (length > this.#buffer.length) lost = true;
      else messages.push(...decodeMessages(this.#buffer.subarray(0, length)));
    }
  }

  /** Hears the namespaces too that have an id in the socket's own, from now on. */
  hearAll(): void {
    const heard = this.#sys.setsockopt(this.#fd, SOL_NETLINK, NETLINK_LISTEN_ALL_NSID, cInt(1));
    if (heard < 0) throw refusal('listen to other namespaces', -heard);
  }

  /** As {@link drain}, with the id of the namespace that each message is about; undefined for the socket's own. */
  drainAll(): {
    readonly messages: readonly { readonly message: Message; readonly netns: number | undefined }[];
    readonly lost: boolean;
  } {
    const messages: { message: Message; netns: number | undefined }[] = [];
    let lost = false;
    for (;;) {
      const { length, netns } = this.#sys.recvNetns(this.#fd, this.#buffer, MSG_DONTWAIT | MSG_TRUNC);
      if (length === -EINTR) continue;
      if (length === -ENOBUFS || length > this.#buffer.length) lost = true;
      else if (length <= 0) return { messages, lost };
      else for (const message of decodeMessages(this.#buffer.subarray(0, length))) messages.push({ message, netns });
    }
  }

  [Symbol.dispose](): void {
    this.#sys.close(this.#fd);
  }

  /** Reads until the request is acknowledged, or its dump is done; answers of earlier requests are passed over. */
  #collect(seq: number, take: (message: Message) => void): Outcome {
    for (;;) {
      const length = this.#sys.recv(this.#fd, this.#buffer, MSG_TRUNC);
      if (length === -EINTR) continue;
      if (length < 0) return { errno: -length, said: length === -EAGAIN ? 'the kernel did not answer' : '' };
      if (length > this.#buffer.length)
        return { errno: ENOBUFS, said: 'the answer is longer than any the kernel sends' };
      for (const message of decodeMessages(this.#buffer.subarray(0, length))) {
        if (message.seq !== seq) continue;
        if (message.type === NLMSG_ERROR || message.type === NLMSG_DONE) return outcomeOf(message);
        take(message);
      }
    }
  }
}

/**
 * What an acknowledgement or the end of a dump says:
 *
 *     struct nlmsgerr { int error; struct nlmsghdr msg; };   // the request's payload unless capped, then attributes
 */
export function outcomeOf(message: Message): Outcome {
  if (message.body.length < 4) return undefined;
  const errno = -viewOf(message.body).getInt32(0, true);
  if (errno === 0) return undefined;
  return { errno, said: (message.flags & NLM_F_ACK_TLVS) === 0 ? '' : extendedText(message) };
}

function extendedText({ type, flags, body }: Message): string {
  let at = 4;
  if (type === NLMSG_ERROR) {
    if (body.length < 20) return '';
    const request = viewOf(body).getUint32(4, true);
    at = (flags & NLM_F_CAPPED) === 0 ? 4 + ((request + 3) & ~3) : 20;
  }
  return readString(decodeAttributes(body.subarray(Math.min(at, body.length))).get(NLMSGERR_ATTR_MSG));
}
