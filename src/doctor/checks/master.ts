import { holderOf } from '../../linux/master-holder.ts';
import { defineCheck } from '../check.ts';
import { ownError } from '../unmet.ts';
import { describe } from './links.ts';

export const masterCheck = defineCheck({
  id: 'master',
  title: 'the master',
  states: {
    configured: { state: 'ok', text: '{master} is the configured master.' },
    found: { state: 'ok', text: '{master} is the master: {why}.' },
    unknown: { state: 'failure', text: '{text}', todo: '{todo}' },
    several: { state: 'failure', text: '{text}', todo: '{todo}' },
    unfit: {
      state: 'failure',
      text: '{master} is {kind}: it cannot carry ipvlan or macvlan links, since it is no Ethernet device of its own.',
      todo: "Name the VM's NIC as the master: --master NAME (KURYR_MASTER).",
    },
    stacked: {
      state: 'warning',
      text: '{master} is a {kind}, not a NIC: links work on it, but its Neutron port is found only if it has the MAC address of that port.',
      todo: 'Nothing, if the check vm-port finds the port; else name the NIC itself.',
    },
  },
  async examine(on, say) {
    const { context } = on;
    const link = await on.master().catch((thrown: unknown) => ownError(thrown, 'master'));
    if (link instanceof Error) {
      const { code, text, todo } = link;
      if (code !== 'MASTER_UNKNOWN' && code !== 'MASTER_AMBIGUOUS') throw link;
      return say(code === 'MASTER_UNKNOWN' ? 'unknown' : 'several', { text, todo }, [code]);
    }
    const master = link.name;
    const evidence = [`ifindex ${link.ifindex}, MAC ${link.mac || 'none'}, MTU ${link.mtu}`];
    const noEthernet = link.mac === '' || link.mac === '00:00:00:00:00:00';
    if (noEthernet || /^(ipvlan|ipvtap|macvlan|macvtap)$/.test(link.kind)) {
      return say(
        'unfit',
        { master, kind: link.kind === '' ? 'no Ethernet device' : `a ${link.kind} device` },
        evidence,
      );
    }
    if (link.kind !== '') return say('stacked', { master, kind: link.kind }, evidence);
    if (context.config.master !== undefined) return say('configured', { master }, evidence);
    const route = context.kernel
      .routes('host')
      .find(each => each.destination === 'default' && each.ifindex === link.ifindex);
    const why = route === undefined ? 'it is the only NIC with an address' : 'the default route leaves by it';
    return say('found', { master, why }, evidence);
  },
});

export const carrierCheck = defineCheck({
  id: 'carrier',
  title: 'whether the master is up',
  states: {
    up: { state: 'ok', text: '{master} is up and has a carrier.' },
    down: {
      state: 'failure',
      text: '{master} is down: nothing passes.',
      todo: 'Set it up: ip link set {master} up; and mend the configuration that should do so at boot.',
    },
    'no-carrier': {
      state: 'failure',
      text: '{master} is up, but has no carrier ({operstate}).',
      todo: "Look at the VM port in the cloud: openstack port show (its status and binding:vif_type); the hypervisor's side of the cable is not plugged.",
    },
  },
  async examine(on, say) {
    for (const link of await on.masters()) {
      const details = { master: link.name, operstate: link.state };
      const evidence = [`operstate ${link.state}`];
      // Virtual devices of some drivers never leave "unknown", and pass frames.
      if (!link.up) say('down', details, evidence);
      else if (link.state === 'up' || link.state === 'unknown') say('up', details, evidence);
      else say('no-carrier', details, evidence);
    }
  },
});

export const holderCheck = defineCheck({
  id: 'holder',
  title: 'who holds the master',
  states: {
    free: { state: 'ok', text: 'Nobody holds {master}.' },
    slaves: { state: 'ok', text: 'Links stand on {master}, all of one mode, which new ones can have too: {count}.' },
    'mode-clash': {
      state: 'failure',
      text: "{master} carries ipvlan links in mode {standing}, and the configuration wants {wanted}: mode and flag are the master's, so a new link would change all of them. Kuryr refuses to make one.",
      todo: 'Remove the links that stand, use their flag for new networks (-o ipvlan_flag=), or use another NIC.',
    },
    port: { state: 'failure', text: '{master} cannot carry links: {holder}.', todo: '{advice}' },
  },
  async examine(on, say) {
    const { kernel, config } = on.context;
    const links = kernel.links('host');
    for (const link of await on.masters()) {
      const master = link.name;
      const slaves = await on.slaves(link);
      const evidence = slaves.slice(0, 5).map(describe);
      if (links.some(({ ifindex }) => ifindex === link.controller)) {
        say('port', holderOf(links, { kind: config.link.kind, master: link.ifindex }));
        continue;
      }
      const wanted = config.link.kind === 'ipvlan' ? `${config.link.mode} ${config.link.flag}` : 'l2 bridge';
      const other = slaves.find(each => each.kind === 'ipvlan' && `${each.link.mode} ${each.link.flag}` !== wanted);
      if (other !== undefined) {
        say('mode-clash', { master, wanted, standing: `${other.link.mode} ${other.link.flag}` }, evidence);
      } else if (slaves.length > 0) say('slaves', { master, count: slaves.length }, evidence);
      else say('free', { master });
    }
  },
});
