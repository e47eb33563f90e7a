import type { Status } from '../attach/status.ts';
import type { Cleaned } from '../attach/upkeep.ts';
import { parseFlags } from '../config/flags.ts';
import { nodeIo } from '../install/io.ts';
import { uninstall } from '../install/uninstaller.ts';
import type { Command } from './command.ts';
import { askDaemon, controlFlags, controlHelp } from './control-client.ts';
import { renderCleaned } from './gc.ts';
import { cpuOfThis } from './install.ts';

export const uninstallCommand: Command = {
  help: () =>
    [
      'usage: kuryr uninstall [--purge] [--force]',
      '',
      'Removes what kuryr install put on this VM. Configuration, credential and ledger stay. It is refused while containers are',
      'attached, Docker has networks of Kuryr, or the daemon or the cloud does not answer, to which is given back what is left.',
      '',
      '  --purge         configuration, credential and ledger go too',
      '  --force         goes on all the same',
      ...controlHelp(18),
    ].join('\n'),

  async run(args, terminal, signal) {
    const { text, on } = parseFlags(args, { ...controlFlags, purge: 'switch', force: 'switch' });
    const ask = (method: 'GET' | 'POST', path: string, body?: unknown) =>
      askDaemon({ method, path, body }, text, terminal, signal);
    await uninstall({
      ...{ io: nodeIo, cpu: cpuOfThis(), isRoot: process.getuid?.() === 0 },
      ...{ purge: on.has('purge'), force: on.has('force'), say: line => terminal.out(line) },
      attached: async () => ((await ask('GET', '/v1/status')) as Status).attachments.length,
      async giveBack() {
        const { cleaned } = (await ask('POST', '/v1/gc', { dryRun: false })) as { cleaned: readonly Cleaned[] };
        if (cleaned.length > 0) terminal.out(renderCleaned(cleaned, false));
        return cleaned.filter(({ error }) => error !== undefined).length;
      },
      async withdraw() {
        await ask('POST', '/v1/withdraw');
      },
    });
    return 0;
  },
};
