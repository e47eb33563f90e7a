import { familyOf } from '../address/address.ts';
import { isKuryrError } from '../errors/kuryr-error.ts';
import type { IpvlanFlag, Kernel, Link } from '../linux/kernel.ts';
import { GUARD_IFINDEX, unlessGone } from './standing-guards.ts';

/** The slave that guards a master, in its namespace. It stays down: then it holds addresses and takes no packet. */
export class GuardSlave {
  readonly path: string;
  readonly master: Pick<Link, 'ifindex' | 'name' | 'mtu'>;
  readonly #kernel: Kernel;
  #netnsId: number | undefined;

  constructor(kernel: Kernel, path: string, master: Pick<Link, 'ifindex' | 'name' | 'mtu'>) {
    this.#kernel = kernel;
    this.path = path;
    this.master = master;
  }

  /** The id of its namespace, by which events of the slave's own are told apart. */
  get netnsId(): number | undefined {
    return this.#netnsId;
  }

  /** Makes the namespace and the slave, whichever is missing. Its alias names the VM port. */
  ensure(vmPort: string, flag: IpvlanFlag): void {
    const netns = { path: this.path };
    if (!this.#kernel.exists(netns)) this.#kernel.keepNetns(this.path);
    this.#netnsId = this.#kernel.netnsId(netns);
    const { ifindex: master, mtu } = this.master;
    const link = this.link();
    if (link === undefined) {
      const common = { name: 'guard', ifindex: GUARD_IFINDEX, master, mtu, alias: vmPort };
      this.#kernel.createSlave(netns, { ...common, kind: 'ipvlan', mode: 'l2', flag });
    } else if (link.alias !== vmPort) this.#kernel.setLink(netns, link.ifindex, { alias: vmPort });
  }

  /** The slave as it is, with the mode and flag that all of its master's have; undefined where there is none. */
  link(): Link | undefined {
    const links = unlessGone(() => this.#kernel.links({ path: this.path }), []);
    return links.find(({ master, kind }) => kind === 'ipvlan' && master === this.master.ifindex);
  }

  /** Holds these addresses and no others; gives those that another slave of the master has already. */
  hold(wanted: readonly string[]): readonly string[] {
    const netns = { path: this.path };
    const held = this.#kernel.addresses(netns).filter(({ ifindex }) => ifindex === GUARD_IFINDEX);
    for (const { address, prefix } of held)
      if (!wanted.includes(address)) this.#kernel.removeAddress(netns, GUARD_IFINDEX, address, prefix);
    return wanted
      .filter(address => !held.some(each => each.address === address))
      .filter(address => !this.#take(address));
  }

  /** Puts back mode and flag of the master, and so of all its slaves. */
  putBack(flag: IpvlanFlag): void {
    this.#kernel.setMode({ path: this.path }, GUARD_IFINDEX, 'l2', flag);
  }

  #take(address: string): boolean {
    try {
      // Alone in its prefix: of several in one, the kernel removes all with the first.
      this.#kernel.addAddress({ path: this.path }, GUARD_IFINDEX, address, familyOf(address) === 4 ? 32 : 128);
      return true;
    } catch (error) {
      if (isKuryrError(error, 'ADDRESS_ON_LINK')) return false;
      throw error;
    }
  }
}
