import { defineCheck } from '../check.ts';
import { describe } from './links.ts';

export const mtuCheck = defineCheck({
  id: 'mtu',
  title: 'MTU',
  states: {
    equal: { state: 'ok', text: '{master} and its network {network} have the same MTU, {mtu}: so will containers.' },
    'master-larger': {
      state: 'warning',
      text: "{master} has an MTU of {mtu}, its network {network} carries {carries}: the VM's own large frames are lost. Containers get {carries}.",
      todo: 'Set it to {carries}: ip link set {master} mtu {carries}, and for good in the network configuration or by DHCP.',
    },
    'master-smaller': {
      state: 'warning',
      text: '{master} has an MTU of {mtu}, though its network {network} carries {carries}. Containers get {mtu}.',
      todo: 'Nothing, unless throughput matters: then raise it to {carries}.',
    },
    untold: {
      state: 'skipped',
      text: 'The cloud does not tell the MTU of {network}: containers get the {mtu} of {master}.',
    },
    'slave-larger': {
      state: 'failure',
      text: 'A link on {master} has a larger MTU ({slave}) than the master ({mtu}): its large frames vanish without a word.',
      todo: 'Set it to {mtu} or less in its namespace, or restart its container.',
    },
  },
  async examine(on, say) {
    for (const master of await on.masters()) {
      for (const slave of (await on.slaves(master)).filter(({ link }) => link.mtu > master.mtu)) {
        say('slave-larger', { master: master.name, mtu: master.mtu, slave: slave.link.mtu }, [describe(slave)]);
      }
    }
    for (const { master, network } of await on.nics()) {
      const details = { master: master.name, mtu: master.mtu, network: network.name, carries: network.mtu };
      if (network.mtu === undefined) say('untold', details);
      else if (network.mtu === master.mtu) say('equal', details);
      else say(master.mtu > network.mtu ? 'master-larger' : 'master-smaller', details);
    }
  },
});
