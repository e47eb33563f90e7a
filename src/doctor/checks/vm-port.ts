import { defineCheck } from '../check.ts';
import { ownError } from '../unmet.ts';

export const vmPortCheck = defineCheck({
  id: 'vm-port',
  title: 'the VM port',
  states: {
    found: { state: 'ok', text: '{master} is the port {port} on the network {network}.' },
    unknown: { state: 'failure', text: '{text}', todo: '{todo}' },
    ambiguous: { state: 'failure', text: '{text}', todo: '{todo}' },
    'several-masters': { state: 'failure', text: '{text}', todo: '{todo}' },
  },
  async examine(on, say) {
    const got = await on.nics().catch((thrown: unknown) => ownError(thrown, 'vm-port'));
    if (got instanceof Error) {
      const { code, text, todo } = got;
      if (code === 'VM_PORT_UNKNOWN') return say('unknown', { text, todo }, [code]);
      if (code === 'VM_PORT_AMBIGUOUS') return say('ambiguous', { text, todo }, [code]);
      if (code === 'MASTER_AMBIGUOUS') return say('several-masters', { text, todo }, [code]);
      throw got;
    }
    for (const nic of got) {
      const port = await on.port(nic);
      const addresses = port.fixed_ips.map(({ ip_address }) => ip_address).join(', ') || 'none';
      say('found', { master: nic.master.name, port: port.id, network: nic.network.name }, [
        `MAC ${port.mac_address}, addresses ${addresses}`,
      ]);
    }
  },
});

export const networkCheck = defineCheck({
  id: 'network',
  title: "the network's owner",
  states: {
    own: { state: 'ok', text: "{network} belongs to the credential's project." },
    foreign: {
      state: 'warning',
      text: '{network} belongs to another project ({owner}): by default Neutron then refuses allowed-address-pairs and chosen addresses (--ip).',
      todo: 'See the check pair-right for what this cloud allows. Use a network of the own project, or ask its owner.',
    },
    untold: { state: 'skipped', text: 'The cloud does not tell whose network {network} is.' },
    port: {
      state: 'warning',
      text: "The VM port of {master} belongs to another project ({owner}) than the credential's.",
      todo: 'Use a credential of the project of the VM.',
    },
  },
  async examine(on, say) {
    const { projectId } = await on.credential();
    for (const { master, port, network } of await on.nics()) {
      const details = { network: network.name, master: master.name };
      const evidence = [`shared: ${network.shared ? 'yes' : 'no'}`];
      if (network.project_id === '') say('untold', details, evidence);
      else if (network.project_id === projectId) say('own', details, evidence);
      else say('foreign', { ...details, owner: network.project_id }, evidence);
      if (port.projectId !== '' && port.projectId !== projectId) say('port', { ...details, owner: port.projectId });
    }
  },
});

export const portSecurityCheck = defineCheck({
  id: 'port-security',
  title: 'port security',
  states: {
    on: {
      state: 'ok',
      text: 'The VM port of {master} has port security: the cloud lets pass only what a pair permits.',
    },
    off: {
      state: 'ok',
      text: 'The VM port of {master} has no port security: pairs are neither needed nor possible, and every address passes.',
    },
    'off-since': {
      state: 'warning',
      text: 'The VM port of {master} has no port security, and had it when {addresses} were reserved: ML2/OVN may answer for these addresses itself, so that their containers are unreachable.',
      todo: 'Make these containers anew (docker rm, docker run): they get reservations that ML2/OVN leaves alone.',
    },
    untold: { state: 'skipped', text: 'The cloud has no port-security extension: it is taken to be on.' },
  },
  async examine(on, say) {
    if (!(await on.extensions()).has('port-security')) return say('untold');
    for (const nic of await on.nics()) {
      const port = await on.port(nic);
      const reservations = await on.reservations(nic);
      // Those with an owner were made for a port that had port security: see reservationName.
      const owned = reservations.filter(({ device_owner }) => device_owner !== '');
      const addresses = owned.flatMap(({ fixed_ips }) => fixed_ips.map(({ ip_address }) => ip_address));
      const reason = port.port_security_enabled ? 'on' : owned.length > 0 ? 'off-since' : 'off';
      say(reason, { master: nic.master.name, addresses }, [
        `port: ${port.id}`,
        `security groups: ${port.security_groups.join(', ') || 'none'}`,
        `reservations of this port: ${reservations.length}`,
      ]);
    }
  },
});
