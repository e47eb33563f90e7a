import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { build } from '../../tools/build.ts';
import type { Call, Verdict } from '../lab/cloud/traffic.ts';
import { Lab } from '../lab/lab.ts';
import { NODE, PROGRAM, type Vm } from '../lab/vm.ts';
import { until } from '../matrix/traffic.ts';
import type { Attached } from './clients.ts';

const CLIENTS = 20;
/** Calls of Neutron that may serve all pairs of a burst. */
const HANDFUL = 12;
const dist = fileURLToPath(new URL('../../dist', import.meta.url));

suite('many containers at once, and what one costs the cloud', () => {
  const ending = new AbortController();
  let lab: Lab;
  let vm: Vm;

  before(
    async () => {
      await build(dist, 'test/burst/clients.ts', 'clients.mjs');
      const say = (line: string) => console.log(line);
      lab = await Lab.up({ backend: 'ovn', pairLimit: 200, say, signal: ending.signal });
      [vm] = await lab.addVms({ name: 'vb', host: 'h1' });
      await vm.ok('kuryr network create four; kuryr network create both --ipv6', 120);
    },
    { timeout: 600_000 },
  );

  after(async () => {
    ending.abort();
    await lab?.down();
  });

  const pairs = async (): Promise<readonly { ip_address: string; mac_address: string }[]> =>
    (await lab.cloud.ok('GET', `/ports/${vm.port.id}`)).port.allowed_address_pairs;
  const setPairs = (list: readonly object[]) =>
    lab.cloud.ok('PUT', `/ports/${vm.port.id}`, { port: { allowed_address_pairs: list } });
  const quiet = () =>
    until('nothing on its way back', async () => {
      const { ports } = await lab.cloud.ok('GET', '/ports?device_owner=kuryr:container&fields=id');
      return ports.length === 0 || undefined;
    });

  /** The Neutron calls that the VM makes during the work. */
  async function callsDuring(work: () => Promise<unknown>): Promise<readonly Call[]> {
    const from = lab.cloud.traffic.calls.length;
    await work();
    return lab.cloud.traffic.calls.slice(from).filter(({ service }) => service === 'neutron');
  }
  const told = (calls: readonly Call[]) =>
    calls
      .map(({ method, path, ms }) => `${method} ${path.replace(/[0-9a-f-]{36}/, 'ID')} ${ms?.toFixed(0)} ms`)
      .join(', ');

  test('one docker run asks Neutron at most four times, dual stack at most seven', { timeout: 300_000 }, async () => {
    for (const [network, most] of [
      ['four', 4],
      ['both', 7],
    ] as const) {
      const calls = await callsDuring(() => vm.container(`one-${network}`, network));
      console.log(`docker run, ${network}: ${calls.length} calls of Neutron: ${told(calls)}`);
      assert.ok(calls.length <= most, `${calls.length} calls`);
      await vm.remove(`one-${network}`);
      await quiet();
    }
  });

  test('twenty clients at once: every pair stands, foreign ones survive', { timeout: 300_000 }, async () => {
    const before = { ip_address: '10.98.0.240/31', mac_address: 'fa:16:3e:00:11:22' };
    const meanwhile = { ip_address: '10.98.0.250', mac_address: vm.port.mac };
    await setPairs([before]);
    const clients = `${NODE}/bin/node ${PROGRAM}/clients.mjs`;
    const network = await vm.ok(`${clients} network 10.30.0.0/24`);
    const from = lab.cloud.traffic.calls.length;
    const allReserved = () =>
      until('all addresses reserved', async () => {
        const answered = lab.cloud.traffic.calls.slice(from).filter(call => isReservation(call) && call.status === 201);
        return answered.length === CLIENTS || undefined;
      });
    // The first write of pairs arrives when all the others are asked for, and another client of the tenant was quicker.
    let overtaken: Promise<unknown> | undefined;
    lab.cloud.traffic.gate = async ({ method, path }): Promise<Verdict> => {
      if (method !== 'PUT' || !path.endsWith(vm.port.id)) return 'pass';
      overtaken ??= allReserved().then(() => setPairs([before, meanwhile]));
      await overtaken;
      return 'pass';
    };
    const began = performance.now();
    let attached = '';
    const calls = await callsDuring(async () => {
      attached = await vm.ok(`${clients} attach ${CLIENTS} '${network}'`, 200);
    });
    lab.cloud.traffic.gate = () => 'pass';
    console.log(
      `${CLIENTS} at once: ${((performance.now() - began) / 1000).toFixed(1)} s, ${calls.length} calls: ${told(calls)}`,
    );
    const standing = await pairs();
    await vm.ok(`${clients} detach '${attached}'`, 200);
    await quiet();
    const left = await pairs();
    await setPairs([]);

    const addresses = (JSON.parse(attached) as Attached).endpoints.map(each =>
      String(each.addresses[0]?.split('/')[0]),
    );
    assert.equal(new Set(addresses).size, CLIENTS);
    for (const pair of [before, meanwhile, ...addresses.map(ip_address => ({ ip_address, mac_address: vm.port.mac }))])
      assert.ok(
        standing.some(each => isDeepStrictEqual(each, pair)),
        `${JSON.stringify(pair)} stands`,
      );
    assert.equal(standing.length, CLIENTS + 2);
    assert.equal(calls.filter(isReservation).length, CLIENTS);
    assert.ok(calls.length <= CLIENTS + HANDFUL, `${calls.length} calls`);
    assert.deepEqual(left, [before, meanwhile]);
  });

  test('a write that was answered and not kept is written again', { timeout: 120_000 }, async () => {
    const { body } = await lab.cloud.api('GET', `/ports/${vm.port.id}`);
    let lost = 0;
    lab.cloud.traffic.gate = ({ method, path }) =>
      method === 'PUT' && path.endsWith(vm.port.id) && lost++ === 0 ? { status: 200, body } : 'pass';
    const { v4 } = await vm.container('unkept', 'four');
    lab.cloud.traffic.gate = () => 'pass';
    assert.ok(lost > 1, 'the write was lost once');
    assert.deepEqual(
      (await pairs()).map(({ ip_address }) => ip_address),
      [v4],
    );
    await vm.remove('unkept');
    await quiet();
  });

  test('a compose file of twenty services comes up and goes', { timeout: 600_000 }, async () => {
    const services = Array.from(
      { length: 20 },
      (_, index) => `  s${index}: { image: bb, command: [sleep, "100000"], networks: [four] }`,
    );
    const file = `version: "3"\nservices:\n${services.join('\n')}\nnetworks:\n  four: { external: true }\n`;
    await vm.ok(`mkdir -p /root/twenty && cat >/root/twenty/docker-compose.yml <<'END'\n${file}\nEND`);
    const began = performance.now();
    // compose gives up on an engine that is silent for a minute, which a guest of one CPU is.
    const calls = await callsDuring(() =>
      vm.ok('cd /root/twenty && COMPOSE_HTTP_TIMEOUT=500 docker-compose up -d', 500),
    );
    const seconds = (performance.now() - began) / 1000;
    assert.equal((await pairs()).length, 20);
    console.log(
      `a compose file of 20 services: ${seconds.toFixed(1)} s; for ${secondsOf(calls).toFixed(1)} s of it some of ` +
        `${calls.length} calls of Neutron were under way, the rest is Docker in a guest of one CPU`,
    );
    await vm.ok('cd /root/twenty && COMPOSE_HTTP_TIMEOUT=500 docker-compose down -t 0', 500);
    await quiet();
    assert.deepEqual(await pairs(), []);
  });
});

const isReservation = ({ method, path }: Call) => method === 'POST' && path.endsWith('/ports');

/** How long at least one of the calls was under way, seconds. */
function secondsOf(calls: readonly Call[]): number {
  let [sum, until] = [0, 0];
  for (const { at, ms = 0 } of calls.toSorted((one, other) => one.at - other.at)) {
    const end = at + ms;
    sum += Math.max(0, end - Math.max(at, until));
    until = Math.max(until, end);
  }
  return sum / 1000;
}
