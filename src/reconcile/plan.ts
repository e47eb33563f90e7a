/** A holding as far as a plan looks at it. */
export interface HoldingView {
  readonly name: string;
  readonly vmPort: string;
  /** The front's pool that it came from. */
  readonly group: string;
  readonly purpose: 'container' | 'aside';
  readonly reservation?: { readonly portId: string; readonly address: string } | undefined;
  readonly attachment?: string | undefined;
  readonly since: number;
  readonly ending: boolean;
}

/** An attachment as far as a plan looks at it. */
export interface AttachmentView {
  readonly id: string;
  /** The front's network. */
  readonly network: string;
  readonly linked: boolean;
  readonly since: number;
  readonly ending: boolean;
  /** Where its link is seen. */
  readonly seen: 'host' | 'sandbox' | undefined;
  readonly addresses: readonly string[];
}

/** What Neutron says of a VM port: its pairs' texts, and the reservations that name it. */
export interface CloudView {
  readonly vmPort: string;
  readonly pairs: readonly { readonly address: string; readonly mac: string }[];
  readonly reservations: readonly { readonly portId: string; readonly name: string; readonly address: string }[];
}

/** A network that a runtime removed while nobody could be told, with the pools that were held for it. */
export interface AbandonedNetwork {
  readonly network: string;
  readonly groups: readonly string[];
}

export interface View {
  /** Wall time, milliseconds. */
  readonly now: number;
  /** When this daemon began to listen: what came before may still be repeated by a runtime. */
  readonly startedAt: number;
  readonly holdings: readonly HoldingView[];
  readonly attachments: readonly AttachmentView[];
  /** Links of Kuryr's making in the host's netns, by their alias. */
  readonly hostLinks: readonly { readonly ifindex: number; readonly name: string; readonly id: string }[];
  /** Addresses seen on containers' links, in any netns that can be looked into. */
  readonly live: { has(address: string): boolean };
  /** Empty when the cloud was not asked. */
  readonly cloud: readonly CloudView[];
  /** Empty when the runtime was not asked. */
  readonly abandoned: readonly AbandonedNetwork[];
  /** Filters, neighbours and routes of host access that no attachment needs, in words. */
  readonly strayAccess: readonly string[];
  /** Guards whose master has no attachment. */
  readonly strayGuards: readonly { readonly path: string; readonly master: string }[];
}

export interface Limits {
  /** How long an unnamed address is kept, milliseconds. */
  readonly holdMs: number;
  /** How long a container may take to start after the engine announced it, milliseconds. */
  readonly startMs: number;
  /** How long a link may be nowhere while a runtime moves it, milliseconds. */
  readonly moveMs: number;
}

export type Step =
  | { readonly do: 'end'; readonly name: string; readonly address: string | undefined; readonly why: string }
  | { readonly do: 'detach'; readonly id: string; readonly addresses: readonly string[]; readonly why: string }
  | {
      readonly do: 'adopt';
      readonly vmPort: string;
      readonly portId: string;
      readonly name: string;
      readonly address: string;
      readonly pairMac: string | undefined;
      readonly why: string;
    }
  | {
      readonly do: 'forget';
      readonly network: string;
      readonly groups: readonly string[];
      readonly addresses: readonly string[];
      readonly why: string;
    }
  | { readonly do: 'close'; readonly what: readonly string[]; readonly why: string }
  | { readonly do: 'unguard'; readonly path: string; readonly master: string; readonly why: string }
  | { readonly do: 'unlink'; readonly id: string; readonly link: string; readonly why: string };

/**
 * From what ledger, kernel and cloud say to what is without an owner. Pure: it only looks. A container that lives is
 * never touched: an address seen on a link keeps its reservation whatever the ledger says.
 */
export function plan(view: View, limits: Limits): Step[] {
  return [
    ...detachments(view, limits),
    ...provisional(view, limits),
    ...orphans(view),
    ...strayLinks(view),
    ...abandoned(view),
    ...strayGuards(view),
    ...strayAccess(view),
  ];
}

function detachments({ now, startedAt, attachments, live }: View, limits: Limits): Step[] {
  return attachments.flatMap(({ id, linked, since, ending, seen, addresses }) => {
    const age = now - since;
    const detach = (why: string): Step[] => [{ do: 'detach', id, addresses, why }];
    if (ending) return detach('its detaching was interrupted');
    if (seen === 'sandbox' || addresses.some(address => live.has(address))) return [];
    // A link still in the host's netns was never moved, or moved back: its container did not start, or has ended.
    const patience = linked && seen === undefined ? limits.moveMs : limits.startMs;
    if (age <= patience || now - startedAt <= patience) return [];
    if (!linked) return detach('its container never joined');
    return detach(seen === undefined ? 'its link is gone, and so is its container' : 'its container has let go of it');
  });
}

function provisional({ now, startedAt, holdings }: View, { holdMs }: Limits): Step[] {
  return holdings
    .filter(({ purpose, attachment, ending }) => purpose === 'container' && attachment === undefined && !ending)
    .filter(({ since }) => now - Math.max(since, startedAt) > holdMs)
    .map(({ name, reservation }) => ({
      do: 'end',
      name,
      address: reservation?.address,
      why: 'no container named it in time',
    }));
}

function orphans({ holdings, live, cloud }: View): Step[] {
  // A POST that took effect twice has made two of one name.
  const owned = new Set(holdings.map(({ name, reservation }) => reservation?.portId ?? name));
  return cloud.flatMap(({ vmPort, reservations, pairs }) =>
    reservations
      .filter(({ name, portId, address }) => !owned.has(portId) && !owned.has(name) && !live.has(address))
      .map(({ portId, name, address }) => ({
        do: 'adopt' as const,
        vmPort,
        portId,
        name,
        address,
        pairMac: pairs.find(pair => pair.address === address)?.mac,
        why: 'a reservation of this VM that no record and no container has',
      })),
  );
}

function strayLinks({ attachments, hostLinks }: View): Step[] {
  const known = new Set(attachments.map(({ id }) => id));
  return hostLinks
    .filter(({ id }) => !known.has(id))
    .map(({ id, name }) => ({ do: 'unlink', id, link: name, why: 'a link in the host that no record has' }));
}

/** A network that still has an attachment waits for that one to go. */
function abandoned({ abandoned: networks, attachments, holdings }: View): Step[] {
  return networks
    .filter(({ network }) => attachments.every(each => each.network !== network))
    .map(({ network, groups }) => ({
      do: 'forget',
      network,
      groups,
      addresses: holdings
        .filter(({ group }) => groups.includes(group))
        .flatMap(held => held.reservation?.address ?? []),
      why: 'a network that its runtime does not have any more',
    }));
}

function strayAccess({ strayAccess: what }: View): Step[] {
  return what.length === 0 ? [] : [{ do: 'close', what, why: 'host access that no attachment needs' }];
}

function strayGuards({ strayGuards: guards }: View): Step[] {
  return guards.map(({ path, master }) => ({
    do: 'unguard',
    path,
    master,
    why: 'a guard of a master without attachments',
  }));
}
