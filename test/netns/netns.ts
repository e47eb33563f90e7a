import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { after, test } from 'node:test';
import type { KoffiSys } from '../../src/linux/koffi-sys.ts';
import { CLONE_NEWNET, O_RDONLY } from '../../src/linux/sys.ts';

/** Runs iproute2 and gives what it printed. */
export function ip(...args: readonly string[]): string {
  return execFileSync('ip', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Makes a network namespace that is removed when the file's tests are over; gives its name. */
export function makeNetns(purpose: string): { readonly name: string; readonly path: string } {
  const name = `kuryr-t-${purpose}-${randomBytes(3).toString('hex')}`;
  ip('netns', 'add', name);
  after(() => ip('netns', 'delete', name));
  ip('-n', name, 'link', 'set', 'lo', 'up');
  return { name, path: `/run/netns/${name}` };
}

/**
 * A namespace of its own for this test file's process, entered for good: what the kernel's edge then takes for the
 * daemon's own. Each test file is a process, so the machine's own links are never seen.
 */
export function enterOwnNetns(sys: KoffiSys): { readonly name: string; readonly path: string } {
  const own = makeNetns('vm');
  const fd = sys.open(own.path, O_RDONLY);
  if (sys.setns(fd, CLONE_NEWNET) !== 0) throw new Error('cannot enter a network namespace: these tests need root');
  sys.close(fd);
  return own;
}

/**
 * A NIC as a VM has one: `eth0` with 10.0.0.11/24 and fd00::11/64 in the calling process's namespace, on a cable to a
 * peer namespace that holds 10.0.0.1 and fd00::1, as a gateway would.
 */
export function plugNic(): { readonly peer: string; readonly peerPath: string } {
  const peer = makeNetns('peer');
  ip('link', 'add', 'eth0', 'address', '02:00:00:00:00:0b', 'type', 'veth', 'peer', 'name', 'wire', 'netns', peer.name);
  ip('address', 'add', '10.0.0.11/24', 'dev', 'eth0');
  ip('address', 'add', 'fd00::11/64', 'dev', 'eth0', 'nodad');
  ip('-n', peer.name, 'address', 'add', '10.0.0.1/24', 'dev', 'wire');
  ip('-n', peer.name, 'address', 'add', 'fd00::1/64', 'dev', 'wire', 'nodad');
  ip('-n', peer.name, 'link', 'set', 'wire', 'up');
  ip('link', 'set', 'eth0', 'up');
  // The kernel's link watch sets the operational state a moment later.
  while (!ip('link', 'show', 'eth0').includes('state UP'));
  return { peer: peer.name, peerPath: peer.path };
}

/**
 * `test` where the kernel has ipvlan. Elsewhere such tests are left to the run in a guest (guest.test.ts), which sees to it
 * that they are run.
 */
export function ipvlanTest(name: string, run: () => Promise<void>): void {
  if (hasIpvlan()) test(`ipvlan: ${name}`, run);
}

function hasIpvlan(): boolean {
  ip('link', 'add', 'try0', 'type', 'veth', 'peer', 'name', 'try1');
  try {
    ip('link', 'add', 'link', 'try0', 'name', 'try2', 'type', 'ipvlan', 'mode', 'l2', 'bridge');
    return true;
  } catch {
    return false;
  } finally {
    ip('link', 'delete', 'try0');
  }
}
