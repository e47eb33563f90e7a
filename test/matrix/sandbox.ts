import assert from 'node:assert/strict';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Container } from '../lab/vm.ts';
import type { Bed } from './bed.ts';
import { until } from './traffic.ts';

export const SANDBOX = "a container's sandbox: no link-local address, no advertisement taken, no stall";

/** A prefix that no subnet has. */
const PREFIX = '2001:db8:77::';
/** Five a second: the time of a neighbour is over after two seconds, and it is asked for again after another three or four. */
const PINGS = 50;

/**
 * What a container says of itself never has a link-local source, from its first frame on: port security would drop it, and a
 * neighbour that is due to be confirmed would be lost for half a second. And no router's word counts, only the runtime's.
 */
export async function sandbox(second: Bed): Promise<void> {
  const { a, lab } = second;
  const network = await second.network('--network second --ipv6');
  const other = await second.peer(network);
  const port = a.ports[1];
  assert.ok(port !== undefined);
  const capture = await lab.cloud.capture(port);
  const [one, sibling] = await Promise.all([
    a.container(second.name('ca'), network),
    a.container(second.name('ca'), network),
  ]);
  for (const each of [one, sibling]) await assertQuiet(each);
  await assertNeighbourStays(one, other.v6);
  const lines = await capture.lines();
  const own = (await a.ok("ip -6 addr show dev eth1 scope link | sed -n 's,.* inet6 \\(fe80[^/]*\\)/.*,\\1,p'")).split(
    '\n',
  );
  const sent = lines.filter(line => line.split(' ')[1] === port.mac);
  assert.deepEqual(
    sent.filter(line => /(: |who has )(fe80:\S*?)[, ]/.test(line) && !own.some(address => line.includes(address))),
    [],
    'frames by or about a link-local address',
  );
  const asked = sent.filter(
    line => line.includes(`: ${one.v6} > `) && line.includes(`solicitation, who has ${other.v6},`),
  );
  assert.ok(asked.length > 1, 'the neighbour was asked again, from an address that port security lets pass');
  await assertUnmoved(one, sibling);
  await second.remove(one, sibling);
  await second.assertClean();
}

/** The link is awake, and has no address but the one that it was given. */
async function assertQuiet(one: Container): Promise<void> {
  const { stdout } = await until('the link is awake', async () => {
    const seen = await one.vm.within(
      one,
      `ip link show eth0; ip -6 addr show dev eth0; ip -6 route show; cat /proc/sys/net/ipv6/conf/eth0/accept_ra`,
    );
    return seen.stdout.includes('state UP') && seen;
  });
  assert.deepEqual(
    [...stdout.matchAll(/inet6 ([0-9a-f:]+)\//g)].map(match => match[1]),
    [one.v6],
    'no address of its own making, advertised or link-local',
  );
  assert.doesNotMatch(stdout, /proto ra/);
  assert.match(stdout, /\n0\s*$/, 'accept_ra');
}

/**
 * A neighbour whose time is over again and again is found each time, and no packet is lost for it. With busybox's ping: that of
 * iputils tells the kernel itself that the neighbour answers.
 */
async function assertNeighbourStays(one: Container, neighbour: string): Promise<void> {
  const { stdout } = await one.vm.within(
    one,
    `cd /proc/sys/net/ipv6/neigh/eth0; echo 500 >base_reachable_time_ms; echo 1 >delay_first_probe_time
    busybox ping -qc ${PINGS} -i 0.2 -W 2 ${neighbour}`,
  );
  assert.match(stdout, new RegExp(` ${PINGS} packets received`));
}

/** A router advertisement that a link with the kernel's defaults takes changes nothing in the container. */
async function assertUnmoved(one: Container, router: Container): Promise<void> {
  const { vm } = one;
  copyFileSync(join(import.meta.dirname, '../hostaccess/frames.py'), join(vm.guest.folder, 'frames.py'));
  await vm.ok(`cp /mnt/frames.py /run/; ip netns add witness; ip link add link eth1 name witness type ipvlan mode l2 bridge
    ip link set witness netns witness; ip -n witness link set witness up`);
  await until('a link with the kernel’s defaults takes the advertisement', async () => {
    await vm.within(router, `python3 /run/frames.py ra ${PREFIX} all ff02::1`);
    const seen = await vm.ok('ip -n witness -6 addr show dev witness; ip -n witness -6 route');
    return seen.includes(PREFIX.slice(0, -1)) && seen.includes('proto ra');
  });
  await assertQuiet(one);
  await vm.ok('ip -n witness link del witness; ip netns del witness');
}
