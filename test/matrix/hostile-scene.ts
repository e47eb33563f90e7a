import assert from 'node:assert/strict';
import { copyFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { RunResult } from '../../guest/line.ts';
import type { Container, Vm } from '../lab/vm.ts';
import type { Bed } from './bed.ts';
import { tables } from './host-access.ts';
import { assertReach, until } from './traffic.ts';

const framesFile = fileURLToPath(new URL('../hostaccess/frames.py', import.meta.url));
/** Of the network's subnets, outside of their pools: no port has them, so no pair either. */
export const FREE = ['10.30.0.222', 'fd30::222'] as const;

/** An IPv4 and an IPv6 address. */
type Both = readonly [string, string];

/** A hostile container in a, its sibling there, one in b, and all of them on a network with a router. */
export interface Scene {
  readonly bed: Bed;
  readonly network: string;
  readonly bad: Container;
  readonly sibling: Container;
  readonly other: Container;
  /** The gateway's addresses, IPv4 and IPv6. */
  readonly gateways: Both;
}

/** Before and after, the VM's own tables are the same, and the cloud has nothing of its containers. */
export async function onScene(
  bed: Bed,
  flags: string,
  checks: readonly ((scene: Scene) => Promise<void>)[],
): Promise<void> {
  const network = await bed.network('--ipv6');
  await until('a VM without a guard', () => isUnguarded(bed.a));
  const before = await tables(bed.a);
  copyFileSync(framesFile, `${bed.a.guest.folder}/frames.py`);
  const [bad, [sibling, other]] = await Promise.all([
    bed.a.container(bed.name('bad'), network, `-v /:/host:ro ${flags}`),
    bed.pair(network),
  ]);
  const { v4, v6 } = bed.lab.network;
  const scene: Scene = { bed, network, bad, sibling, other, gateways: [v4?.gateway ?? '', v6?.gateway ?? ''] };
  for (const check of checks) await check(scene);
  await bed.remove(bad, sibling);
  await bed.assertClean();
  // The guard goes a moment after the last container.
  await until('a VM without a guard', () => isUnguarded(bed.a));
  assert.equal(await tables(bed.a), before);
}

const isUnguarded = async (vm: Vm) => (await vm.ok('ls -A /run/kuryr/guard 2>/dev/null; true')) === '';

/** Docker runs the line in the container, with the container's capabilities and namespaces, but with the VM's programs. */
export function attack({ vm, name }: Container, script: string): Promise<RunResult> {
  const path = 'PATH=/usr/sbin:/usr/bin:/sbin:/bin';
  return vm.run(`docker exec -i -e ${path} ${name} busybox chroot /host bash -s <<'END'\n${script}\nEND`, 120);
}

/** As attack; gives stdout. @throws Error unless the exit code is 0 */
export async function ok(bad: Container, script: string): Promise<string> {
  const { code, stdout, stderr } = await attack(bad, `set -e\n${script}`);
  assert.equal(code, 0, `${script}\n${stdout}${stderr}`);
  return stdout;
}

/** Frames that leave the container by its raw socket, a line of frames.py each. */
export const send = (bad: Container, frames: readonly string[]) =>
  ok(bad, `python3 /mnt/frames.py <<'FRAMES'\n${frames.join('\n')}\nFRAMES`);

/** The VM, the sibling and the container in the other VM reach one another and the gateway. */
export async function assertWell({ bed, sibling, other, gateways }: Scene): Promise<void> {
  await assertReach(sibling, other);
  const pings = (to: readonly string[]) => `for to in ${to.join(' ')}; do ping -qc 2 -i 0.2 -W 3 $to || exit 1; done`;
  const seen = await Promise.all([
    bed.a.run(pings([...gateways, sibling.v4, sibling.v6, other.v4, other.v6])),
    ...[sibling, other].map(from => from.vm.within(from, pings(gateways))),
  ]);
  for (const { code, stdout } of seen) assert.equal(code, 0, stdout);
}
