/** Where one lab lives on this machine: folder, ports and names that no other lab uses. */

/** The kinds of cloud: what enforces port security. */
export type BackendName = 'ovn' | 'linuxbridge';

export interface Place {
  readonly backend: BackendName;
  /** Short, since unix socket paths end at 108 bytes. */
  readonly dir: string;
  readonly lock: string;
  /** What the names of the lab's network namespaces begin with. */
  readonly prefix: string;
  /** TCP ports on the machine's loopback. */
  readonly ports: Readonly<
    Record<'keystone' | 'shortKeystone' | 'neutron' | 'unawareNeutron' | 'postgres' | 'rabbit', number>
  >;
}

/** Several labs of a kind can run on one machine at once. */
export const PLACES = 5;

export function place(backend: BackendName, instance: number): Place {
  const base = (backend === 'ovn' ? 25_000 : 15_000) + 100 * instance;
  const short = `${backend === 'ovn' ? 'ovn' : 'lb'}${instance === 0 ? '' : instance}`;
  return {
    backend,
    dir: `/run/kuryr-lab/${short}`,
    lock: `/run/kuryr-lab/${short}.lock`,
    prefix: `kl-${short}-`,
    // RabbitMQ also takes the two ports after its own (distribution and epmd)
    ports: {
      ...{ keystone: base, shortKeystone: base + 1, neutron: base + 96, unawareNeutron: base + 97 },
      ...{ postgres: base + 32, rabbit: base + 72 },
    },
  };
}
