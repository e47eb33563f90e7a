import type { Cleaned } from '../attach/upkeep.ts';
import { parseFlags } from '../config/flags.ts';
import type { Command } from './command.ts';
import { askDaemon, controlFlags, controlHelp } from './control-client.ts';
import { shown } from './table.ts';

export const gcCommand: Command = {
  help: () =>
    [
      'usage: kuryr gc [--dry-run] [--withdraw] [--json]',
      '',
      "Clears away reservations, pairs, links and rules of Kuryr's that no container has; nobody else's are touched.",
      '',
      '  --dry-run       only tell what would be done',
      '  --withdraw      takes away too what stands in the VM for containers that are left: before the daemon is removed',
      '  --json          the whole answer of the daemon',
      ...controlHelp(18),
    ].join('\n'),

  async run(args, terminal, signal) {
    const { text, on } = parseFlags(args, { ...controlFlags, json: 'switch', 'dry-run': 'switch', withdraw: 'switch' });
    const body = { dryRun: on.has('dry-run') };
    // First, since the cloud may not be there for the rest.
    if (on.has('withdraw') && !body.dryRun)
      await askDaemon({ method: 'POST', path: '/v1/withdraw' }, text, terminal, signal);
    const answer = await askDaemon({ method: 'POST', path: '/v1/gc', body }, text, terminal, signal);
    const { cleaned } = answer as { cleaned: readonly Cleaned[] };
    terminal.out(on.has('json') ? JSON.stringify(answer, undefined, 2) : renderCleaned(cleaned, body.dryRun));
    return cleaned.some(({ error }) => error !== undefined) ? 1 : 0;
  },
};

/** What was, or would be, cleared away, a line each. */
export function renderCleaned(cleaned: readonly Cleaned[], dryRun: boolean): string {
  if (cleaned.length === 0) return 'Nothing is without an owner.';
  return cleaned
    .map(({ step, error }) => {
      const what = `${subjectOf(step)}: ${shown(step.why)}`;
      if (error !== undefined) return `failed: ${what}\n  ${shown(error)}`;
      return `${dryRun ? 'would clear away' : 'cleared away'} ${what}`;
    })
    .join('\n');
}

function subjectOf(step: Cleaned['step']): string {
  switch (step.do) {
    case 'end':
      return `address ${shown(step.address)} (${shown(step.name)})`;
    case 'adopt':
      return `reservation ${shown(step.portId)} of ${shown(step.address)}`;
    case 'detach':
      return `attachment ${shown(step.id)} (${step.addresses.map(shown).join(', ')})`;
    case 'forget':
      return `network ${shown(step.network.slice(0, 12))} (set aside for it: ${step.addresses.map(shown).join(', ') || 'nothing'})`;
    case 'close':
      return `host access (${step.what.map(shown).join(', ')})`;
    case 'unguard':
      return `guard of ${shown(step.master)}`;
    case 'unlink':
      return `link ${shown(step.link)}`;
  }
}
