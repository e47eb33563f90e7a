import type { Kernel, Link, LinkEvent } from '../linux/kernel.ts';

/**
 * Tells which link events mean that the VM's NICs are not what they were. The kernel announces a master each time a slave
 * comes or goes, and containers' links all the time: those change nothing of a NIC.
 */
export class NicWatch {
  readonly #seen = new Map<number, string>();

  constructor(kernel: Pick<Kernel, 'links'>) {
    for (const link of kernel.links('host')) if (isNic(link)) this.#seen.set(link.ifindex, looksOf(link));
  }

  /** Whether a NIC came, went, or has another name, MAC or MTU. */
  concerns({ type, link }: LinkEvent): boolean {
    if (!isNic(link)) return false;
    const before = this.#seen.get(link.ifindex);
    if (type === 'deleted') return this.#seen.delete(link.ifindex);
    this.#seen.set(link.ifindex, looksOf(link));
    return before !== looksOf(link);
  }
}

/** Everything that can be a master; what runtimes make and remove all the time apart. */
function isNic({ kind }: Link): boolean {
  return kind !== 'ipvlan' && kind !== 'macvlan' && kind !== 'veth';
}

const looksOf = ({ name, mac, mtu }: Link) => `${name} ${mac} ${mtu}`;
