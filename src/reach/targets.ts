import { contains, familyOf } from '../address/address.ts';
import type { Address, Kernel } from '../linux/kernel.ts';
import type { Nic } from '../nic/nic.ts';
import type { Clock } from '../time/clock.ts';
import type { Asker } from './asker.ts';
import type { ReachTarget } from './reach.ts';

/** A gateway that answered the VM a while ago still does, or the next question will tell. */
const REMEMBER_ANSWERING_MS = 5 * 60_000;
/** One that did not may only have been starting. */
const REMEMBER_SILENT_MS = 60_000;
/** On one network a neighbour answers within milliseconds; a second covers three questions to a busy one. */
const ANSWER_WITHIN_MS = 1000;
/** How many neighbours are tried besides the gateway. */
const NEIGHBOURS_TRIED = 4;

interface Remembered {
  readonly at: number;
  readonly answer: Promise<boolean>;
  /** Undefined while the question is open. */
  answers: boolean | undefined;
}

/**
 * Whom to ask whether a container's frames pass: somebody who answers the VM itself. A subnet's gateway_ip need not be
 * held by anybody (an isolated network has one too), so it is asked in the VM's own name first.
 */
export class Targets {
  readonly #kernel: Pick<Kernel, 'addresses' | 'neighbours'>;
  readonly #clock: Clock;
  readonly #asker: Asker;
  readonly #remembered = new Map<string, Remembered>();

  constructor(kernel: Pick<Kernel, 'addresses' | 'neighbours'>, clock: Clock, asker: Asker) {
    this.#kernel = kernel;
    this.#clock = clock;
    this.#asker = asker;
  }

  /**
   * The gateway if it answers the VM, else another neighbour that does. Questions that are under way are shared.
   * @returns undefined when nobody is known to answer
   */
  async choose({ nic, address, gateway }: ReachTarget): Promise<string | undefined> {
    const own = this.#ownAddress(nic, address);
    if (own === undefined) return undefined;
    const others = this.#neighbours(nic, address).filter(other => other !== gateway);
    const asked = [...(gateway === undefined ? [] : [gateway]), ...others.slice(0, NEIGHBOURS_TRIED)];
    const answers = asked.map(target => this.#answersVm(nic, own, target));
    // All are asked at once, and taken in that order: who comes first is the better choice, not the faster.
    for (const [index, target] of asked.entries()) if (await answers[index]) return target;
    return undefined;
  }

  #answersVm(nic: Nic, own: string, target: string): Promise<boolean> {
    const key = `${nic.master.ifindex} ${nic.port.id} ${target}`;
    const now = this.#clock.monotonic();
    const known = this.#remembered.get(key);
    if (known !== undefined && now - known.at < lifetime(known)) return known.answer;
    for (const [other, { at }] of this.#remembered) {
      if (now - at >= REMEMBER_ANSWERING_MS) this.#remembered.delete(other);
    }
    const from = { address: own, mac: nic.master.mac };
    const answer = this.#asker
      .ask(nic.master, from, target, ANSWER_WITHIN_MS, neverAborted)
      .then(({ answered }) => answered);
    const asked: Remembered = { at: now, answer, answers: undefined };
    this.#remembered.set(key, asked);
    answer.then(
      answers => {
        asked.answers = answers;
      },
      // A question that could not be sent says nothing of the target.
      () => this.#remembered.delete(key),
    );
    return answer;
  }

  /**
   * An address in whose name the VM may always ask: a fixed address of its port, best one on the container's subnet;
   * else what the master holds, its link-local one last.
   */
  #ownAddress(nic: Nic, address: string): string | undefined {
    const family = familyOf(address);
    const subnet = subnetOf(nic, address);
    const fixed = nic.port.fixedIps.filter(own => familyOf(own) === family);
    const near = fixed.find(own => subnet !== undefined && contains(subnet, own));
    const held = nic.master.addresses.find(own => familyOf(own) === family);
    return near ?? fixed[0] ?? held ?? (family === 6 ? this.#linkLocal(nic)?.address : undefined);
  }

  #linkLocal(nic: Nic): Address | undefined {
    return this.#kernel.addresses('host').find(own => own.ifindex === nic.master.ifindex && own.linkLocal);
  }

  /** Hosts on the container's subnet that the VM's kernel has met on this master. */
  #neighbours(nic: Nic, address: string): string[] {
    const subnet = subnetOf(nic, address);
    if (subnet === undefined) return [];
    return this.#kernel
      .neighbours('host')
      .filter(each => each.ifindex === nic.master.ifindex && each.state !== 'other' && each.state !== 'permanent')
      .map(each => each.address)
      .filter(other => other !== address && contains(subnet, other));
  }
}

function subnetOf(nic: Nic, address: string): string | undefined {
  return nic.subnets.find(subnet => contains(subnet.cidr, address))?.cidr;
}

function lifetime({ answers }: Remembered): number {
  if (answers === undefined) return Number.POSITIVE_INFINITY;
  return answers ? REMEMBER_ANSWERING_MS : REMEMBER_SILENT_MS;
}

/** A shared question is nobody's to abort; it ends by itself. */
const neverAborted = new AbortController().signal;
