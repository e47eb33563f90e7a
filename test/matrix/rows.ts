import assert from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import type { Bed } from './bed.ts';
import { coincidence } from './coincidence.ts';
import { hostAccess, hostAccessFollows } from './host-access.ts';
import { hostileAdmin, hostilePlain, hostileUser } from './hostile.ts';
import { assertNoReach, assertPing, assertReach, lost, until } from './traffic.ts';

/** One promise of the matrix, shown on real parts. */
export interface Row {
  readonly name: string;
  run(bed: Bed): Promise<void>;
}

const pingAndTcp: Row = {
  name: 'ping and TCP both ways, before and after the pair',
  async run(bed) {
    const network = await bed.network();
    const [one, other] = await bed.pair(network);
    await assertReach(one, other);
    await assertPing(one, bed.lab.network.v4?.gateway ?? '');
    const written = await bed.pairs(bed.a);
    assert.deepEqual(written, [{ ip_address: one.v4, mac_address: bed.a.port.mac }]);
    // The server's id there would have the metadata service answer the container with the VM's user-data.
    const devices = (await bed.reservations()).map(({ device_id }) => device_id).sort();
    assert.deepEqual(devices, bed.both.map(({ port }) => `kuryr:${port.id}`).sort());
    await bed.setPairs(bed.a, []);
    await until('the filter takes the address away', () => lost(one, other.v4));
    await assertNoReach(one, other, 'v4');
    await bed.setPairs(bed.a, written);
    await until('the filter lets the address pass', async () => !(await lost(one, other.v4)));
    await assertReach(one, other);
    await bed.remove(one);
    await bed.assertClean();
  },
};

const dualStack: Row = {
  name: 'dual stack',
  async run(bed) {
    const network = await bed.network('--ipv6');
    const [one, other] = await bed.pair(network);
    assert.ok(one.v4 !== '' && one.v6 !== '');
    await assertReach(one, other);
    await assertPing(one, bed.lab.network.v6?.gateway ?? '');
    await bed.remove(one);
    await bed.assertClean();
  },
};

const ipv6: Row = {
  name: 'IPv6: dropped before its pair stands, passing after it',
  async run(bed) {
    const network = await bed.network('--ipv6');
    const [one, other] = await bed.pair(network);
    const written = await bed.pairs(bed.a);
    await bed.setPairs(
      bed.a,
      written.filter(({ ip_address }) => ip_address !== one.v6),
    );
    await until('the filter takes the address away', () => lost(one, other.v6));
    await assertNoReach(one, other, 'v6');
    await bed.setPairs(bed.a, written);
    await until('the filter lets the address pass', async () => !(await lost(one, other.v6)));
    await assertReach(one, other);
    await bed.remove(one);
    await bed.assertClean();
  },
};

const macvlan: Row = {
  name: 'macvlan',
  async run(bed) {
    const network = await bed.network('--link macvlan');
    const [one, other] = await bed.pair(network);
    const [pair] = await bed.pairs(bed.a);
    assert.equal(pair?.ip_address, one.v4);
    assert.notEqual(pair?.mac_address, bed.a.port.mac, "the container's MAC is its own");
    await assertReach(one, other);
    await bed.remove(one);
    await bed.assertClean();
  },
};

const chosenAddress: Row = {
  name: '--ip',
  async run(bed) {
    const network = await bed.network('--ipv6');
    const one = await bed.a.container(bed.name('ca'), network, '--ip 10.30.0.77 --ip6 fd30::77');
    assert.deepEqual([one.v4, one.v6], ['10.30.0.77', 'fd30::77']);
    const other = await bed.peer(network);
    await assertReach(one, other);
    const taken = await bed.b.run(`docker run --rm --network ${network} --ip 10.30.0.77 bb true`, 120);
    assert.notEqual(taken.code, 0);
    assert.match(taken.stderr, /10\.30\.0\.77 .*ADDRESS_IN_USE/);
    await bed.remove(one);
    await bed.assertClean();
  },
};

