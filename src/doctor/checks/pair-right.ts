import { isKuryrError } from '../../errors/kuryr-error.ts';
import type { Port } from '../../openstack/neutron.ts';
import { askLimit } from '../../pairs/limit.ts';
import { defineCheck } from '../check.ts';

export const pairRightCheck = defineCheck({
  id: 'pair-right',
  title: 'the right to write pairs',
  states: {
    permitted: { state: 'ok', text: 'This credential may write the allowed-address-pairs of {port}.' },
    forbidden: {
      state: 'failure',
      text: 'Neutron forbids this credential to write the allowed-address-pairs of {port}: no container address can be permitted.',
      todo: 'Use a credential with a role that may, or a network of the own project, or ask the operator to allow it (policy update_port:allowed_address_pairs). Access rules have no part in it. {said}',
    },
    'rule-missing': {
      state: 'failure',
      text: 'No access rule of the credential allows it to write to {port}: no container address can be permitted.',
      todo: 'Make a new credential on your own machine (kuryr credential create NAME --port {port}), and put its clouds.yaml in the place of this one. {said}',
    },
    'mac-blocked': {
      state: 'failure',
      text: "A pair with another MAC than the port's stands on {port}, and this cloud refuses every change of the port while it does (ML2/OVN of Neutron 28.0.1 and later).",
      todo: 'Remove that pair: openstack port unset --allowed-address ip-address=ADDRESS,mac-address=MAC {port}.',
    },
    'not-asked-full': {
      state: 'skipped',
      text: 'Not asked: the list of {port} is full, so no entry can be added to ask with. Entries of Kuryr on it: {ours}; one is proof enough that it may be written.',
    },
    'not-asked-own-pair': {
      state: 'skipped',
      text: "Not asked: the VM's own address stands on the list of {port} already, so there is nothing harmless to add.",
    },
    'not-asked-no-address': { state: 'skipped', text: 'Not asked: {port} has no fixed address to ask with.' },
    'not-asked-port-security': {
      state: 'skipped',
      text: 'Not asked: {port} has no port security, so pairs are not needed.',
    },
    'not-asked-revisions': {
      state: 'skipped',
      text: 'Not asked: without revision-if-match the question would change the port.',
    },
    'not-asked-extension': { state: 'skipped', text: 'Not asked: this cloud has no allowed-address-pairs.' },
    written: {
      state: 'warning',
      text: "The cloud says that it honours If-Match, but wrote the question: the VM's own address {address} now stands on the list of {port}, which does no harm.",
      todo: 'Take it back: openstack port unset --allowed-address ip-address={address} {port}. Look for a proxy that drops the If-Match header.',
    },
  },
  async examine(on, say, signal) {
    const extensions = await on.extensions();
    if (!extensions.has('allowed-address-pairs')) return say('not-asked-extension');
    if (!extensions.has('revision-if-match') || !extensions.has('standard-attr-revisions'))
      return say('not-asked-revisions');
    const { neutron } = await on.cloud();
    for (const nic of await on.nics()) {
      const port = await on.port(nic);
      const ours = (await on.reservations(nic)).filter(reservation =>
        port.allowed_address_pairs.some(pair => pair.ip_address === reservation.fixed_ips[0]?.ip_address),
      ).length;
      const address = port.fixed_ips[0]?.ip_address;
      const details = { port: port.id, address, ours };
      if (!port.port_security_enabled) say('not-asked-port-security', details);
      else if (address === undefined) say('not-asked-no-address', details);
      else if (hasPair(port, address)) say('not-asked-own-pair', details);
      else {
        const answer = await ask(neutron, port, address, signal);
        say(answer.reason, { ...details, said: answer.said }, [
          `asked with If-Match: revision_number=0, answered ${answer.code}`,
        ]);
      }
    }
  },
});

type Asked =
  | 'permitted'
  | 'forbidden'
  | 'rule-missing'
  | 'mac-blocked'
  | 'not-asked-full'
  | 'not-asked-own-pair'
  | 'not-asked-port-security'
  | 'written';

