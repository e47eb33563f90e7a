import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { build } from '../../tools/build.ts';
import { Lab } from '../lab/lab.ts';
import { assertNothingLeft } from '../lab/nothing-left.ts';
import type { Vm } from '../lab/vm.ts';
import { until } from '../matrix/traffic.ts';
import { type Answer, type Endpoint, Engine } from './engine.ts';

/** More than one attach and detach have: the test ends when they go through without a kill. */
const MOST_POINTS = 400;
/** Where to begin; for looking at one point again. */
const FIRST_POINT = Number(process.env['KURYR_CRASH_FROM'] ?? 1);
const dist = fileURLToPath(new URL('../../dist', import.meta.url));
const FOREIGN = { ip_address: '10.30.0.240', mac_address: 'fa:16:3e:00:11:22' };

interface Reservation {
  readonly name: string;
  readonly fixed_ips: readonly { readonly ip_address: string }[];
}

suite('killed before any of its outside effects, the daemon goes on where it was', () => {
  const ending = new AbortController();
  let lab: Lab;
  let vm: Vm;
  let engine: Engine;
  /**
   * A container that stays: what there is once for all containers of a NIC (guard, filters) is not made and unmade at
   * each point. That is compared with what is needed at every start, and has its own kills (test/hostaccess).
   */
  let resident: Endpoint;

  before(
    async () => {
      await build(dist, 'test/crash/daemon.ts', 'crash.mjs');
      const pool = { start: '10.30.0.10', end: '10.30.0.99' };
      lab = await Lab.up({
        backend: 'ovn',
        network: { name: 'crash', v4: { cidr: '10.30.0.0/24', pool }, router: true },
        say: line => console.log(line),
        signal: ending.signal,
      });
      [vm] = await lab.addVms({ name: 'vc', host: 'h1', start: false });
      engine = await Engine.open(vm);
      await lab.cloud.ok('PUT', `/ports/${vm.port.id}`, { port: { allowed_address_pairs: [FOREIGN] } });
      await engine.start();
      await engine.createNetwork('10.30.0.0/24');
      resident = await engine.attach('', (verb, body) => engine.must(verb, body));
      await engine.settle();
    },
    { timeout: 600_000 },
  );

  after(async () => {
    ending.abort();
    await lab?.down();
  });

  const pairs = async (): Promise<readonly { ip_address: string }[]> =>
    (await lab.cloud.ok('GET', `/ports/${vm.port.id}`)).port.allowed_address_pairs;
  const reservations = async (): Promise<readonly Reservation[]> =>
    (await lab.cloud.ok('GET', '/ports?device_owner=kuryr:container')).ports;

  /** What holds at any instant, also when the daemon is dead. */
  async function assertHolds(point: number): Promise<void> {
    const [standing, reserving, links] = await Promise.all([pairs(), reservations(), engine.links()]);
    assert.deepEqual(
      standing.filter(({ ip_address }) => ip_address === FOREIGN.ip_address),
      [FOREIGN],
      `point ${point}: the foreign pair is as it was`,
    );
    assert.ok(
      standing.some(({ ip_address }) => ip_address === resident.address),
      `point ${point}: the pair of the container that stays is there`,
    );
    const reserved = new Set(reserving.flatMap(({ fixed_ips }) => fixed_ips.map(ip => ip.ip_address)));
    for (const { ip_address } of standing)
      assert.ok(
        ip_address === FOREIGN.ip_address || reserved.has(ip_address),
        `point ${point}: the pair ${ip_address} has its reservation`,
      );
    if (links.length > 0) assert.ok(standing.length > 2, `point ${point}: a link stands, so its pair does`);
  }

  /** Waits until the address is back with Neutron; false when the daemon died over it. Asks the cloud, not the daemon. */
  async function givenBack(address: string): Promise<boolean> {
    const ended = await until('the address back with Neutron, or the daemon dead', async () => {
      const held = (await reservations()).some(({ fixed_ips }) => fixed_ips.some(ip => ip.ip_address === address));
      if (!held) return 'back';
      return (await engine.died()) ? 'died' : undefined;
    });
    return ended === 'back';
  }

  /** Everything in the cloud has a record. */
  async function assertOwned(point: number): Promise<void> {
    // In this order: a reservation goes first, then its record.
    const known = await engine.names();
    for (const { name } of await reservations())
      assert.ok(known.includes(name), `point ${point}: the ledger knows the reservation ${name}`);
  }

  test('at every point of attach and detach', { timeout: 1_500_000 }, async () => {
    const began = performance.now();
    let point = FIRST_POINT - 1;
    for (let through = false; !through; ) {
      point++;
      assert.ok(point < MOST_POINTS, 'attach and detach do not come to an end');
      assert.ok(await engine.arm(point), `point ${point}: the daemon runs`);
      through = true;
      // Every second container wants an address of its choice, which nobody is given by chance: its request can be told
      // from a new one when it is repeated.
      const wanted = point % 2 === 0 ? `10.30.0.${100 + (point % 100)}` : '';
      const repeat = async (verb: string, body: object): Promise<Answer> => {
        const answer = await engine.call(verb, body);
        if (answer.code === 0) return answer;
        through = false;
        await assertHolds(point);
        await engine.start();
        const again = await engine.must(verb, body);
        await assertOwned(point);
        return again;
      };
      const endpoint = await engine.attach(wanted, repeat);
      const { address } = endpoint;
      if (wanted !== '') assert.equal(address, wanted);
      const [standing, links] = await Promise.all([pairs(), engine.links()]);
      assert.ok(
        standing.some(({ ip_address }) => ip_address === address),
        `point ${point}: attached, so permitted`,
      );
      assert.equal(links.length, 1, `point ${point}: one link`);
      await engine.detach(endpoint, repeat);
      if (!(await givenBack(address))) {
        through = false;
        await assertHolds(point);
        await engine.start();
        assert.ok(await givenBack(address), `point ${point}: the daemon died without being killed`);
      }
      // The last record of it is written after the cloud's answer.
      if (!(await engine.disarm())) {
        through = false;
        await engine.start();
      }
      assert.equal((await engine.links()).length, 0, `point ${point}: the link is gone`);
      if (point % 10 === 0) console.log(`${point} points`);
    }
    await engine.detach(resident, (verb, body) => engine.must(verb, body));
    await until('what is left of unanswered requests is freed', async () => {
      await vm.ok('kuryr gc', 120);
      return (await reservations()).length === 0 || undefined;
    });
    await assertNothingLeft(lab.cloud, vm.port.id, [FOREIGN]);
    assert.deepEqual(await engine.names(), []);
    const seconds = ((performance.now() - began) / 1000).toFixed(0);
    console.log(`crash points: ${point - 1} (in ${seconds} s)`);
    assert.ok(point - 1 >= 25);
  });

  test('gc finds everything again after the state folder is lost', { timeout: 120_000 }, async () => {
    const { address } = await engine.attach('', (verb, body) => engine.must(verb, body));
    await engine.kill();
    await vm.ok('rm -rf /var/lib/kuryr');
    await engine.start();
    const shown = await vm.ok('kuryr gc --dry-run', 60);
    assert.match(shown, new RegExp(address.replaceAll('.', '\\.')));
    assert.equal((await reservations()).length, 1, 'a dry run changes nothing');
    await vm.ok('kuryr gc', 60);
    await assertNothingLeft(lab.cloud, vm.port.id, [FOREIGN]);
    assert.deepEqual(await engine.links(), []);
  });
});