const limit: Row = {
  name: 'limit reached',
  async run(bed) {
    const network = await bed.network();
    // Of no subnet here, so that no container is given one of them by chance.
    const foreign = Array.from({ length: 9 }, (_, index) => ({
      ip_address: `10.98.0.${index}`,
      mac_address: bed.a.port.mac,
    }));
    await bed.setPairs(bed.a, foreign);
    const [one, other] = await bed.pair(network);
    await assertReach(one, other);
    const { stderr, code } = await bed.a.run(`docker run --name full --network ${network} bb true`, 120);
    assert.notEqual(code, 0);
    assert.match(stderr, /10 of 10 allowed-address-pairs/);
    assert.match(stderr, /max_allowed_address_pair/);
    await until('nothing is left of the container that did not fit', async () => {
      const mine = (await bed.reservations()).filter(({ device_id }) => device_id === `kuryr:${bed.a.port.id}`);
      return mine.length === 1 || undefined;
    });
    assert.match(await bed.a.ok('kuryr status'), /0 of 10 pairs left/);
    await bed.remove(one);
    await bed.a.run('docker rm -f full');
    await bed.assertClean(foreign);
    await bed.setPairs(bed.a, []);
  },
};

const foreignPair: Row = {
  name: 'foreign pair kept',
  async run(bed) {
    const network = await bed.network();
    const before = { ip_address: '10.98.0.240/31', mac_address: 'fa:16:3e:00:11:22' };
    const meanwhile = { ip_address: '10.98.0.250', mac_address: bed.a.port.mac };
    await bed.setPairs(bed.a, [before]);
    const starting = bed.pair(network);
    // Another client of the tenant adds one while ours is being written: read, add, write, as tools do it.
    const adding = until('the other client gets its pair in', async () => {
      const { port } = await bed.lab.cloud.ok('GET', `/ports/${bed.a.port.id}`);
      const pairs = [...port.allowed_address_pairs, meanwhile];
      const condition = { headers: { 'if-match': `revision_number=${port.revision_number}` } };
      const body = { port: { allowed_address_pairs: pairs } };
      const { status } = await bed.lab.cloud.api('PUT', `/ports/${bed.a.port.id}`, body, condition);
      return status === 200 || undefined;
    });
    const [[one, other]] = await Promise.all([starting, adding]);
    await assertReach(one, other);
    const standing = await bed.pairs(bed.a);
    for (const pair of [before, meanwhile, { ip_address: one.v4, mac_address: bed.a.port.mac }])
      assert.ok(
        standing.some(each => isDeepStrictEqual(each, pair)),
        `${JSON.stringify(pair)} in ${JSON.stringify(standing)}`,
      );
    await bed.remove(one);
    await bed.assertClean([before, meanwhile]);
    await bed.setPairs(bed.a, []);
  },
};

const portSecurityOff: Row = {
  name: 'port security off',
  async run(bed) {
    const set = (port: object) =>
      Promise.all(bed.both.map(vm => bed.lab.cloud.ok('PUT', `/ports/${vm.port.id}`, { port })));
    const { port } = await bed.lab.cloud.ok('GET', `/ports/${bed.a.port.id}`);
    await bed.leaveNetwork();
    await set({ port_security_enabled: false, security_groups: [] });
    const network = await bed.network();
    const [one, other] = await bed.pair(network);
    await until('traffic passes', async () => !(await lost(one, other.v4)));
    await assertReach(one, other);
    assert.deepEqual(await bed.pairs(bed.a), []);
    await bed.remove(one);
    await bed.leaveNetwork();
    await set({ port_security_enabled: true, security_groups: port.security_groups });
  },
};

const engineRestarted: Row = {
  name: 'engine restarted',
  async run(bed) {
    const network = await bed.network();
    const [name, other] = [bed.name('ca'), await bed.peer(network)];
    const before = await bed.a.container(name, network, '--restart always --ip 10.30.0.66');
    for (const signal of ['TERM', 'KILL'] as const) {
      await bed.a.stopDocker(signal);
      await bed.a.startDocker();
      await until('the container runs again', () => running(bed, name));
      const after = await bed.a.inspect(name, network);
      assert.equal(after.v4, before.v4);
      await assertReach(after, other);
    }
    await bed.remove(before);
    await bed.assertClean();
  },
};

