import { parseFlags } from '../config/flags.ts';
import { KuryrError } from '../errors/kuryr-error.ts';
import type { Command, Terminal } from './command.ts';
import { askDaemon, controlFlags, controlHelp } from './control-client.ts';

const help = [
  'usage: kuryr network create NAME [FLAGS] [-- DOCKER-ARGUMENTS]',
  '',
  'Makes a Docker network over Neutron subnets of this VM: finds subnets and gateways, prints the docker command, runs it.',
  '',
  '  --network NETWORK   id or name of the Neutron network, one that a NIC of the VM is on [that of the master]',
  '  --subnet SUBNET     id, name or CIDR of a subnet of it; may come again [its IPv4 subnet]',
  '  --ipv6              its IPv6 subnet too',
  '  --master INTERFACE  the NIC, where several are on that network',
  '  --link KIND         ipvlan or macvlan [that of the daemon]',
  '  --mode MODE         l2 or private (ipvlan, which must be named for private); bridge or private (macvlan)',
  '  --print             only print the command',
  ...controlHelp(22),
  '',
  'DOCKER-ARGUMENTS are handed to docker network create, --internal or --label for instance.',
].join('\n');

const flags = {
  ...controlFlags,
  network: 'text',
  subnet: 'list',
  ipv6: 'switch',
  master: 'text',
  link: 'text',
  mode: 'text',
  print: 'switch',
} as const;

export const networkCommand: Command = {
  help: () => help,

  async run(args, terminal, signal) {
    const cut = args.includes('--') ? args.indexOf('--') : args.length;
    const { text, list, on, positionals } = parseFlags(args.slice(0, cut), flags);
    const [verb, name, ...rest] = positionals;
    if (verb !== 'create' || name === undefined || rest.length > 0) {
      throw new KuryrError('COMMAND_USAGE', { usage: 'kuryr network create NAME [FLAGS] [-- DOCKER-ARGUMENTS]' });
    }
    const { network, master, link, mode } = text;
    const body = {
      name,
      ...(network !== undefined && { network }),
      subnets: list.subnet ?? [],
      ipv6: on.has('ipv6'),
      ...(master !== undefined && { master }),
      options: linkOptions(link, mode),
    };
    const route = { method: 'POST', path: '/v1/network-plan', body } as const;
    const command = withDockerArguments(await plan(route, text, terminal, signal), args.slice(cut + 1));
    terminal.out(command.map(quoted).join(' '));
    return on.has('print') ? 0 : terminal.run(command, signal);
  },
};

async function plan(
  route: Parameters<typeof askDaemon>[0],
  text: Readonly<Partial<Record<string, string>>>,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<string[]> {
  const { command } = (await askDaemon(
    route,
    { 'run-dir': text['run-dir'], config: text['config'] },
    terminal,
    signal,
  )) as {
    command: string[];
  };
  return command;
}

/** The `-o` options that the daemon puts into the command; it knows which modes a link has. */
function linkOptions(link: string | undefined, mode: string | undefined): Record<string, string> {
  const kind = link ?? (mode === undefined || mode === 'l2' ? 'ipvlan' : 'macvlan');
  return {
    ...(link !== undefined && { link }),
    ...(mode !== undefined && { [kind === 'ipvlan' && mode !== 'l2' ? 'ipvlan_flag' : `${kind}_mode`]: mode }),
  };
}

/** The network's name stays last, as docker wants it. */
function withDockerArguments(command: readonly string[], more: readonly string[]): string[] {
  return [...command.slice(0, -1), ...more, ...command.slice(-1)];
}

/** The word as a shell takes it. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
