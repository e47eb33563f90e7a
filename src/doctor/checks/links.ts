import type { Details } from '../../errors/details.ts';
import { defineCheck, type Say } from '../check.ts';
import type { Examination } from '../examination.ts';
import type { Attempt, LinkKind } from '../link-attempts.ts';
import type { Slave } from '../slaves.ts';

const states = {
  made: { state: 'ok', text: 'A {kind} link was made on {master} and removed again.' },
  standing: { state: 'ok', text: 'Links of {kind} stand on {master}: {count}.' },
  blocked: {
    state: 'failure',
    text: '{master} carries {other} links, and the kernel lets a master carry one kind only: no {kind} link can be made.',
    todo: 'Use {other} (--link {other}), remove those links, or use another NIC.',
  },
  'blocked-unused': {
    state: 'skipped',
    text: '{master} carries {other} links, and a master carries one kind only: {kind} is not for this NIC while they stand.',
  },
  busy: { state: 'failure', text: '{text}', todo: '{todo}' },
  'busy-unused': { state: 'skipped', text: '{text}' },
  missing: {
    state: 'failure',
    text: 'This kernel has no {kind}.',
    todo: 'Install the module (modprobe {kind}; distributions keep it in linux-modules-extra or kernel-modules-extra where it is not in the main package), or choose the other kind with --link.',
  },
  'missing-unused': { state: 'skipped', text: 'This kernel has no {kind}, which networks do not use by default here.' },
  unprivileged: {
    state: 'skipped',
    text: 'Not tried on {master}: it takes CAP_NET_ADMIN.',
    todo: 'Run kuryr doctor as root.',
  },
  untried: { state: 'skipped', text: 'Not tried on {master}: {why}.' },
  stuck: {
    state: 'failure',
    text: 'A {kind} link was made on {master}, but could not be removed again: {text}',
    todo: 'Remove it: ip link delete {name}.',
  },
} as const;

export const ipvlanCheck = defineCheck({
  id: 'ipvlan',
  title: 'ipvlan',
  states,
  examine: (on, say) => examine(on, say, 'ipvlan'),
});

export const macvlanCheck = defineCheck({
  id: 'macvlan',
  title: 'macvlan',
  states,
  examine: (on, say) => examine(on, say, 'macvlan'),
});

async function examine(on: Examination, say: Say<typeof states>, kind: LinkKind): Promise<void> {
  const isUsed = on.context.config.link.kind === kind;
  for (const master of await on.masters()) {
    say(...judge(kind, master.name, isUsed, (await on.attempts(master))[kind]));
  }
}

type Judged = readonly [reason: keyof typeof states, details: Details, evidence?: readonly string[]];

function judge(kind: LinkKind, master: string, isUsed: boolean, attempt: Attempt): Judged {
  const details = { kind, master };
  switch (attempt.is) {
    case 'made':
      return ['made', details, [`took ${attempt.ms.toFixed(1)} ms`]];
    case 'standing':
      return ['standing', { ...details, count: attempt.slaves.length }, attempt.slaves.slice(0, 5).map(describe)];
    case 'blocked': {
      const other = kind === 'ipvlan' ? 'macvlan' : 'ipvlan';
      const evidence = attempt.slaves.slice(0, 5).map(describe);
      return [isUsed ? 'blocked' : 'blocked-unused', { ...details, other }, evidence];
    }
    case 'untried':
      return ['untried', { ...details, why: attempt.why }];
    case 'stuck':
      return ['stuck', { ...details, name: attempt.name, text: attempt.error.text }, [attempt.error.code]];
    case 'refused': {
      const { code, text, todo } = attempt.error;
      if (code === 'NOT_PRIVILEGED') return ['unprivileged', details, [text]];
      if (code === 'KERNEL_UNSUPPORTED') return [isUsed ? 'missing' : 'missing-unused', details, [text]];
      if (code === 'MASTER_BUSY') return [isUsed ? 'busy' : 'busy-unused', { text, todo }];
      throw attempt.error;
    }
  }
}

/** `ipvlan eth0 (l2, bridge) in /run/docker/netns/1f…` */
export function describe({ kind, link, where }: Slave): string {
  const mode = [link.mode, link.flag].filter(part => part !== '').join(', ');
  return `${kind} ${link.name} (${mode}) in ${where}`;
}
