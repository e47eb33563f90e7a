import { familyOf } from '../../address/address.ts';
import type { Details } from '../../errors/details.ts';
import { isKuryrError, type KuryrError } from '../../errors/kuryr-error.ts';
import { clashOf } from '../../hostaccess/services.ts';
import { isOurs } from '../../hostaccess/standing.ts';
import { tryAnswers, tryFilters, tryShield } from '../../hostaccess/trial.ts';
import { defineCheck } from '../check.ts';

const states = {
  standing: {
    state: 'ok',
    text: 'The VM and its own containers on {master} reach one another: the rules for it stand.',
  },
  possible: {
    state: 'ok',
    text: 'The VM and its own containers on {master} can reach one another: this kernel has what that takes.',
  },
  private: {
    state: 'skipped',
    text: 'Containers in macvlan_mode=private do not find the VM by themselves: the kernel keeps what they ask from it.',
    todo: 'Use macvlan_mode=bridge, or ipvlan, with ipvlan_flag=private where containers shall not see one another.',
  },
  off: {
    state: 'skipped',
    text: 'The VM and its own containers do not reach one another: host access is switched off.',
    todo: 'Switch it on, if the VM itself shall reach them, such as for a health check: --host-access on.',
  },
  forgeries: { state: 'warning', text: '{text}', todo: '{todo}' },
  answers: { state: 'warning', text: '{text}', todo: '{todo}' },
  clash: { state: 'warning', text: '{text}', todo: '{todo}' },
  forwarding: {
    state: 'warning',
    text: 'Services reach no backend but the VM itself: IPv{family} forwarding is off ({sysctl}).',
    todo: 'Switch it on, if services have backends elsewhere: sysctl -w {sysctl}=1. Kuryr changes no sysctl of the VM.',
  },
  lacking: { state: 'warning', text: '{text}', todo: '{todo}' },
  unprivileged: {
    state: 'skipped',
    text: 'Not tried on {master}: it takes CAP_NET_ADMIN.',
    todo: 'Run kuryr doctor as root.',
  },
} as const;

const forwarding = [
  [4, 'net.ipv4.ip_forward'],
  [6, 'net.ipv6.conf.all.forwarding'],
] as const;

export const hostAccessCheck = defineCheck({
  id: 'host-access',
  title: 'VM and own containers',
  states,
  async examine(on, say) {
    const { kernel, config } = on.context;
    if (config.link.kind === 'ipvlan')
      for (const master of await on.masters()) {
        const lack = attempt(() => tryShield(kernel.filters, master));
        if (lack?.code === 'FORGERIES_PASS') say('forgeries', { text: lack.text, todo: lack.todo }, [master.name]);
      }
    if (config.hostAccess === 'off') {
      say('off');
      return;
    }
    if (config.link.kind === 'macvlan' && config.link.mode === 'private') say('private');
    const { services } = config;
    const held = kernel.addresses('host').filter(({ linkLocal }) => !linkLocal);
    for (const { ifindex, name } of await on.masters()) {
      const clash = clashOf([{ addresses: held.filter(each => each.ifindex === ifindex) }], services);
      if (clash !== undefined) say('clash', { text: clash.text, todo: clash.todo }, [clash.code, name]);
    }
    for (const [family, sysctl] of forwarding)
      if (services.ranges.some(range => familyOf(range) === family) && kernel.sysctl('host', sysctl)?.trim() === '0')
        say('forwarding', { family, sysctl });
    if (services.backends.length > 0)
      for (const master of await on.masters()) {
        const lack = attempt(() => tryAnswers(kernel.filters, master));
        if (lack?.code === 'SERVICE_ANSWERS_LACKING')
          say('answers', { text: lack.text, todo: lack.todo }, [master.name]);
      }
    for (const { name: master, ifindex } of await on.masters()) {
      if (kernel.filters.of(ifindex).some(isOurs)) say('standing', { master });
      else
        say(
          ...judge(
            master,
            attempt(() => tryFilters(kernel.filters, ifindex, config.link.kind === 'macvlan')),
          ),
        );
    }
  },
});

type Judged = readonly [reason: keyof typeof states, details: Details, evidence?: readonly string[]];

function judge(master: string, error: KuryrError | undefined): Judged {
  if (error === undefined) return ['possible', { master }];
  if (error.code === 'NOT_PRIVILEGED') return ['unprivileged', { master }, [error.text]];
  return ['lacking', { text: error.text, todo: error.todo }, [error.code, master]];
}

/** Why it cannot be, or could not be tried. */
function attempt(act: () => KuryrError | undefined): KuryrError | undefined {
  try {
    return act();
  } catch (error) {
    if (isKuryrError(error, 'NOT_PRIVILEGED')) return error;
    throw error;
  }
}
