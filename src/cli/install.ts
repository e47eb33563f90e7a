import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseFlags } from '../config/flags.ts';
import { KuryrError } from '../errors/kuryr-error.ts';
import { daemonCredential } from '../install/credential.ts';
import { install } from '../install/installer.ts';
import { nodeIo } from '../install/io.ts';
import { loadCloudConfig } from '../openstack/clouds-yaml.ts';
import type { Command, Terminal } from './command.ts';

export const installCommand: Command = {
  help: () =>
    [
      'usage: kuryr install [--cloud NAME] [--dry-run]',
      '',
      'Installs Kuryr on this VM, with its own Node, below /usr/local, as a service and a socket of systemd, and starts it. Done',
      'again it is the upgrade, or the way back: running containers, the configuration and the ledger stay, and no call is refused.',
      'Units that were stopped stay so. What fails is undone; one that was killed is put right by the next.',
      'It takes the credential in /etc/kuryr/clouds.yaml, which kuryr credential create makes.',
      '',
      '  --cloud NAME  writes that file with the application credential of this cloud in your clouds.yaml',
      '  --dry-run     only tell what would be done',
    ].join('\n'),

  async run(args, terminal) {
    const { text, on } = parseFlags(args, { cloud: 'text', 'dry-run': 'switch' });
    if (isShared()) throw new KuryrError('INSTALL_NODE_UNFIT', { node: process.execPath });
    const credential = text.cloud === undefined ? [] : await credentialOf(text.cloud, terminal);
    const built = await program(terminal);
    try {
      const stopped = await install({
        ...{
          io: nodeIo,
          cpu: cpuOfThis(),
          isRoot: process.getuid?.() === 0,
          built: built.folder,
          node: process.execPath,
        },
        ...{ credential, dryRun: on.has('dry-run'), say: line => terminal.out(line) },
      });
      if (!on.has('dry-run')) terminal.out(lastWord(stopped));
      return 0;
    } finally {
      await built[Symbol.asyncDispose]();
    }
  },
};

function lastWord(stopped: readonly string[]): string {
  if (stopped.length === 0) return 'Kuryr serves. Next: kuryr doctor, then kuryr network create NAME';
  const names = stopped.join(' ');
  return `Kuryr is installed, and not started: it was stopped before, or has no credential (systemctl status ${names}). To start it: systemctl start ${names}`;
}

export const cpuOfThis = (): 'x64' | 'arm64' => (process.arch === 'arm64' ? 'arm64' : 'x64');

/** That cloud of the user's, who has become root by sudo. */
async function credentialOf(cloud: string, { env }: Terminal) {
  const read = (path: string) => readFile(path, 'utf8');
  const home = await homeOf(env['SUDO_USER'], read);
  return daemonCredential(await loadCloudConfig({ env, cwd: process.cwd(), home, readFile: read }, cloud), read);
}

async function homeOf(user: string | undefined, read: (path: string) => Promise<string>): Promise<string> {
  const line = (await read('/etc/passwd')).split('\n').find(each => user !== undefined && each.startsWith(`${user}:`));
  return line?.split(':')[5] ?? homedir();
}

/** The folder of the program that runs, where it was built; a checkout's is built first. */
async function program(terminal: Terminal): Promise<AsyncDisposable & { readonly folder: string }> {
  const own = fileURLToPath(import.meta.url);
  if (basename(own) === 'kuryr.mjs') return { folder: dirname(own), async [Symbol.asyncDispose]() {} };
  const folder = await mkdtemp(join(tmpdir(), 'kuryr-install-'));
  terminal.err('building the program');
  const child = spawn(process.execPath, [join(dirname(own), '../../tools/build.ts'), folder, '--manual'], {
    stdio: 'inherit',
  });
  const code = await new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve));
  const removed = { folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
  if (code === 0) return removed;
  await removed[Symbol.asyncDispose]();
  throw new KuryrError('INSTALL_FAILED', { step: 'build the program', reason: `tools/build.ts ended with ${code}` });
}

/** A distribution's Node is mostly a library of its own, which its next upgrade replaces. */
function isShared(): boolean {
  const variables: object = process.config.variables;
  return 'node_shared' in variables && variables.node_shared === true;
}
