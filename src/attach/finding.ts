import { type Details, fillIn } from '../errors/details.ts';

/** What `kuryr explain` can find wrong now. */
export const findings = {
  RESERVATION_GONE: {
    text: "The reservation of {address} (Neutron port {port}) is gone, or is somebody else's now: Neutron may give the address to another machine.",
    todo: 'Start the container again, which reserves an address; and find out who deleted the port.',
  },
  PAIR_MISSING: {
    text: 'The VM port {port} has no allowed-address-pair {address}: the cloud drops its frames.',
    todo: 'It is written again when the daemon reads the port, in five minutes at the latest, with kuryr status at once. Where it goes again, find what else writes that port.',
  },
  PAIR_NOT_WRITTEN: {
    text: 'The VM port {port} does not have the allowed-address-pair {address} yet, and so there is no link.',
    todo: 'The story above tells how far it came, and why not further.',
  },
  LINK_MISSING: {
    text: 'The link {link} is neither in the container nor in the VM.',
    todo: 'Start the container again. The daemon gives the addresses back when it sees them nowhere.',
  },
  LINK_NOT_MOVED: {
    text: 'The link {link} is still in the VM: the engine has not moved it into the container.',
    todo: 'The engine does so right after Join. If it stays, see the log of the engine (journalctl -u docker) and start the container again.',
  },
  LINK_NOT_MADE: {
    text: 'There is no link yet: the engine has not asked for one, or was refused.',
    todo: 'The story above tells how far it came; start the container again.',
  },
  FRAMES_UNANSWERED: {
    text: 'The VM itself is answered, but frames with {address} are not: the cloud does not let them pass.',
    todo: "Agents enforce a pair up to some seconds late: repeat it. If it stays and the pair stands, the operator looks at the agent of the VM's host (openstack network agent list).",
  },
} as const satisfies Record<string, { readonly text: string; readonly todo: string }>;

export type FindingCode = keyof typeof findings;

/** A fact as it was asked just now. */
export interface Finding {
  readonly fact: 'reserved' | 'permitted' | 'linked' | 'reachable';
  readonly state: 'holds' | 'lacks' | 'unknown';
  readonly text: string;
  /** Of what is lacking, or of the error that kept it from being asked. */
  readonly code?: string | undefined;
  readonly todo?: string | undefined;
}

export function holds(fact: Finding['fact'], text: string): Finding {
  return { fact, state: 'holds', text };
}

export function lacks(fact: Finding['fact'], code: FindingCode, details: Details): Finding {
  const { text, todo } = findings[code];
  return { fact, state: 'lacks', code, text: fillIn(text, details), todo: fillIn(todo, details) };
}

/** It could not be asked. */
export function unknown(fact: Finding['fact'], text: string, code?: string, todo?: string): Finding {
  return { fact, state: 'unknown', text, code, todo };
}
