import type { Command } from './command.ts';

interface Entry {
  readonly summary: string;
  /** Loads the command alone, so that a short one does not start up the daemon's code. */
  readonly load: () => Promise<Command>;
}

/** The verbs of the CLI, in the order in which help lists them. */
export const commands: Readonly<Record<string, Entry>> = {
  run: { summary: 'run the daemon', load: async () => (await import('./run.ts')).runCommand },
  network: { summary: 'make a Docker network', load: async () => (await import('./network.ts')).networkCommand },
  status: { summary: 'show attachments and pairs', load: async () => (await import('./status.ts')).statusCommand },
  gc: { summary: 'clear away what has no owner', load: async () => (await import('./gc.ts')).gcCommand },
  version: { summary: 'show the version', load: async () => (await import('./version.ts')).versionCommand },
  help: { summary: 'show this, or what a command takes', load: async () => (await import('./help.ts')).helpCommand },
};
