import assert from 'node:assert/strict';
import type { Capture } from '../lab/cloud/capture.ts';
import { type Container, NODE, PROGRAM, type Vm } from '../lab/vm.ts';
import type { Row } from './rows.ts';
import { assertReach } from './traffic.ts';

const MANY = 100;
/** Of the web server that the VM itself runs, besides those in its containers. */
const PORT = 8088;

/** A VM and its own containers, in both families; and not a frame of it leaves the VM. */
export const hostAccess: Row = {
  name: 'a VM and its own containers: ping, large packets, 100 connections; none of it leaves the VM',
  async run(bed) {
    const network = await bed.network('--ipv6');
    const [[one, other], sibling] = await Promise.all([bed.pair(network), bed.a.container(bed.name('ca'), network)]);
    await serve(bed.a);
    const capture = await bed.lab.cloud.capture(bed.a.port);
    await assertJoined(one, MANY);
    await assertReach(one, sibling);
    await assertReach(one, other);
    const lines = await assertKept(capture, own(bed.a), [one.v4, one.v6, sibling.v4, sibling.v6]);
    assert.ok(
      lines.some(line => line.includes(one.v4) && line.includes(other.v4)),
      'what goes to another VM was seen at the TAP',
    );
    await bed.remove(one, sibling);
    await bed.assertClean();
  },
};

/** It stays while the daemon is dead, and follows what becomes of the NIC. */
export const hostAccessFollows: Row = {
  name: 'a VM and its own containers: after kill -9, another MAC, an address more and one less; none of it leaves the VM, then nothing is left',
  async run(bed) {
    await bed.leaveNetwork();
    const before = await tables(bed.a);
    const network = await bed.network('--ipv6');
    const [one] = await bed.pair(network);
    await serve(bed.a);
    const capture = await bed.lab.cloud.capture(bed.a.port);
    await bed.a.stopKuryr('KILL');
    await assertJoined(one);
    await bed.a.startKuryr();
    await assertJoined(one);
    // A NIC of User-Mode Linux takes another MAC only while it is down; IPv6 addresses and routes go with that.
    for (const mac of ['02:00:00:00:00:77', bed.a.port.mac]) {
      await bed.a.ok(`ip -6 route save dev eth0 proto boot >/tmp/routes; ip route save dev eth0 default >/tmp/routes4
        ip link set eth0 down; ip link set eth0 address ${mac}; ip link set eth0 up
        for ip in ${bed.a.port.ips.filter(ip => ip.includes(':')).join(' ')}; do ip addr add $ip dev eth0 nodad; done
        ip -6 route restore </tmp/routes; ip route restore </tmp/routes4; true`);
      await assertJoined(one);
    }
    const added = ['10.30.0.250', 'fd30::250'];
    await bed.a.ok('ip addr add 10.30.0.250/24 dev eth0; ip addr add fd30::250/64 dev eth0 nodad');
    for (const address of added) await assertFetched(one, address);
    await bed.a.ok('ip addr del 10.30.0.250/24 dev eth0; ip addr del fd30::250/64 dev eth0');
    await assertJoined(one);
    await assertKept(capture, [...own(bed.a), ...added], [one.v4, one.v6]);
    await bed.remove(one);
    await bed.leaveNetwork();
    assert.equal(await tables(bed.a), before);
  },
};

/** Containers that come and go, by how many families they have. */
const turnovers = [
  { families: 1, count: 160 },
  { families: 2, count: 40 },
] as const;
const AT_ONCE = 8;

/** However many there were, the VM is afterwards what it was. */
export const comeAndGo: Row = {
  name: 'two hundred containers come, are reached from the VM and go (port security off); none of it leaves the VM, then nothing is left',
  async run(bed) {
    await bed.leaveNetwork();
    const before = await tables(bed.a);
    const { cloud, network } = bed.lab;
    const { port } = await cloud.ok('GET', `/ports/${bed.a.port.id}`);
    const set = (fields: object) => cloud.ok('PUT', `/ports/${port.id}`, { port: fields });
    // Pairs, and what the cloud lets through, have no part in it: writing them would take most of the time.
    await bed.a.stopKuryr();
    await set({ port_security_enabled: false, security_groups: [] });
    try {
      await bed.a.startKuryr('--wait permitted');
      const capture = await cloud.capture(bed.a.port);
      const came: string[] = [];
      const cidrs = [network.v4?.cidr, network.v6?.cidr];
      for (const { families, count } of turnovers) {
        const what = `${count} ${AT_ONCE} ${cidrs.slice(0, families).join(' ')}`;
        came.push(...(await bed.a.ok(`${NODE}/bin/node ${PROGRAM}/clients.mjs turnover ${what}`, 400)).split(/\s+/));
        await bed.assertClean();
      }
      assert.equal(came.filter(address => address !== '').length, 240);
      await assertKept(capture, own(bed.a), came);
      await bed.a.stopKuryr();
    } finally {
      await set({ port_security_enabled: true, security_groups: port.security_groups });
    }
    await bed.a.startKuryr();
    assert.equal(await tables(bed.a), before);
  },
};

