import { isKuryrError } from '../../errors/kuryr-error.ts';
import { askLimit } from '../../pairs/limit.ts';
import { askPairRight } from '../../pairs/right.ts';
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
    const { neutron } = await on.cloud();
    for (const nic of await on.nics()) {
      const port = await on.port(nic);
      const ours = (await on.reservations(nic)).filter(reservation =>
        port.allowed_address_pairs.some(pair => pair.ip_address === reservation.fixed_ips[0]?.ip_address),
      ).length;
      const { right, address, code, requestId } = await askPairRight(neutron, port, extensions, signal);
      const said = requestId === undefined ? '' : `Request id: ${requestId}.`;
      say(right, { port: port.id, address, ours, said }, [
        code && `asked with If-Match: revision_number=0, answered ${code}`,
      ]);
    }
  },
});

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
