import type { Address, Link, Neighbour, Route } from './kernel.ts';

/** What a namespace of FakeKernel holds. */
export interface Space {
  links: Link[];
  addresses: Address[];
  routes: Route[];
  neighbours: Neighbour[];
  sysctls: Map<string, string>;
}

/** A plain Ethernet device that is up. */
export const plainLink: Omit<Link, 'name' | 'ifindex'> = {
  kind: '',
  mac: '',
  mtu: 1500,
  up: true,
  state: 'up',
  alias: '',
  master: 0,
  masterElsewhere: false,
  controller: 0,
  mode: '',
  flag: '',
  promiscuity: 0,
};

export function emptySpace(): Space {
  return { links: [], addresses: [], routes: [], neighbours: [], sysctls: new Map() };
}
