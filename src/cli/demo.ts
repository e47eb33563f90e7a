import { configFlags, parseFlags } from '../config/flags.ts';
import { readConfig } from '../config/read-config.ts';
import { faults } from '../demo/options.ts';
import { KuryrError } from '../errors/kuryr-error.ts';
import type { Command, Terminal } from './command.ts';

const usage = 'kuryr demo [--docker] [--stay] [--break filter|pair|kill], or kuryr demo --here [FLAGS]';

export const demoCommand: Command = {
  help: () =>
    [
      'usage: kuryr demo [--docker] [--stay] [--break WHAT]',
      '       kuryr demo --here [FLAGS]',
      '',
      'Shows what Kuryr does, without an OpenStack: a cloud in memory, two VMs on its network, the daemon in each and a',
      'container in each. It says only what it has measured; the exit code is 3 where something did not hold.',
      'All of it is in namespaces of its own and is gone at the end. Needs no root where users may make namespaces.',
      '',
      '  --docker      containers of a Docker engine in each VM, instead of namespaces with a shell',
      '  --stay        leaves it up for you, with commands to try',
      '  --break WHAT  breaks something on purpose, to see the demo notice: filter, pair or kill',
      '  --here        on an OpenStack VM: one container on its own port, in its own cloud; all is undone. As root;',
      '                FLAGS, variables and the file are those of kuryr run',
    ].join('\n'),

  async run(args, terminal, signal) {
    if (args.includes('--here')) return here(args, terminal, signal);
    const { on, text, positionals } = parseFlags(args, { docker: 'switch', stay: 'switch', break: 'text' });
    const fault = faults.find(each => each === text.break);
    if (positionals.length > 0 || (text.break !== undefined && fault === undefined))
      throw new KuryrError('COMMAND_USAGE', { usage });
    const { runDemo } = await import('../demo/demo.ts');
    return runDemo({ docker: on.has('docker'), stay: on.has('stay'), fault }, terminal.out, signal);
  },
};

async function here(args: readonly string[], terminal: Terminal, signal: AbortSignal): Promise<number> {
  const { text } = parseFlags(args, { ...configFlags, here: 'switch' });
  const { config } = await readConfig({ flags: text, env: terminal.env, readFile: terminal.readFile });
  const { runHere } = await import('../demo/here.ts');
  return runHere(config, terminal.env, terminal.out, signal);
}