/** The VM reaches the container and the container the VM, by each address that both have. */
async function assertJoined(one: Container, connections = 3): Promise<void> {
  const { vm } = one;
  for (const [mine, theirs] of own(vm).map(ip => [ip, ip.includes(':') ? one.v6 : one.v4] as const)) {
    const there = await vm.run(`ping -qc 3 -i 0.2 -W 2 ${theirs} && ping -qc 1 -s 5000 -W 2 ${theirs}`);
    assert.equal(there.code, 0, `ping ${vm.name} → ${one.name}: ${there.stdout}${there.stderr}`);
    const back = await vm.within(one, `ping -qc 3 -i 0.2 -W 2 ${mine} && ping -qc 1 -s 5000 -W 2 ${mine}`);
    assert.equal(back.code, 0, `ping ${one.name} → ${vm.name}: ${back.stdout}${back.stderr}`);
    const fetched = await vm.ok(`curl -s -m 20 '${urlOf(theirs)}?[1-${connections}]'`);
    assert.equal(fetched.split('\n').filter(line => line === one.name).length, connections, `TCP to ${theirs}`);
    await assertFetched(one, mine, connections);
  }
}

/** The VM's server answers the container. */
async function assertFetched(one: Container, mine: string, connections = 1): Promise<void> {
  const { stdout } = await one.vm.within(one, `curl -s -m 20 '${urlOf(mine, PORT)}?[1-${connections}]'`);
  const answers = stdout.split('\n').filter(line => line === one.vm.name);
  assert.equal(answers.length, connections, `TCP ${one.name} → ${mine}`);
}

/** Starts the VM's own web server, which answers with the VM's name, unless it runs. */
const serve = (vm: Vm) =>
  vm.ok(`curl -s -o /dev/null http://127.0.0.1:${PORT}/ && exit
    mkdir -p /run/www; echo ${vm.name} >/run/www/index.html; busybox httpd -p ${PORT} -h /run/www`);

export const own = (vm: Vm): string[] => vm.port.ips.map(ip => ip.split('/')[0] as string);

const urlOf = (address: string, port = 80) => `http://${address.includes(':') ? `[${address}]` : address}:${port}/`;

/** No frame between one of the VM's addresses and one of its containers' was seen at the TAP. Gives all that were seen. */
async function assertKept(
  capture: Capture,
  vm: readonly string[],
  containers: readonly string[],
): Promise<readonly string[]> {
  const lines = await capture.lines();
  const [mine, theirs] = [anyOf(vm), anyOf(containers)];
  assert.ok(
    lines.some(line => theirs.test(line)),
    'frames of the containers were seen at the TAP',
  );
  const left = lines.filter(line => mine.test(line) && theirs.test(line));
  assert.deepEqual(left, []);
  return lines;
}

/** Matches a line in which one of the addresses stands. */
const anyOf = (addresses: readonly string[]) => new RegExp(`(?<![w:.])(${addresses.join('|')})(?![w:])`);

/** What the daemon writes for the VM's own sake, as it stands: filters, neighbours, routes, links, namespaces. */
export async function tables(vm: Vm): Promise<string> {
  return await vm.ok(`tc qdisc show dev eth0; for hook in ingress egress; do tc filter show dev eth0 $hook 2>/dev/null; done; ip neigh show nud permanent
    ip route | sort; ip -6 route | grep -v ^fe80 | sed 's/ expires [0-9]*sec//' | sort
    ip -br link | cut -d' ' -f1; ls -d /run/netns/* /run/kuryr/guard/* 2>/dev/null; mount | grep -c kuryr`);
}
