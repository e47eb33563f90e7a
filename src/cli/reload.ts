import { parseFlags } from '../config/flags.ts';
import type { Reloaded } from '../daemon/reload.ts';
import type { Command } from './command.ts';
import { askDaemon, controlFlags, controlHelp } from './control-client.ts';
import { shown } from './table.ts';

export const reloadCommand: Command = {
  help: () =>
    [
      'usage: kuryr reload [--json]',
      '',
      'Has the daemon read its configuration and its credential again, as systemctl reload kuryr does, and tells what came of it.',
      'Where something is wrong with them, nothing changes.',
      '',
      '  --json          the whole answer of the daemon',
      ...controlHelp(18),
    ].join('\n'),

  async run(args, terminal, signal) {
    const { text, on } = parseFlags(args, { ...controlFlags, json: 'switch' });
    const answer = await askDaemon({ method: 'POST', path: '/v1/reload' }, text, terminal, signal);
    terminal.out(on.has('json') ? JSON.stringify(answer, undefined, 2) : render(answer as Reloaded));
    return 0;
  },
};

function render({ changed, waiting, credential }: Reloaded): string {
  const lines = [
    ...changed.map(each => `now ${shown(each)}`),
    ...waiting.map(each => `after a restart ${shown(each)}`),
    ...(credential === 'renewed' ? ['the credential is the new one'] : []),
  ];
  return lines.length === 0 ? 'Nothing is new.' : lines.join('\n');
}