const daemonKilled: Row = {
  name: 'daemon killed',
  async run(bed) {
    const network = await bed.network();
    const [one, other] = await bed.pair(network);
    const ping = bed.a.run(`docker exec ${one.name} ping -c 40 -i 0.2 -W 1 ${other.v4}`, 60);
    await bed.a.stopKuryr('KILL');
    await assertReach(one, other);
    await bed.a.startKuryr();
    assert.match((await ping).stdout, /40 packets received/, 'the running container noticed nothing');
    const third = await bed.a.container(bed.name('ca'), network);
    await assertReach(third, other);
    await bed.a.remove(one.name, third.name);
    await bed.assertClean();
  },
};

const guestReset: Row = {
  name: "guest's kernel reset",
  async run(bed) {
    const network = await bed.network();
    const [name, gone, other] = [bed.name('ca'), bed.name('ca'), await bed.peer(network)];
    const before = await bed.a.container(name, network, '--restart always --ip 10.30.0.88');
    await bed.a.container(gone, network);
    await bed.a.ok('sync');
    await bed.a.reset();
    await bed.a.startKuryr();
    await bed.a.startDocker();
    await until('the container runs again', () => running(bed, name));
    const after = await bed.a.inspect(name, network);
    assert.equal(after.v4, before.v4);
    await assertReach(after, other);
    await bed.a.remove(name, gone);
    await bed.assertClean();
  },
};

/** What is typed without a subnet: engines from 27 on ask Kuryr for one, older ones hand on what Kuryr tells their user to type. */
const bareCreate: Row = {
  name: 'bare create',
  async run(bed) {
    const name = bed.name('net');
    const { code, stderr } = await bed.a.run(`docker network create -d kuryr --ipam-driver kuryr ${name}`, 120);
    if (code !== 0) {
      const command = /Type: (docker network create .*) NAME/.exec(stderr)?.[1];
      assert.ok(command !== undefined, stderr);
      await bed.a.ok(`${command} ${name}`, 120);
    }
    const one = await bed.a.container(bed.name('ca'), name);
    await assertPing(one, bed.lab.network.v4?.gateway ?? '');
    await bed.remove(one);
    await bed.a.ok(`docker network rm ${name}`, 120);
    await bed.assertClean();
  },
};

const ipv6Alone: Row = {
  name: 'IPv6 alone',
  async run(bed) {
    const network = await bed.network(`--subnet ${bed.lab.network.v6?.cidr} -- --ipv4=false`);
    const [one, other] = await bed.pair(network);
    assert.deepEqual([one.v4, other.v4], ['', '']);
    await assertReach(one, other);
    await assertPing(one, bed.lab.network.v6?.gateway ?? '');
    assert.deepEqual(await bed.pairs(bed.a), [{ ip_address: one.v6, mac_address: bed.a.port.mac }]);
    await bed.remove(one);
    await bed.assertClean();
  },
};

const running = async (bed: Bed, name: string): Promise<true | undefined> =>
  (await bed.a.run(`docker inspect -f '{{.State.Running}}' ${name}`)).stdout.trim() === 'true' || undefined;

/** Rows that the first engine shows on each back end, those with the same network one after another. The second NIC has its own in second-nic.ts. */
export const rows: readonly Row[] = [
  pingAndTcp,
  coincidence('ipvlan'),
  limit,
  foreignPair,
  engineRestarted,
  bareCreate,
  daemonKilled,
  guestReset,
  portSecurityOff,
  ipv6,
  dualStack,
  hostAccess,
  hostAccessFollows,
  hostilePlain,
  hostileAdmin,
  chosenAddress,
  macvlan,
  coincidence('macvlan'),
];

/** Rows that are shown on a current engine too. */
export const engineRows: readonly Row[] = [
  pingAndTcp,
  engineRestarted,
  bareCreate,
  chosenAddress,
  dualStack,
  hostAccess,
  hostAccessFollows,
  hostileUser,
  ipv6Alone,
];
