import { answersFor, askedBy, framesFrom, groupFrames, hasNext, questionsAndAdverts } from './frames.ts';
import type { Guest, MasterState, Rule } from './wanted.ts';

/** IPv6 next headers: TCP, UDP; and those after which the kernel goes on to another: hop by hop, routing, destination. */
const ORDINARY = [6, 17];
const MORE_TO_COME = [0, 43, 60];

/** What keeps from the VM what ipvlan containers forge, on every master that has some. */
export function shieldOf(masters: readonly MasterState[], guests: readonly Guest[]): Rule[] {
  return masters.flatMap(master => {
    const own = guests.filter(guest => guest.master === master.ifindex && guest.kind === 'ipvlan');
    return own.length === 0
      ? []
      : forgeryRules(
          master,
          own.flatMap(({ addresses }) => addresses),
        );
  });
}

/**
 * Frames with the master's own MAC as their source never came from the wire: an ipvlan container sent them, or the VM
 * did and they were turned round. Of what they say about neighbours the VM hears what is asked by containers in their own
 * name, and containers what the VM answers in its own. All else would have the VM believe where its gateway or another
 * neighbour is, and no port security sees it.
 */
function forgeryRules(master: MasterState, containers: readonly string[]): Rule[] {
  const { ifindex, mac, addresses } = master;
  const own = addresses.map(({ address }) => address);
  const pass = { ifindex, hook: 'ingress', action: { do: 'pass' } } as const;
  const drop = { ifindex, hook: 'ingress', action: { do: 'drop' } } as const;
  return [
    // Most of what there is, before anything is dissected.
    ...ORDINARY.map(header => ({ ...pass, ...hasNext(header) })),
    ...own.filter(address => address.includes(':')).map(address => ({ ...pass, ...answersFor(address, mac) })),
    ...[...own.filter(address => !address.includes(':')), ...containers].map(address => askerRule(master, address)),
    { ...drop, ...framesFrom('arp', mac) },
    ...questionsAndAdverts(mac).map(frames => ({ ...drop, ...frames })),
    ...MORE_TO_COME.map(header => ({ ...drop, ...hasNext(header, mac) })),
    // A priority tag would hide all that from filters, and the stack takes it off.
    ...(['802.1Q', '802.1ad'] as const).map(protocol => ({ ...drop, ...framesFrom(protocol, mac) })),
    // ipvlan hands over what has one MAC as source and destination, whichever it is: that of a group too.
    { ...drop, ...groupFrames },
  ];
}

/** Who speaks for that address may do so. */
export function askerRule({ ifindex, mac }: Pick<MasterState, 'ifindex' | 'mac'>, address: string): Rule {
  return { ifindex, hook: 'ingress', ...askedBy(address, mac), action: { do: 'pass' } };
}
