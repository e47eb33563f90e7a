import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { release, type } from 'node:os';
import { join } from 'node:path';
import { guestKernel } from '../lab/guest/kernel.ts';
import { treePath } from '../lab/tree/tree.ts';

/** On what it ran; with the lab, also the releases of what makes it up. */
export async function versions(lab: boolean): Promise<string> {
  const here = [`Node ${process.versions.node}`, `${type()} ${release()}`];
  if (!lab) return here.join(', ');
  const { modules } = await guestKernel(() => {});
  const kernel = `guest kernel ${readdirSync(modules).join(' ')}`;
  return [...here, ...debian('bookworm', cloud), ...debian('trixie', engine), kernel].join(', ');
}

const engine = { 'docker.io': 'Docker' };
const cloud = {
  ...{ 'neutron-common': 'Neutron', 'ovn-central': 'OVN', 'openvswitch-switch': 'Open vSwitch' },
  ...engine,
};

/** Packages of one of the lab's trees, from dpkg's status file. */
function debian(suite: 'bookworm' | 'trixie', packages: Readonly<Record<string, string>>): string[] {
  const status = join(treePath(suite), 'var/lib/dpkg/status');
  if (!existsSync(status)) return [];
  const entries = readFileSync(status, 'utf8').split('\n\n');
  return Object.entries(packages).flatMap(([name, called]) => {
    const version = /^Version: (.+)$/m.exec(entries.find(entry => entry.startsWith(`Package: ${name}\n`)) ?? '')?.[1];
    return version === undefined ? [] : `${called} ${version} (${suite})`;
  });
}
