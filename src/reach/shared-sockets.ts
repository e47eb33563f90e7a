import type { Kernel, PacketSocket } from '../linux/kernel.ts';

/** One user's hold on a shared socket; disposing it lets go. */
export interface Line extends Disposable {
  send(frame: Uint8Array): void;
}

interface Shared {
  readonly socket: PacketSocket;
  readonly takers: Set<(frame: Uint8Array) => void>;
  readonly macs: Set<string>;
}

/** One packet socket for each master and EtherType, open as long as somebody uses it. */
export class SharedSockets {
  readonly #kernel: Pick<Kernel, 'packetSocket'>;
  readonly #open = new Map<string, Shared>();

  constructor(kernel: Pick<Kernel, 'packetSocket'>) {
    this.#kernel = kernel;
  }

  /**
   * @param mac also take frames for this MAC, when it is not the master's own
   * @throws what Kernel.packetSocket throws
   */
  use(ifindex: number, etherType: number, mac: string | undefined, take: (frame: Uint8Array) => void): Line {
    const key = `${ifindex} ${etherType}`;
    const shared = this.#open.get(key) ?? this.#start(key, ifindex, etherType);
    shared.takers.add(take);
    const letGo = () => {
      shared.takers.delete(take);
      if (shared.takers.size > 0 || !this.#open.delete(key)) return;
      shared.socket.close();
    };
    try {
      if (mac !== undefined && !shared.macs.has(mac)) {
        shared.socket.acceptMac(mac);
        shared.macs.add(mac);
      }
    } catch (error) {
      letGo();
      throw error;
    }
    return { send: frame => shared.socket.send(frame), [Symbol.dispose]: letGo };
  }

  #start(key: string, ifindex: number, etherType: number): Shared {
    const socket = this.#kernel.packetSocket(ifindex, etherType);
    const takers = new Set<(frame: Uint8Array) => void>();
    socket.onFrame(frame => {
      for (const take of [...takers]) take(frame);
    });
    const shared = { socket, takers, macs: new Set<string>() };
    this.#open.set(key, shared);
    return shared;
  }
}
