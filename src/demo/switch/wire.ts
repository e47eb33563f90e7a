import { linkAddress, PACKET_IGNORE_OUTGOING, SOL_PACKET, untaggedFilter } from '../../linux/packet.ts';
import { refusal } from '../../linux/refusal.ts';
import { AF_PACKET, cInt, SOCK_NONBLOCK, SOCK_RAW, SOL_SOCKET, type Sys } from '../../linux/sys.ts';

// linux/if_packet.h, asm-generic/socket.h
const PACKET_VNET_HDR = 15;
const SO_SNDBUF = 7;
const SO_RCVBUF = 8;
/** struct virtio_net_hdr, which precedes each frame: what is left to segment and to sum up. */
const HEADER_BYTES = 10;
const FRAME_BYTES = 65_536 + 64;
/** Frames taken from one wire before the others have their turn. */
const FRAMES_A_TURN = 64;
const BUFFER_BYTES = 8 << 20;

/** One end of a cable: a packet socket on a link. Large frames pass whole, as between virtio NICs. */
export class Wire {
  readonly fd: number;
  readonly #sys: Sys;
  readonly #buffer = Buffer.alloc(HEADER_BYTES + FRAME_BYTES);

  /** @throws NOT_PRIVILEGED, KERNEL_REFUSED */
  constructor(sys: Sys, ifindex: number) {
    this.#sys = sys;
    this.fd = sys.socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, 0);
    if (this.fd < 0) throw refusal('open a packet socket', -this.fd);
    const check = (result: number, request: string): void => {
      if (result < 0) throw refusal(request, -result);
    };
    // The kernel hands over a VLAN tag apart from the frame, so what is left of a tagged one would look untagged.
    check(sys.attachFilter(this.fd, untaggedFilter()), 'filter a packet socket');
    check(sys.setsockopt(this.fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, cInt(1)), 'leave out what is sent');
    check(sys.setsockopt(this.fd, SOL_PACKET, PACKET_VNET_HDR, cInt(1)), 'take large frames whole');
    for (const name of [SO_SNDBUF, SO_RCVBUF]) sys.setsockopt(this.fd, SOL_SOCKET, name, cInt(BUFFER_BYTES));
    check(sys.bind(this.fd, linkAddress(ifindex)), `bind a packet socket to the link ${ifindex}`);
  }

  /** Calls `take` with frames that have arrived, and with what {@link send} wants of each; both are valid during the call. */
  read(take: (frame: Buffer, whole: Buffer) => void): void {
    for (let count = 0; count < FRAMES_A_TURN; count++) {
      const length = this.#sys.recv(this.fd, this.#buffer, 0);
      // Nothing more; or a link that went down, which is told once.
      if (length < 0) return;
      if (length > HEADER_BYTES) take(this.#buffer.subarray(HEADER_BYTES, length), this.#buffer.subarray(0, length));
    }
  }

  /** A frame that finds no room is lost, as on any network. */
  send(whole: Buffer): void {
    this.#sys.send(this.fd, whole);
  }
}
