import type { PacketSocket } from './kernel.ts';
import { parseMac } from './link.ts';
import { refusal } from './refusal.ts';
import { AF_PACKET, cInt, MSG_DONTWAIT, SOCK_NONBLOCK, SOCK_RAW, type Sys } from './sys.ts';

const ETH_P_IPV6 = 0x86dd;
const ETH_P_ALL = 0x0003;
// linux/if_packet.h
export const SOL_PACKET = 263;
const PACKET_ADD_MEMBERSHIP = 1;
export const PACKET_IGNORE_OUTGOING = 23;
const PACKET_MR_UNICAST = 3;

/** The largest frame that ARP or neighbour discovery fit in, with room. */
const FRAME_BYTES = 2048;
/** Frames read in one turn; what is left comes in the next, so that a flood cannot hold the loop. */
const FRAMES_A_TURN = 256;

/**
 * A packet socket on one link that gets the frames of one EtherType; of IPv6 only neighbour discovery (ICMPv6 types 133
 * to 137). It taps the link before an ipvlan or macvlan slave takes a frame away (net/core/dev.c,
 * __netif_receive_skb_core: all-protocol taps come before the rx handler, those of one protocol after it), so it sees
 * answers to an address that a container already holds; the filter runs in the kernel.
 */
export class LinuxPacketSocket implements PacketSocket {
  readonly #sys: Sys;
  readonly #ifindex: number;
  readonly #fd: number;
  readonly #buffer = Buffer.alloc(FRAME_BYTES);
  #stop: () => void = () => {};
  #open = true;

  constructor(sys: Sys, ifindex: number, etherType: number) {
    this.#sys = sys;
    this.#ifindex = ifindex;
    // Protocol 0 until the filter stands, so that nothing unfiltered is queued.
    this.#fd = sys.socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, 0);
    if (this.#fd < 0) throw refusal('open a packet socket', -this.#fd);
    try {
      this.#check(sys.attachFilter(this.#fd, filterFor(etherType)), 'filter a packet socket');
      // Kernels before 4.20 lack it: the filter's owner then sees its own frames, which answer no question.
      sys.setsockopt(this.#fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, cInt(1));
      this.#check(sys.bind(this.#fd, linkAddress(ifindex)), `bind a packet socket to the link ${ifindex}`);
    } catch (error) {
      sys.close(this.#fd);
      throw error;
    }
  }

  send(frame: Uint8Array): void {
    this.#check(this.#sys.send(this.#fd, frame), `send a frame out of the link ${this.#ifindex}`);
  }

  onFrame(take: (frame: Uint8Array) => void): void {
    this.#stop();
    const reader = this.#sys.onReadable(this.#fd, () => this.#read(take));
    this.#stop = reader.stop;
    this.#check(-reader.errno, 'listen to a packet socket');
  }

  acceptMac(mac: string): void {
    // struct packet_mreq { int ifindex; u16 type; u16 alen; u8 address[8]; }
    const request = Buffer.alloc(16);
    request.writeInt32LE(this.#ifindex, 0);
    request.writeUInt16LE(PACKET_MR_UNICAST, 4);
    request.writeUInt16LE(6, 6);
    request.set(parseMac(mac), 8);
    const done = this.#sys.setsockopt(this.#fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, request);
    this.#check(done, `take frames for ${mac} on the link ${this.#ifindex}`);
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#stop();
    // packet_release (net/packet/af_packet.c) waits for an RCU grace period.
    void this.#sys.closeAside(this.#fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #read(take: (frame: Uint8Array) => void): void {
    for (let count = 0; this.#open; count++) {
      if (count === FRAMES_A_TURN) {
        setImmediate(() => this.#read(take));
        return;
      }
      const length = this.#sys.recv(this.#fd, this.#buffer, MSG_DONTWAIT);
      // ENETDOWN and the like tell of the link's state once and are cleared by that.
      if (length <= 0) return;
      take(new Uint8Array(this.#buffer.subarray(0, length)));
    }
  }

  #check(result: number, request: string): void {
    if (result < 0) throw refusal(request, -result);
  }
}

/**
 * Frames of all protocols on a link, as bind() wants it:
 * struct sockaddr_ll { u16 family; be16 protocol; s32 ifindex; u16 hatype; u8 pkttype; u8 halen; u8 addr[8]; }
 */
export function linkAddress(ifindex: number): Uint8Array {
  const address = Buffer.alloc(20);
  address.writeUInt16LE(AF_PACKET, 0);
  address.writeUInt16BE(ETH_P_ALL, 2);
  address.writeInt32LE(ifindex, 4);
  return address;
}

// linux/bpf_common.h, linux/filter.h
const LD_W_ABS = 0x20;
const LD_H_ABS = 0x28;
const LD_B_ABS = 0x30;
const JEQ = 0x15;
const JGE = 0x35;
const RET = 0x06;
const SKF_AD_OFF = 0xfffff000;
const SKF_AD_VLAN_TAG_PRESENT = 48;

type Instruction = readonly [code: number, value: number, ifTrue?: number, ifFalse?: number];

/** A classic BPF program: untagged frames of any kind. */
export const untaggedFilter = (): Uint8Array =>
  assemble([
    [LD_W_ABS, SKF_AD_OFF + SKF_AD_VLAN_TAG_PRESENT],
    [JEQ, 0, 0, 1],
    [RET, 0xffffffff],
    [RET, 0],
  ]);

/** A classic BPF program: untagged frames of the EtherType; of IPv6 only neighbour discovery. */
function filterFor(etherType: number): Uint8Array {
  const more: readonly Instruction[] =
    etherType === ETH_P_IPV6
      ? [
          [LD_B_ABS, 20], // IPv6 next header
          [JEQ, 58, 0, 4], // ICMPv6, without extension headers as neighbour discovery is
          [LD_B_ABS, 54], // ICMPv6 type
          [JGE, 138, 2, 0],
          [JGE, 133, 0, 1],
        ]
      : [];
  const beyond = more.length + 1;
  return assemble([
    [LD_W_ABS, SKF_AD_OFF + SKF_AD_VLAN_TAG_PRESENT],
    [JEQ, 0, 0, 2 + beyond],
    [LD_H_ABS, 12],
    [JEQ, etherType, 0, beyond],
    ...more,
    [RET, 0xffff],
    [RET, 0],
  ]);
}

/** struct sock_filter { u16 code; u8 jt; u8 jf; u32 k; } */
function assemble(program: readonly Instruction[]): Uint8Array {
  const bytes = Buffer.alloc(program.length * 8);
  program.forEach(([code, value, ifTrue = 0, ifFalse = 0], index) => {
    bytes.writeUInt16LE(code, index * 8);
    bytes.writeUInt8(ifTrue, index * 8 + 2);
    bytes.writeUInt8(ifFalse, index * 8 + 3);
    bytes.writeUInt32LE(value, index * 8 + 4);
  });
  return bytes;
}