const MEANINGS: Readonly<Record<string, Asked>> = {
  NEUTRON_STALE: 'permitted',
  ACCESS_RULE_MISSING: 'rule-missing',
  NEUTRON_FORBIDDEN: 'forbidden',
  PAIRS_FORBIDDEN: 'forbidden',
  PAIR_MAC_REFUSED: 'mac-blocked',
  PAIRS_EXHAUSTED: 'not-asked-full',
  PAIR_DUPLICATE: 'not-asked-own-pair',
  PORT_SECURITY_OFF: 'not-asked-port-security',
};

/**
 * Asks by a write that cannot happen: the port's own list and the VM's own address, on condition that the port has the
 * revision 0, which no port has. Neutron looks at policy before the condition (seen on Neutron 21 and 29): 403 where the
 * policy forbids, 412 where only the condition fails. A list that changes nothing would be answered 200 whatever the
 * condition says; and this one would do no harm if it were ever written.
 */
async function ask(
  neutron: { updatePort(id: string, fields: object, revision: number, signal: AbortSignal): Promise<Port> },
  port: Port,
  address: string,
  signal: AbortSignal,
): Promise<{ readonly reason: Asked; readonly code: string; readonly said: string }> {
  const pairs = [...port.allowed_address_pairs, { ip_address: address }];
  try {
    await neutron.updatePort(port.id, { allowed_address_pairs: pairs }, 0, signal);
    return { reason: 'written', code: '200', said: '' };
  } catch (error) {
    const reason = isKuryrError(error) ? MEANINGS[error.code] : undefined;
    if (!isKuryrError(error) || reason === undefined) throw error;
    const id = error.details['requestId'];
    return { reason, code: error.code, said: id === undefined ? '' : `Request id: ${String(id)}.` };
  }
}

function hasPair(port: Port, address: string): boolean {
  return port.allowed_address_pairs.some(
    pair =>
      pair.ip_address === address &&
      (pair.mac_address ?? port.mac_address).toLowerCase() === port.mac_address.toLowerCase(),
  );
}

export const pairLimitCheck = defineCheck({
  id: 'pair-limit',
  title: 'the limit of pairs',
  states: {
    room: { state: 'ok', text: '{left} of {limit} pairs are left on {port}.' },
    full: {
      state: 'warning',
      text: 'All {limit} pairs of {port} are in use: the next container gets an error.',
      todo: 'Stop a container, or ask the operator to raise max_allowed_address_pair in neutron.conf.',
    },
    'full-foreign': {
      state: 'failure',
      text: 'All {limit} pairs of {port} are in use, none of them by Kuryr: no container can start.',
      todo: 'Remove pairs that nobody needs (openstack port show {port}), or ask the operator to raise max_allowed_address_pair in neutron.conf.',
    },
    untold: { state: 'skipped', text: 'The cloud does not tell the limit of {port}; {used} are in use.' },
    unneeded: { state: 'skipped', text: 'Not asked: {port} has no port security, so pairs are not needed.' },
    extension: { state: 'skipped', text: 'Not asked: this cloud has no allowed-address-pairs.' },
    'rule-missing': {
      state: 'skipped',
      text: 'Not asked: no access rule of the credential allows it to write to {port}.',
    },
  },
  async examine(on, say, signal) {
    if (!(await on.extensions()).has('allowed-address-pairs')) return say('extension');
    const { neutron } = await on.cloud();
    for (const nic of await on.nics()) {
      const port = await on.port(nic);
      const used = port.allowed_address_pairs.length;
      if (!port.port_security_enabled) {
        say('unneeded', { port: port.id });
        continue;
      }
      const limit = await askLimit(neutron, port.id, signal).catch((error: unknown) => {
        if (isKuryrError(error, 'ACCESS_RULE_MISSING')) return 'forbidden' as const;
        throw error;
      });
      if (limit === 'forbidden') {
        say('rule-missing', { port: port.id });
        continue;
      }
      if (limit === undefined) {
        say('untold', { port: port.id, used });
        continue;
      }
      const addresses = (await on.reservations(nic)).flatMap(({ fixed_ips }) => fixed_ips.map(ip => ip.ip_address));
      const ours = port.allowed_address_pairs.filter(pair => addresses.includes(pair.ip_address)).length;
      const reason = used < limit ? 'room' : ours > 0 ? 'full' : 'full-foreign';
      say(reason, { port: port.id, limit, left: Math.max(0, limit - used) }, [`${used} in use`]);
    }
  },
});
