import manifest from '../../package.json' with { type: 'json' };
import type { Command } from './command.ts';

export const versionCommand: Command = {
  help: () => 'usage: kuryr version',
  async run(_, terminal) {
    terminal.out(`kuryr ${manifest.version}`);
    return 0;
  },
};
