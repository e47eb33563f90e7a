import { defineCheck } from '../check.ts';

export const guardCheck = defineCheck({
  id: 'guard',
  title: 'whether a guard keeps the addresses of the VM',
  states: {
    stands: {
      state: 'ok',
      text: 'A guard on {master} keeps {count} addresses from containers: those of the VM and of gateways.',
    },
    gaps: {
      state: 'warning',
      text: "The guard on {master} does not keep {addresses}: a container with NET_ADMIN can take what is the VM's own, and put the VM off the net.",
      todo: 'Look at kuryr status and the log for GUARD_INCOMPLETE and GUARD_FAILED; a running daemon looks after its guards every half minute.',
    },
    missing: {
      state: 'warning',
      text: "Containers have ipvlan links on {master}, and no guard stands: one with NET_ADMIN can take the VM's own address, and put the VM off the net.",
      todo: 'Start the daemon, or look at its log for GUARD_FAILED; links that Kuryr did not make get no guard.',
    },
    left: {
      state: 'warning',
      text: 'A guard stands on {master}, which has no attachment: no macvlan link can be made there meanwhile.',
      todo: 'Clear it away: kuryr gc. A running daemon does so by itself.',
    },
    unneeded: { state: 'skipped', text: 'No container has an ipvlan link on {master}: there is nothing to guard.' },
    macvlan: {
      state: 'skipped',
      text: "macvlan has no guard: a container with NET_ADMIN on {master} can take any MAC and IP address, and what leaves the VM is up to the cloud's port security alone.",
      todo: 'Run containers that you do not trust without NET_ADMIN and NET_RAW, or use ipvlan for their network.',
    },
  },
  async examine(on, say) {
    const { kernel, config } = on.context;
    for (const link of await on.masters()) {
      const master = link.name;
      const slaves = await on.slaves(link);
      const guard = await on.guard(link);
      const contained = slaves.filter(({ kind, link: slave }) => kind === 'ipvlan' && slave.masterElsewhere);
      const isMacvlan = slaves.length > 0 ? slaves[0]?.kind === 'macvlan' : config.link.kind === 'macvlan';
      if (guard !== undefined) {
        const evidence = [`kept: ${guard.keeps.join(', ')}`];
        const own = kernel.addresses('host').filter(({ ifindex }) => ifindex === link.ifindex);
        const gaps = own.map(({ address }) => address).filter(address => !guard.keeps.includes(address));
        if (contained.length === 0) say('left', { master }, evidence);
        else if (gaps.length > 0) say('gaps', { master, addresses: gaps.join(', ') }, evidence);
        else say('stands', { master, count: guard.keeps.length }, evidence);
      } else if (contained.length > 0) say('missing', { master, count: contained.length });
      else say(isMacvlan ? 'macvlan' : 'unneeded', { master });
    }
  },
});
