import { FakeIo } from './fake-io.ts';
import { type InstallParts, install } from './installer.ts';
import { type UninstallParts, uninstall } from './uninstaller.ts';

export const program = '/usr/local/lib/kuryr/kuryr.mjs';

/** A machine with the credential, a program that was built, and what install and uninstall say. */
export class Bench {
  readonly io = new FakeIo();
  readonly said: string[] = [];

  constructor() {
    const { files, folders } = this.io;
    for (const folder of [
      '/usr',
      '/usr/local',
      '/etc',
      '/etc/kuryr',
      '/var',
      '/var/lib',
      '/run',
      '/run/systemd/system',
      '/run/lock',
    ])
      folders.set(folder, 0o755);
    this.release(1);
    files.set('/opt/node', { text: 'node 1', mode: 0o700 });
    files.set('/etc/kuryr/clouds.yaml', { text: 'the credential', mode: 0o600 });
  }

  install(parts: Partial<InstallParts> = {}): Promise<readonly string[]> {
    return install({
      ...{ io: this.io, cpu: 'x64', isRoot: true, built: '/built', node: '/opt/node', credential: [], dryRun: false },
      say: line => void this.said.push(line),
      ...parts,
    });
  }

  uninstall(parts: Partial<UninstallParts> = {}): Promise<void> {
    return uninstall({
      ...{ io: this.io, cpu: 'x64', isRoot: true, purge: false, force: false },
      attached: async () => 0,
      giveBack: async () => {
        this.io.commands.push('give back');
        return 0;
      },
      withdraw: async () => void this.io.commands.push('withdraw'),
      say: line => void this.said.push(line),
      ...parts,
    });
  }

  /** What it had systemd do. */
  systemctl(): string[] {
    return this.io.commands.filter(line => /^systemctl (?!is-active|show)/.test(line));
  }

  /** Another version is to be installed from now on. */
  release(version: number): void {
    for (const name of ['kuryr.mjs', 'koffi-linux-x64.node', 'man/man1/kuryr.1'])
      this.io.files.set(`/built/${name}`, { text: `${name} ${version}`, mode: 0o600 });
  }
}
