import { defineCheck } from '../check.ts';

export const extensionsCheck = defineCheck({
  id: 'extensions',
  title: "Neutron's extensions",
  states: {
    complete: { state: 'ok', text: 'Neutron has every API extension that Kuryr can use.' },
    'allowed-address-pairs': {
      state: 'failure',
      text: 'Neutron lacks allowed-address-pairs: no container address can be permitted, so only VM ports without port security can carry containers.',
      todo: 'Ask the operator for the extension (every ML2 driver in use has it), or switch port security off for the VM port.',
    },
    'port-security': {
      state: 'warning',
      text: 'Neutron lacks port-security: it cannot say whether the VM port filters, so pairs are always written.',
    },
    'revision-if-match': {
      state: 'warning',
      text: 'Neutron lacks {missing}: writes of pairs cannot be made conditional, and a change by somebody else at the same moment may be lost.',
      todo: 'Let nothing else write the pairs of this VM port. Kuryr reads back what it wrote all the same.',
    },
    'security-group': {
      state: 'warning',
      text: 'Neutron lacks security-group: reservations carry no groups, and the cloud filters containers like the VM, or not at all.',
    },
    'net-mtu': {
      state: 'warning',
      text: "Neutron lacks net-mtu: containers get the master's MTU, whatever the network carries.",
    },
    tags: {
      state: 'skipped',
      text: 'Neutron ignores tags when a port is made, so reservations carry none. Their owner stands in device_owner, device_id and name all the same.',
    },
  },
  async examine(on, say) {
    const has = await on.extensions();
    const revisions = ['revision-if-match', 'standard-attr-revisions'].filter(alias => !has.has(alias));
    const missing = (['allowed-address-pairs', 'port-security', 'security-group', 'net-mtu'] as const).filter(
      alias => !has.has(alias),
    );
    for (const alias of missing) say(alias);
    if (revisions.length > 0) say('revision-if-match', { missing: revisions });
    if (!has.has('tag-ports-during-bulk-creation')) say('tags');
    else if (missing.length + revisions.length === 0) say('complete', {}, [`${has.size} listed`]);
  },
});
