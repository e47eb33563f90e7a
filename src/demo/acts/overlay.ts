import type { Actor, Cast } from '../cast.ts';
import { cpuSeconds } from '../cpu.ts';
import { measured, type Narrator } from '../narrator.ts';
import type { Way } from '../options.ts';
import type { Stage } from '../stage.ts';
import { until } from '../until.ts';
import type { Vm } from '../vm.ts';

/** How long each way is watched, milliseconds. */
const watched = 3000;
const port = 5001;

/** What a way costs. */
interface Cost {
  /** Payload bytes that arrived. */
  readonly bytes: number;
  readonly seconds: number;
  readonly cpu: number;
}

/** The same traffic on the VM's own network, and through an overlay in the VM as Docker's and flannel's are. */
export async function compareWithOverlay(stage: Stage, { web, db }: Cast, narrator: Narrator): Promise<void> {
  narrator.chapter(
    '4. The same traffic through an overlay in the VMs (VXLAN, bridge, veth), as Docker swarm or flannel have it',
  );
  const over = {
    web: { ...web, name: 'over', address: '172.30.0.1' },
    db: { ...db, name: 'over', address: '172.30.0.2' },
  };
  await narrator.step('one TCP connection from web to db', async () => {
    await serve(db);
    const kuryr = await watch(stage, web, db);
    // Only now: the NIC of a guest forgets what it can offload once a tunnel is put on it.
    const { a, b, way } = stage;
    await Promise.all([makeOverlay(a, b, over.web.address, way), makeOverlay(b, a, over.db.address, way)]);
    await serve(over.db);
    const overlay = await watch(stage, over.web, over.db);
    const rows = [row('Kuryr', kuryr), row('overlay', overlay)];
    const whose = stage.way === 'guests' ? 'of both VMs' : 'of both VMs, the kernel below them included';
    const ratio = perGigabyte(overlay) / perGigabyte(kuryr);
    measured(
      Number.isFinite(ratio) && ratio > 1,
      `a gigabyte costs ${ratio.toFixed(2)} times the CPU through the overlay\n${rows.join('\n')}`,
    );
    return `one TCP connection from web to db; CPU time is that ${whose}\n${rows.join('\n')}\na gigabyte costs ${ratio.toFixed(1)} times the CPU through the overlay`;
  });
  await Promise.all([web.vm, db.vm].map(unmakeOverlay));
}

const perGigabyte = ({ bytes, cpu }: Cost): number => (cpu / bytes) * 1e9;

function row(name: string, cost: Cost): string {
  const rate = `${Math.round(((cost.bytes / cost.seconds) * 8) / 1e6)} Mbit/s`;
  return `${name.padEnd(8)} ${rate.padStart(13)} ${perGigabyte(cost).toFixed(1).padStart(8)} CPU seconds per GB`;
}

async function makeOverlay(vm: Vm, peer: Vm, address: string, way: Way): Promise<void> {
  // A NIC without offload for tunnels, as virtio's is and a guest's: what goes into the tunnel leaves in small frames. A
  // veth pair claims more than the switch can pass on.
  const cutUp = way === 'namespaces' ? 'ip link set vx0 gso_max_segs 1' : '';
  await vm.ok(`ip link add vx0 type vxlan id 42 dev eth0 local ${vm.address} remote ${peer.address} dstport 4789
    ${cutUp}
    ip link add br0 type bridge; ip link set vx0 master br0 up; ip link set br0 up
    ip netns add over; ip link add veth0 mtu 1392 type veth peer name eth0 mtu 1392 netns over; ip link set veth0 master br0 up
    ip -n over link set lo up; ip -n over address add ${address}/24 dev eth0; ip -n over link set eth0 up`);
}

async function unmakeOverlay(vm: Vm): Promise<void> {
  await vm.ok(
    'for pid in $(cat /run/demo/traffic-*.pid 2>/dev/null); do kill $pid; done; rm -f /run/demo/traffic-*; ip netns delete over; ip link delete vx0; ip link delete br0',
  );
}

async function serve({ vm, name }: Actor): Promise<void> {
  await vm.ok(`setsid ip netns exec ${name} traffic serve ${port} </dev/null >/run/demo/traffic-${name} 2>&1 & echo $! >/run/demo/traffic-${name}.pid
    n=0; while ! grep -q serving /run/demo/traffic-${name}; do [ $n -eq 200 ] && exit 1; sleep 0.05; n=$((n+1)); done`);
}

/** Watches a connection in full flow from outside: by the switch's counter, since a VM's clock may not be trusted. */
async function watch({ fabric, way }: Stage, from: Actor, to: Actor): Promise<Cost> {
  const { vm } = from;
  const sample = async () => ({
    wire: (await fabric.switch.counters(vm.name)).bytes,
    cpu: await cpuSeconds(way, [vm.machine.pid, to.vm.machine.pid], fabric.switch.pid),
    at: performance.now(),
  });
  const before = await sample();
  const sending = vm.inside(from.name, `traffic send ${to.address} ${port} ${watched + 1000}`);
  let said = 'it is still at it';
  sending.catch(error => {
    said = (error as Error).message;
  });
  const flowing = async (): Promise<boolean> => (await sample()).wire - before.wire > 4e6;
  measured(await until(flowing, 30_000), `${from.name} sends nothing to ${to.address}: ${said}`);
  const first = await sample();
  await new Promise(resolve => setTimeout(resolve, watched));
  const last = await sample();
  const { bytes } = JSON.parse(await sending) as { bytes: number };
  const payload = bytes / ((await sample()).wire - before.wire);
  return {
    bytes: (last.wire - first.wire) * payload,
    seconds: (last.at - first.at) / 1000,
    cpu: last.cpu - first.cpu,
  };
}
