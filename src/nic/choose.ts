import { sameCidr } from '../address/address.ts';
import { KuryrError } from '../errors/kuryr-error.ts';
import type { Subnet } from '../openstack/neutron.ts';
import type { NicEntry } from './lookup.ts';
import type { Nic, NicQuery } from './nic.ts';

/** What a NIC is chosen from. */
export interface NicChoice {
  readonly entries: readonly NicEntry[];
  /** Names of the masters with the default route: IPv4's, then IPv6's. */
  readonly defaults: readonly (readonly string[])[];
  /** The configured master. */
  readonly configured: string | undefined;
}

/** The one NIC that the query means, as `Nics.find` says; two that fit are never guessed between. */
export function chooseNic(choice: NicChoice, query: NicQuery): Nic {
  const { master, network, subnet, cidr } = query;
  if (master !== undefined) return one(fitting([named(choice, master)], choice, query), choice, query);
  const isBare = network === undefined && subnet === undefined && cidr === undefined;
  return one(fitting(isBare ? [usual(choice)] : usable(choice), choice, query), choice, query);
}

/** The NIC of a query that names nothing: the configured master's, else the default route's, else the only one. */
function usual(choice: NicChoice): Nic {
  const { entries, defaults, configured } = choice;
  if (configured !== undefined) return named(choice, configured);
  for (const names of defaults) {
    const known = entries.filter(({ master }) => names.includes(master.name));
    for (const entry of known)
      if (entry.nic === undefined && entry.problem.code === 'VM_PORT_AMBIGUOUS') throw entry.problem;
    // A default route that leads elsewhere, into a VPN say, tells nothing.
    const nics = known.flatMap(({ nic }) => nic ?? []);
    if (nics.length > 0) return one(nics, choice, {});
  }
  return one(usable(choice), choice, {});
}

/** The NIC of that master. @throws MASTER_UNKNOWN, and why its VM port is not known */
function named({ entries }: NicChoice, master: string): Nic {
  const entry = entries.find(entry => entry.master.name === master);
  if (entry === undefined) throw new KuryrError('MASTER_UNKNOWN', { master, choices: orNone(entries.map(describe)) });
  if (entry.nic === undefined) throw entry.problem;
  return entry.nic;
}

/** All NICs whose VM port is known. @throws the first reason why there is none */
function usable({ entries }: NicChoice): readonly Nic[] {
  const nics = entries.flatMap(({ nic }) => nic ?? []);
  const [first] = entries;
  if (nics.length > 0) return nics;
  if (first !== undefined && first.nic === undefined) throw first.problem;
  throw new KuryrError('VM_PORT_UNKNOWN', { master: 'this VM', reason: 'no NIC is up with an address' });
}

/** Those of the NICs that are on the network and have a subnet as the query says. */
function fitting(nics: readonly Nic[], { entries }: NicChoice, query: NicQuery): readonly Nic[] {
  const { network } = query;
  const onNetwork = nics.filter(
    nic => network === undefined || nic.network.id === network || nic.network.name === network,
  );
  if (network !== undefined && onNetwork.length === 0) {
    throw new KuryrError('NETWORK_NOT_ON_VM', { network, choices: orNone(entries.map(describe)) });
  }
  const { subnet, cidr, family } = query;
  if (subnet === undefined && cidr === undefined && family === undefined) return onNetwork;
  const found = onNetwork.filter(nic => nic.subnets.some(subnet => isMeant(subnet, query)));
  if (found.length > 0) return found;
  const wanted = [subnet, cidr, family && `of IPv${family}`].filter(text => text !== undefined).join(' ');
  const choices = onNetwork.flatMap(({ master, subnets }) =>
    subnets.map(({ cidr, id, name }) => `${cidr} (${id}${name === '' ? '' : `, ${name}`}) on ${master.name}`),
  );
  throw new KuryrError('SUBNET_UNKNOWN', { subnet: wanted, choices: orNone(choices) });
}

function isMeant(subnet: Subnet, { subnet: wanted, cidr, family }: NicQuery): boolean {
  return (
    (wanted === undefined || subnet.id === wanted || subnet.name === wanted) &&
    (cidr === undefined || sameCidr(subnet.cidr, cidr)) &&
    (family === undefined || subnet.ip_version === family)
  );
}

/** The only one of the NICs, or that of the configured master among them. @throws MASTER_AMBIGUOUS */
function one(nics: readonly Nic[], { configured }: NicChoice, query: NicQuery): Nic {
  const [first, second] = nics;
  const chosen = second === undefined ? first : nics.find(nic => nic.master.name === configured);
  if (chosen !== undefined) return chosen;
  const asked = Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : `${name} ${value}`));
  const choices = nics.map(nic => describe({ master: nic.master, nic }));
  throw new KuryrError('MASTER_AMBIGUOUS', { query: asked.join(', ') || 'a request that names none', choices });
}

/** A NIC in words: `ens3 (network web, 0b8f…)`, or why it is none. */
function describe(entry: NicEntry): string {
  const { master, nic } = entry;
  if (nic === undefined) return `${master.name} (${entry.problem.text})`;
  return `${master.name} (network ${nic.network.name === '' ? nic.network.id : `${nic.network.name}, ${nic.network.id}`})`;
}

const orNone = (choices: readonly string[]): readonly string[] => (choices.length === 0 ? ['none'] : choices);
