import { isKuryrError, KuryrError } from '../errors/kuryr-error.ts';
import type { Kernel } from '../linux/kernel.ts';
import type { Logger } from '../observe/logger.ts';
import { abortable } from '../openstack/deadline.ts';
import type { Neutron } from '../openstack/neutron.ts';
import { chooseNic, type NicChoice } from './choose.ts';
import { lookUp, type OwnPorts } from './lookup.ts';
import { masterView } from './masters.ts';
import type { Nic, NicQuery, Nics } from './nic.ts';

export interface NeutronNicsParts {
  readonly kernel: Pick<Kernel, 'links' | 'addresses' | 'routes'>;
  readonly neutron: Pick<Neutron, 'port' | 'ports' | 'networks' | 'subnets'>;
  /** Asked only where several ports fit a NIC. */
  readonly ownPorts: OwnPorts;
  /** The configured master. */
  readonly master: string | undefined;
  readonly logger: Logger;
  /** Ends a look-up under way; a caller's signal ends only that caller's wait for it. */
  readonly life: AbortSignal;
}

/** The VM's NICs, asked of the kernel and by three calls of Neutron, then remembered until `forget`. */
export class NeutronNics implements Nics {
  readonly #parts: NeutronNicsParts;
  /** Masters that somebody named: they count whatever kind of link they are. */
  readonly #named: Set<string>;
  #known: Promise<NicChoice> | undefined;

  constructor(parts: NeutronNicsParts) {
    this.#parts = parts;
    this.#named = new Set(parts.master === undefined ? [] : [parts.master]);
  }

  async all(signal: AbortSignal): Promise<readonly Nic[]> {
    return (await this.#choice(signal)).entries.flatMap(({ nic }) => nic ?? []);
  }

  async find(query: NicQuery, signal: AbortSignal): Promise<Nic> {
    const choice = await this.#choice(signal);
    return chooseNic(this.#name(query.master, choice) ? await this.#choice(signal) : choice, query);
  }

  async byPort(portId: string, signal: AbortSignal): Promise<Nic> {
    const nic = (await this.all(signal)).find(({ port }) => port.id === portId);
    if (nic !== undefined) return nic;
    throw unknownPort(`no NIC of this VM is on the port ${portId}`);
  }

  async belongs(portId: string, signal: AbortSignal): Promise<boolean> {
    const own = new Set((await this.all(signal)).map(({ port }) => port.id));
    if (own.has(portId)) return true;
    const { neutron } = this.#parts;
    const port = await neutron.port(portId, signal).catch((error: unknown) => {
      if (isKuryrError(error, 'NEUTRON_NOT_FOUND')) return undefined;
      throw error;
    });
    if (port === undefined || port.device_id === '') return true;
    if (own.size === 0) throw unknownPort('no NIC of this VM is found in Neutron');
    // A NIC that is down, or has lost its address, is not found by these; its server is that of the others.
    const { device_id } = port;
    return (await neutron.ports({ device_id }, signal)).some(({ id }) => own.has(id));
  }

  forget(): void {
    this.#known = undefined;
  }

  /** Whether to ask again: a bond or VLAN was not looked at as long as nobody named it. */
  #name(master: string | undefined, { entries }: NicChoice): boolean {
    if (master === undefined || this.#named.has(master)) return false;
    if (entries.some(entry => entry.master.name === master)) return false;
    if (!this.#parts.kernel.links('host').some(({ name }) => name === master)) return false;
    this.#named.add(master);
    this.forget();
    return true;
  }

  #choice(signal: AbortSignal): Promise<NicChoice> {
    if (this.#known === undefined) {
      const known = this.#ask();
      this.#known = known;
      known.catch(() => {
        if (this.#known === known) this.forget();
      });
    }
    return abortable(this.#known, signal);
  }

  async #ask(): Promise<NicChoice> {
    const { kernel, neutron, ownPorts, master, logger, life } = this.#parts;
    const { masters, defaults } = masterView(kernel, this.#named);
    const entries = await lookUp(masters, neutron, ownPorts, life);
    for (const entry of entries) {
      if (entry.nic === undefined) logger.info({ master: entry.master.name }, `not used: ${entry.problem.text}`);
      else
        logger.info({ master: entry.master.name, port: entry.nic.port.id, network: entry.nic.network.id }, 'NIC found');
    }
    return { entries, defaults, configured: master };
  }
}

const unknownPort = (reason: string) => new KuryrError('VM_PORT_UNKNOWN', { master: 'a NIC', reason });
