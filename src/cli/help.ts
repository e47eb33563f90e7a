import type { Command } from './command.ts';
import { commands } from './commands.ts';
import { unknownCommand } from './dispatch.ts';

function overview(): string {
  const width = Math.max(...Object.keys(commands).map(name => name.length));
  const lines = Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`);
  return [
    "Kuryr gives each container of an OpenStack VM an address on the VM's own Neutron network.",
    '',
    'usage: kuryr COMMAND [FLAGS]',
    '',
    ...lines,
    '',
    'kuryr help COMMAND tells what a command takes.',
  ].join('\n');
}

export const helpCommand: Command = {
  help: overview,
  async run([name], terminal) {
    if (name === undefined) terminal.out(overview());
    else {
      const entry = Object.hasOwn(commands, name) ? commands[name] : undefined;
      if (entry === undefined) throw unknownCommand(name);
      terminal.out((await entry.load()).help());
    }
    return 0;
  },
};
