import assert from 'node:assert/strict';
import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { RunResult } from '../../guest/line.ts';
import type { Lab } from '../lab/lab.ts';
import type { Vm } from '../lab/vm.ts';
import { blocksOf } from './guide.ts';
import { type Played, YourMachine } from './your-machine.ts';

const top = join(import.meta.dirname, '../..');

/** What the commands of a block printed, all in one, by the guide's heading that they stand below. */
export type Printed = ReadonlyMap<string, string>;

/**
 * Types docs/guides/first-vm.md, command by command. What the lab has not is played: Nova, whose VMs are there already; and
 * ssh and scp, which are the line to them. @param compose how the VMs' compose is called
 * @throws Error at the first command that fails
 */
export async function followFirstVm(
  lab: Lab,
  vms: Readonly<Record<string, Vm>>,
  compose: 'docker compose' | 'docker-compose',
  signal: AbortSignal,
): Promise<Printed> {
  const named = (name: string): Vm => {
    const vm = vms[name];
    if (vm === undefined) throw new Error(`no VM is called ${name}`);
    return vm;
  };
  const played: Readonly<Record<string, Played>> = {
    openstack: async args => {
      if (args[0] !== 'server') return await openstack(lab, args);
      const [, verb, name = ''] = args;
      assert.equal(verb, 'create');
      const { port } = await lab.cloud.ok('GET', `/ports/${named(name).port.id}`);
      return said(`${port.device_id}\n`);
    },
    ssh: async ([name = '', ...words]) => await named(name).run(`cd /root; ${words.join(' ')}`, 300),
    scp: async args => {
      const [, name = ''] = /^(.+):$/.exec(args.at(-1) ?? '') ?? [];
      for (const file of args.slice(0, -1)) await copy(join(top, file), named(name));
      return said('');
    },
  };
  const printed = new Map<string, string>();
  const guide = await readFile(join(top, 'docs/guides/first-vm.md'), 'utf8');
  const forget = () => Promise.all(Object.keys(vms).map(name => rm(join(top, `${name}.yaml`), { force: true })));
  await forget();
  try {
    await using machine = await YourMachine.make(lab.cloud.cloudsYaml('demo'), played);
    for (const { machine: where, heading, script } of blocksOf(guide.replaceAll('docker compose', compose))) {
      const text =
        where === 'your machine'
          ? await machine.type(script, signal)
          : await named(where).ok(`cd /root; set -e -o pipefail\n${script}`, 300);
      printed.set(heading, `${printed.get(heading) ?? ''}${text}\n`);
    }
  } finally {
    await forget();
  }
  return printed;
}

const said = (stdout: string): RunResult => ({ code: 0, stdout, stderr: '', ms: 0 });

async function openstack(lab: Lab, args: readonly string[]): Promise<RunResult> {
  return said(await lab.cloud.openstack([...args]));
}

async function copy(file: string, vm: Vm): Promise<void> {
  // Under a name that the guest has not seen: it would remember the other file's size.
  const seen = await mkdtemp(join(vm.guest.folder, 'copied-'));
  await copyFile(file, join(seen, 'file'));
  await vm.ok(`umask 077; cat /mnt/${basename(seen)}/file >/root/${basename(file)}`);
  await rm(seen, { recursive: true });
}
