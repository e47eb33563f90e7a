import { join } from 'node:path';
import { KuryrError } from '../errors/kuryr-error.ts';
import type { Kernel } from '../linux/kernel.ts';
import type { PairWriter, PairWriters } from '../pairs/pair-writer.ts';

/** Lets a VM port's writer be had only while this daemon holds the port's lock: two daemons never serve one VM port. */
export class PortLocks implements PairWriters, Disposable {
  readonly #kernel: Kernel;
  readonly #folder: string;
  readonly #writers: PairWriters;
  readonly #held = new Map<string, Disposable>();

  constructor(kernel: Kernel, folder: string, writers: PairWriters) {
    this.#kernel = kernel;
    this.#folder = folder;
    this.#writers = writers;
  }

  /** @throws VM_PORT_TAKEN */
  of(portId: string): PairWriter {
    if (!this.#held.has(portId)) {
      const lock = this.#kernel.lock(join(this.#folder, `port-${portId}.lock`));
      if (lock === undefined) throw new KuryrError('VM_PORT_TAKEN', { port: portId });
      this.#held.set(portId, lock);
    }
    return this.#writers.of(portId);
  }

  [Symbol.dispose](): void {
    for (const lock of this.#held.values()) lock[Symbol.dispose]();
    this.#held.clear();
  }
}
