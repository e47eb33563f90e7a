import { defineCheck } from '../check.ts';

export const ipv6Check = defineCheck({
  id: 'ipv6',
  title: 'IPv6',
  states: {
    none: { state: 'skipped', text: 'The network {network} has no IPv6 subnet.' },
    stateful: {
      state: 'ok',
      text: 'Containers get IPv6 addresses of {cidr}, which Neutron gives and --ip6 can choose.',
    },
    automatic: {
      state: 'ok',
      text: "The subnet {cidr} makes its addresses by itself ({mode}): containers get the one that Neutron makes of the reservation's MAC, and --ip6 is refused.",
    },
    disabled: {
      state: 'warning',
      text: 'The subnet {cidr} has IPv6, but this kernel has it switched off for new links ({setting} is 1).',
      todo: 'Switch it on, if containers shall have IPv6: sysctl -w {setting}=0, and for good in /etc/sysctl.d.',
    },
  },
  async examine(on, say) {
    const { kernel } = on.context;
    const read = (path: string) => kernel.sysctl('host', `net/ipv6/conf/${path}`) ?? 'missing';
    const off = ['all', 'default'].find(name => read(`${name}/disable_ipv6`) === '1');
    for (const { master, network, subnets } of await on.nics()) {
      const evidence = [
        `accept_ra ${read(`${master.name}/accept_ra`)}, addr_gen_mode ${read(`${master.name}/addr_gen_mode`)} on ${master.name}`,
      ];
      const own = subnets.filter(subnet => subnet.ip_version === 6);
      if (own.length === 0) say('none', { network: network.name });
      for (const { cidr, ipv6_address_mode: mode } of own) {
        if (off !== undefined) say('disabled', { cidr, setting: `net.ipv6.conf.${off}.disable_ipv6` }, evidence);
        else if (mode === 'slaac' || mode === 'dhcpv6-stateless') say('automatic', { cidr, mode }, evidence);
        else say('stateful', { cidr }, evidence);
      }
    }
  },
});

export const dhcpCheck = defineCheck({
  id: 'dhcp',
  title: 'DHCP',
  states: {
    ipvlan: {
      state: 'skipped',
      text: "Containers need no DHCP: Kuryr sets their addresses. A DHCP client in an ipvlan container would get the VM's own lease, since it has the VM's MAC address.",
    },
    macvlan: {
      state: 'skipped',
      text: 'Containers need no DHCP: Kuryr sets their addresses. Neutron answers a DHCP client in a container only for a MAC address that a bound port has.',
    },
  },
  async examine({ context }, say) {
    say(context.config.link.kind);
  },
});
