import type { Filter, Network, Neutron, Port, PortCreate, Subnet } from './neutron.ts';

/** Neutron by whatever credential is in force when a call begins. */
export class SwitchedNeutron implements Neutron {
  #current: Neutron;

  constructor(first: Neutron) {
    this.#current = first;
  }

  /** Calls under way end with the one they began with. */
  use(next: Neutron): void {
    this.#current = next;
  }

  extensions(signal: AbortSignal): Promise<ReadonlySet<string>> {
    return this.#current.extensions(signal);
  }

  port(id: string, signal: AbortSignal): Promise<Port> {
    return this.#current.port(id, signal);
  }

  ports(filter: Filter, signal: AbortSignal): Promise<readonly Port[]> {
    return this.#current.ports(filter, signal);
  }

  createPort(body: PortCreate, signal: AbortSignal): Promise<Port> {
    return this.#current.createPort(body, signal);
  }

  updatePort(...call: Parameters<Neutron['updatePort']>): Promise<Port> {
    return this.#current.updatePort(...call);
  }

  deletePort(id: string, signal: AbortSignal): Promise<void> {
    return this.#current.deletePort(id, signal);
  }

  networks(filter: Filter, signal: AbortSignal): Promise<readonly Network[]> {
    return this.#current.networks(filter, signal);
  }

  subnets(filter: Filter, signal: AbortSignal): Promise<readonly Subnet[]> {
    return this.#current.subnets(filter, signal);
  }
}
