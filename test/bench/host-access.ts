import assert from 'node:assert/strict';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { own } from '../hostaccess/lone-vm.ts';
import { Vm, v4 } from '../hostaccess/vm.ts';
import type { Bench } from './bench.ts';
import { Figures, type Row } from './figures.ts';

interface Peer {
  readonly name: string;
  readonly netns: string;
  /** The container's address as the VM asks for it, and the VM's as the container does. */
  readonly container: string;
  readonly vm: string;
}

const peers: readonly Peer[] = [
  { name: 'ipvlan with host access', netns: 'mine', container: v4(1), vm: own.v4 },
  { name: 'veth and bridge', netns: 'bridged', container: '10.9.0.2', vm: '10.9.0.1' },
];

/** Units of what traffic.py measures. */
const figures = { gbit: 'throughput, Gbit/s', trip: 'round trip p50, µs', connection: 'new TCP connection p50, µs' };

export const hostAccess: Bench = {
  name: 'host-access',
  title: 'a VM and its own container, one TCP connection at a time',
  rounds: 7,
  measure,
};

async function measure(rounds: number): Promise<readonly Row[]> {
  await using vm = await Vm.boot();
  const link = { kind: 'ipvlan', mode: 'l2 bridge' } as const;
  await vm.make('mine', 1, link);
  assert.equal(await vm.start({ mine: { n: 1, link } }), 'working', await vm.log());
  copyFileSync(join(import.meta.dirname, 'traffic.py'), join(vm.guest.folder, 'traffic.py'));
  await vm.guest.ok(`cp /mnt/traffic.py /run/
    ip link add br0 type bridge; ip addr add 10.9.0.1/24 dev br0; ip link set br0 up
    ip netns add bridged; ip link add v0 type veth peer name eth0 netns bridged; ip link set v0 master br0 up
    ip -n bridged link set lo up; ip -n bridged addr add 10.9.0.2/24 dev eth0; ip -n bridged link set eth0 up
    for where in '' 'ip netns exec mine' 'ip netns exec bridged'; do
      setsid $where python3 /run/traffic.py serve >/dev/null 2>&1 </dev/null &
    done
    end=$((SECONDS + 20))
    for where in '' 'ip netns exec mine' 'ip netns exec bridged'; do
      until $where grep -q ':2328 00000000:0000 0A' /proc/net/tcp; do [ $SECONDS -lt $end ] || exit 1; done
    done`);
  const found = new Figures();
  // The first round finds caches and neighbours cold and is not counted.
  for (let round = 0; round <= rounds; round++) {
    console.log(`round ${round} of ${rounds}`);
    for (const peer of peers)
      for (const [way, where, to] of [
        ['VM → container', '', peer.container],
        ['container → VM', `ip netns exec ${peer.netns}`, peer.vm],
      ] as const) {
        const text = await vm.guest.ok(`${where} python3 /run/traffic.py measure ${to}`);
        const seen = JSON.parse(text) as Record<keyof typeof figures, number>;
        if (round === 0) continue;
        for (const [key, unit] of Object.entries(figures) as [keyof typeof figures, string][])
          found.add(`${way}: ${unit}`, peer.name, seen[key]);
      }
  }
  return found.rows();
}
