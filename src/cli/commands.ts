import { nearest } from '../config/nearest.ts';
import { KuryrError } from '../errors/kuryr-error.ts';
import type { Command } from './command.ts';

interface Entry {
  readonly summary: string;
  /** Loads the command alone, so that a short one does not start up the daemon's code. */
  readonly load: () => Promise<Command>;
}

/** The verbs of the CLI besides help, in the order in which it lists them. */
const commands: Readonly<Record<string, Entry>> = {
  run: { summary: 'run the daemon', load: async () => (await import('./run.ts')).runCommand },
  network: { summary: 'make a Docker network', load: async () => (await import('./network.ts')).networkCommand },
  config: {
    summary: 'show each option, and where its value comes from',
    load: async () => (await import('./config.ts')).configCommand,
  },
  status: { summary: 'show attachments and pairs', load: async () => (await import('./status.ts')).statusCommand },
  explain: {
    summary: "tell an attachment's life, and what is wrong with it",
    load: async () => (await import('./explain.ts')).explainCommand,
  },
  doctor: {
    summary: 'tell whether this VM and its cloud can carry Kuryr',
    load: async () => (await import('./doctor.ts')).doctorCommand,
  },
  demo: {
    summary: 'show what Kuryr does, without an OpenStack',
    load: async () => (await import('./demo.ts')).demoCommand,
  },
  cloud: {
    summary: 'serve an OpenStack in memory, to try tools on',
    load: async () => (await import('./cloud.ts')).cloudCommand,
  },
  credential: {
    summary: 'make the least credential that a VM needs',
    load: async () => (await import('./credential.ts')).credentialCommand,
  },
  reload: {
    summary: 'have the daemon read its configuration again',
    load: async () => (await import('./reload.ts')).reloadCommand,
  },
  install: {
    summary: 'install Kuryr on this VM, or upgrade it',
    load: async () => (await import('./install.ts')).installCommand,
  },
  uninstall: {
    summary: 'remove it again',
    load: async () => (await import('./uninstall.ts')).uninstallCommand,
  },
  gc: { summary: 'clear away what has no owner', load: async () => (await import('./gc.ts')).gcCommand },
  version: { summary: 'show the version', load: async () => (await import('./version.ts')).versionCommand },
};

/** Names of all commands, help included. */
export const commandNames: readonly string[] = [...Object.keys(commands), 'help'];

/** @throws COMMAND_UNKNOWN naming the nearest command */
export async function loadCommand(name: string): Promise<Command> {
  const entry = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (entry !== undefined) return entry.load();
  const near = nearest(name, commandNames);
  const hint = near === undefined ? 'kuryr help lists the commands' : `did you mean kuryr ${near}`;
  throw new KuryrError('COMMAND_UNKNOWN', { command: name, hint });
}

/** What `kuryr help` prints, or with a command's name what that one takes. @throws COMMAND_UNKNOWN */
export async function help(name?: string): Promise<string> {
  if (name !== undefined && name !== 'help') return (await loadCommand(name)).help();
  const width = Math.max(...commandNames.map(each => each.length));
  return [
    "Kuryr gives each container of an OpenStack VM an address on the VM's own Neutron network.",
    '',
    'usage: kuryr COMMAND [FLAGS]',
    '',
    ...Object.entries(commands).map(([each, { summary }]) => `  ${each.padEnd(width)}  ${summary}`),
    `  ${'help'.padEnd(width)}  show this, or what a command takes`,
    '',
    'kuryr help COMMAND tells what a command takes.',
  ].join('\n');
}
