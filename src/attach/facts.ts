/**
 * What can be true of an attachment, and the steps that make and unmake it. Docker and CNI reach the facts in different
 * orders, so there is no one line of states: a step may be taken when what it needs is true, and undone when nothing that
 * needs it is true any more.
 */
export const facts = {
  reserved: { needs: [], made: 'an unbound Neutron port holds the address', unmade: 'the Neutron port is deleted' },
  permitted: {
    needs: ['reserved'],
    made: 'the pair was read back from the VM port',
    unmade: 'a read back of the VM port has no such pair',
  },
  named: { needs: ['reserved'], made: 'the runtime gave the attachment its id', unmade: 'the runtime took it back' },
  linked: { needs: ['named', 'permitted'], made: 'the link stands', unmade: 'the link is deleted' },
  reachable: {
    needs: ['permitted'],
    made: 'a frame with the address as source was answered',
    unmade: 'the pair is taken away',
  },
} as const satisfies Record<string, Fact>;

export interface Fact {
  readonly needs: readonly string[];
  readonly made: string;
  readonly unmade: string;
}

export type FactName = keyof typeof facts;
