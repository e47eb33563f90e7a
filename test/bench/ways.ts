import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LoneVm, outside, own } from '../hostaccess/lone-vm.ts';
import { ensureTree } from '../lab/tree/tree.ts';
import type { Bench } from './bench.ts';
import { Figures, type Row } from './figures.ts';

/** How a container in the VM is joined to the network. Each is made for its turn alone: a NIC carries one kind of link. */
interface Way {
  readonly name: string;
  /** Shell lines in the VM that make the namespace `c`, and take away what does not go with it. */
  readonly up: string;
  readonly down: string;
  /** The other machine, as it is reached this way. */
  readonly to: string;
}

const traffic = join(import.meta.dirname, 'traffic.py');
const address = '10.0.0.31/24';
const slave = (type: string): string =>
  `ip netns add c; ip link add link eth0 name k0 type ${type}; ip link set k0 netns c; ip -n c addr add ${address} dev k0; ip -n c link set k0 up`;
const bridged = (cidr: string, mtu: number): string => `ip netns add c; ip link add br0 type bridge; ip link set br0 up
  ip link add v0 mtu ${mtu} type veth peer name k0 mtu ${mtu} netns c; ip link set v0 master br0 up; ip -n c addr add ${cidr} dev k0; ip -n c link set k0 up`;

const ways: readonly Way[] = [
  { name: "the VM's own NIC", up: '', down: '', to: outside.v4 },
  { name: 'ipvlan', up: slave('ipvlan mode l2 bridge'), down: 'ip -n c link del k0', to: outside.v4 },
  { name: 'macvlan', up: slave('macvlan mode bridge'), down: 'ip -n c link del k0', to: outside.v4 },
  {
    name: 'veth and bridge, routed',
    up: `${bridged('10.9.0.2/24', 1500)}; ip addr add 10.9.0.1/24 dev br0; ip -n c route add default via 10.9.0.1; echo 1 >/proc/sys/net/ipv4/ip_forward`,
    down: 'ip link del v0; ip link del br0',
    to: outside.v4,
  },
  {
    name: 'veth, bridge and VXLAN',
    up: `${bridged('10.8.0.2/24', 1450)}; ip link add x0 type vxlan id 7 dstport 4789 local ${own.v4} remote ${outside.v4} dev eth0
      ip link set x0 mtu 1450 master br0 up`,
    down: 'ip link del x0; ip link del v0; ip link del br0',
    to: '10.8.0.1',
  },
];

/** Units of what traffic.py measures. */
const figures = { gbit: 'throughput, Gbit/s', trip: 'round trip p50, µs', connection: 'new TCP connection p50, µs' };

export const otherMachine: Bench = {
  name: 'ways',
  title: 'a container and another machine, one TCP connection at a time',
  rounds: 5,
  measure,
};

async function measure(rounds: number): Promise<readonly Row[]> {
  const tree = await ensureTree('bookworm', text => console.log(text));
  await using vm = await LoneVm.boot();
  await using _ = await serve(vm.netns, tree);
  copyFileSync(traffic, join(vm.guest.folder, 'traffic.py'));
  await vm.guest.ok('cp /mnt/traffic.py /run/');
  const found = new Figures();
  // The first round finds caches and neighbours cold and is not counted.
  for (let round = 0; round <= rounds; round++) {
    console.log(`round ${round} of ${rounds}`);
    for (const { name, up, down, to } of ways) {
      const within = up === '' ? '' : 'ip netns exec c';
      // A guest's NIC gives up segmentation offload when another device of its is made or removed.
      const text = await vm.guest.ok(`${up}
        ethtool -K eth0 tso on
        ${within} python3 /run/traffic.py measure ${to}`);
      await vm.guest.ok(`${down}
        ${up === '' ? '' : 'ip netns del c'}`);
      const seen = JSON.parse(text.slice(text.indexOf('{'))) as Record<keyof typeof figures, number>;
      if (round === 0) continue;
      for (const key of Object.keys(figures) as (keyof typeof figures)[]) found.add(figures[key], name, seen[key]);
    }
  }
  return found.rows();
}

/** The other machine's end, in the namespace of the VM's gateway: a server, a route to what the VM routes, the end of the tunnel. */
async function serve(netns: string, tree: string): Promise<AsyncDisposable> {
  const network = `ip -n ${netns} route add 10.9.0.0/24 via ${own.v4}
    ip -n ${netns} link add x0 type vxlan id 7 dstport 4789 local ${outside.v4} remote ${own.v4} dev ta
    ip -n ${netns} addr add 10.8.0.1/24 dev x0; ip -n ${netns} link set x0 mtu 1450 up`;
  execFileSync('sh', ['-ec', network]);
  const script = readFileSync(traffic, 'utf8');
  const server = spawn('ip', ['netns', 'exec', netns, 'chroot', tree, 'python3', '-c', script, 'serve'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const ended = once(server, 'exit');
  // Port 9000, listening.
  const listens = `for i in $(seq 100); do grep -q ':2328 00000000:0000 0A' /proc/net/tcp && exit; sleep 0.1; done; exit 1`;
  execFileSync('ip', ['netns', 'exec', netns, 'sh', '-c', listens]);
  return {
    async [Symbol.asyncDispose]() {
      server.kill('SIGKILL');
      await ended;
    },
  };
}
