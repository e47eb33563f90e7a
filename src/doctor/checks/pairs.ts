import { sameAddress } from '../../address/address.ts';
import { defineCheck } from '../check.ts';

export const pairsCheck = defineCheck({
  id: 'pairs',
  title: 'the pairs that stand',
  states: {
    none: { state: 'ok', text: 'No pair stands on {port}.' },
    tally: {
      state: 'ok',
      text: 'Pairs on {port}: {used}; {ours} of addresses that Kuryr reserved, {foreign} of others.',
    },
    text: {
      state: 'failure',
      text: 'The pair {pair} on {port} does not have the text of the address that is reserved, {address}: ML2/OVN compares text, so the container behind it is unreachable.',
      todo: 'Restart that container, or write the pair anew: openstack port unset --allowed-address ip-address={pair} {port}, then openstack port set --allowed-address ip-address={address} {port}.',
    },
    multicast: {
      state: 'warning',
      text: 'The pair {pair} on {port} is a multicast address: newer releases of Neutron refuse every change of a list with one.',
      todo: 'Remove it, if nobody needs it: openstack port unset --allowed-address ip-address={pair} {port}.',
    },
  },
  async examine(on, say) {
    for (const nic of await on.nics()) {
      const port = await on.port(nic);
      const pairs = port.allowed_address_pairs.map(pair => pair.ip_address);
      const reserved = (await on.reservations(nic)).flatMap(({ fixed_ips }) => fixed_ips.map(ip => ip.ip_address));
      const details = { port: port.id };
      for (const pair of pairs) {
        if (/^(22[4-9]|23\d)\.|^ff/i.test(pair)) say('multicast', { ...details, pair });
        const address = reserved.find(each => sameAddress(each, pair.replace(/\/(32|128)$/, '')));
        if (address !== undefined && address !== pair && !pairs.includes(address))
          say('text', { ...details, pair, address });
      }
      const ours = pairs.filter(pair => reserved.includes(pair));
      const foreign = pairs.filter(pair => !reserved.includes(pair));
      if (pairs.length === 0) say('none', details);
      else {
        say('tally', { ...details, used: pairs.length, ours: ours.length, foreign: foreign.length }, [
          ours.length > 0 ? `reserved: ${ours.slice(0, 20).join(', ')}` : undefined,
          foreign.length > 0 ? `other: ${foreign.slice(0, 20).join(', ')}` : undefined,
        ]);
      }
    }
  },
});
