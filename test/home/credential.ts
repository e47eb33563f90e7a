import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Cloud } from '../lab/cloud/cloud.ts';
import type { Vm } from '../lab/vm.ts';

const top = join(import.meta.dirname, '../..');

/** What the user does on their own machine for a VM: makes the least credential, by the command; gives its clouds.yaml. */
async function leastCredential(cloud: Cloud, name: string, portId: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'kuryr-user-'));
  try {
    const file = join(folder, 'clouds.yaml');
    await writeFile(file, cloud.cloudsYaml('demo'), { mode: 0o600 });
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [join(top, 'src/cli/main.ts'), 'credential', 'create', name, '--port', portId],
      { env: { PATH: process.env['PATH'], OS_CLIENT_CONFIG_FILE: file, OS_CLOUD: 'lab' } },
    );
    return stdout;
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Copies such a credential to where the service of the VM reads it, as scp would. */
export async function giveCredential(cloud: Cloud, vm: Vm): Promise<void> {
  const yaml = await leastCredential(cloud, `${vm.name}-${Date.now()}`, vm.port.id);
  await vm.ok(`umask 077; mkdir -p -m 755 /etc/kuryr; cat >/etc/kuryr/clouds.yaml <<'END'\n${yaml}\nEND`);
}
