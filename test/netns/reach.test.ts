import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Link, SlaveSpec } from '../../src/linux/kernel.ts';
import { KoffiSys } from '../../src/linux/koffi-sys.ts';
import { LinuxKernel } from '../../src/linux/linux-kernel.ts';
import type { Nic } from '../../src/nic/nic.ts';
import { silentLogger } from '../../src/observe/logger.ts';
import { PacketReach } from '../../src/reach/packet-reach.ts';
import type { ReachTarget } from '../../src/reach/reach.ts';
import { systemClock } from '../../src/time/system-clock.ts';
import { enterOwnNetns, ip, ipvlanTest, makeNetns, plugNic } from './netns.ts';

const sys = new KoffiSys();
enterOwnNetns(sys);
const { peer, peerPath } = plugNic();
const kernel = new LinuxKernel(sys);
const master = kernel.links('host').find(link => link.name === 'eth0') as Link;
const reach = new PacketReach({ kernel, clock: systemClock, logger: silentLogger });
const signal = AbortSignal.timeout(600_000);

const nic = {
  master: { ...master, addresses: ['10.0.0.11', 'fd00::11'] },
  port: { id: 'vm-port', fixedIps: ['10.0.0.11', 'fd00::11'] },
  subnets: [{ cidr: '10.0.0.0/24' }, { cidr: 'fd00::/64' }],
} as unknown as Nic;

function target(address: string, change: Partial<ReachTarget> = {}): ReachTarget {
  return { nic, address, mac: master.mac, gateway: address.includes(':') ? 'fd00::1' : '10.0.0.1', ...change };
}

function neighbourOfPeer(address: string) {
  return kernel.neighbours({ path: peerPath }).find(each => each.address === address);
}

test('a Linux gateway answers for an address that no link holds yet, by ARP and by neighbour discovery', async () => {
  for (const [address, gateway] of [
    ['10.0.0.21', '10.0.0.1'],
    ['fd00::21', 'fd00::1'],
  ] as const) {
    const reached = await reach.probe(target(address), 5000, signal);
    assert.ok(reached.reachable, `${address}: ${JSON.stringify(reached)}`);
    assert.equal(reached.target, gateway);
    assert.ok(reached.probes <= 3, `${reached.probes} probes`);
    // The gateway learned from the question where the address is.
    assert.equal(neighbourOfPeer(address)?.mac, master.mac);
  }
});

test('an announcement tells the gateway of an address, or of its new place', async () => {
  const stop = new AbortController();
  ip('netns', 'exec', peer, 'sysctl', '-qw', 'net.ipv4.conf.wire.arp_accept=1');
  for (const [address, old] of [
    ['10.0.0.31', '02:00:00:00:00:77'],
    ['fd00::31', '02:00:00:00:00:78'],
  ] as const) {
    ip('-n', peer, 'neighbour', 'replace', address, 'lladdr', old, 'dev', 'wire', 'nud', 'stale');
    reach.announce(target(address), stop.signal);
    while (neighbourOfPeer(address)?.mac !== master.mac) {
      signal.throwIfAborted();
      await new Promise(resolve => setImmediate(resolve));
    }
  }
  stop.abort();
});

/** A container that holds the address: its link takes the answers away from the master. */
async function probeHeld(spec: SlaveSpec, address: string, mac: string): Promise<void> {
  const netns = { path: makeNetns('sandbox').path };
  kernel.createSlave(netns, spec);
  kernel.addAddress(netns, spec.ifindex, address, address.includes(':') ? 64 : 24);
  kernel.setLink(netns, spec.ifindex, { up: true });
  const reached = await reach.probe(target(address, { mac }), 5000, signal);
  assert.ok(reached.reachable, `${spec.kind} ${JSON.stringify(reached)}`);
  assert.equal(neighbourOfPeer(address)?.mac, mac);
  await kernel.deleteLink(netns, spec.ifindex, signal);
}

const common = { name: 'eth0', ifindex: 7001, master: master.ifindex, mtu: 1500, alias: 'id' };

test('the answer is seen also once a macvlan link holds the address and takes the frame', async () => {
  const mac = '02:00:00:00:00:41';
  await probeHeld({ ...common, kind: 'macvlan', mode: 'bridge', mac }, '10.0.0.41', mac);
});

ipvlanTest('the answer is seen also once a link holds the address', async () => {
  for (const address of ['10.0.0.43', 'fd00::43']) {
    await probeHeld({ ...common, kind: 'ipvlan', mode: 'l2', flag: 'private' }, address, master.mac);
  }
});

test('a macvlan address is asked for with its MAC before its link stands', async () => {
  const reached = await reach.probe(target('10.0.0.42', { mac: '02:00:00:00:00:42' }), 5000, signal);
  assert.ok(reached.reachable, JSON.stringify(reached));
  assert.equal(neighbourOfPeer('10.0.0.42')?.mac, '02:00:00:00:00:42');
});

test('where nobody holds the gateway a neighbour that the VM knows is asked; where nobody answers there is no wait', async () => {
  ip('neighbour', 'replace', '10.0.0.1', 'lladdr', '02:00:00:00:00:01', 'dev', 'eth0', 'nud', 'stale');
  const otherwise = await reach.probe(target('10.0.0.51', { gateway: '10.0.0.254' }), 5000, signal);
  assert.deepEqual(
    { reachable: otherwise.reachable, target: 'target' in otherwise && otherwise.target },
    {
      reachable: true,
      target: '10.0.0.1',
    },
  );
  ip('neighbour', 'flush', 'all');
  const nobody = await reach.probe(target('10.0.0.52', { gateway: '10.0.0.254' }), 5000, signal);
  assert.deepEqual(nobody, { reachable: false, reason: 'no-target', probes: 0 });
});
