import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { Lab } from '../lab/lab.ts';
import { assertNothingLeft } from '../lab/nothing-left.ts';
import type { Vm } from '../lab/vm.ts';
import { until } from '../matrix/traffic.ts';

const SLEEPER = 'bb sleep 100000';
/** A network that the engine removed, as it looks to a daemon that was down for the minute and a half in which it said so. */
const LOST = 'd'.repeat(64);
const ASIDE = '10.30.0.99';

/** What the matrix does not show of engine and daemon: deaths of either while containers live on, or come and go. */
suite('a real engine and the daemon die, and nothing is left', { concurrency: false }, () => {
  const ending = new AbortController();
  let lab: Lab;
  let vm: Vm;

  before(
    async () => {
      const { signal } = ending;
      lab = await Lab.up({ backend: 'ovn', engine: 'trixie', say: line => console.log(line), signal });
      [vm] = await lab.addVms({ name: 'vw', host: 'h1', start: false });
      await Promise.all([vm.startDocker({ liveRestore: true }), vm.startKuryr('--wait permitted')]);
      // One after the other: an engine names the pools of a network by their range alone, and these have the same.
      for (const name of ['lan', 'spare']) await vm.ok(`kuryr network create ${name}`, 120);
      const ask = async (verb: string, body: object) =>
        JSON.parse(
          await vm.ok(
            `curl -sf --unix-socket /run/docker/plugins/kuryr.sock -d '${JSON.stringify(body)}' http://kuryr/${verb}`,
          ),
        ) as { readonly PoolID?: string };
      const pool = '10.30.0.0/24';
      const { PoolID } = await ask('IpamDriver.RequestPool', { Pool: pool, Options: {} });
      await ask('IpamDriver.RequestAddress', { PoolID, Address: ASIDE });
      await ask('NetworkDriver.CreateNetwork', { NetworkID: LOST, IPv4Data: [{ Pool: pool }] });
    },
    { timeout: 600_000 },
  );

  after(async () => {
    ending.abort();
    await lab?.down();
  });

  const run = (name: string, flags = '') =>
    vm.ok(`docker run -d --name ${name} --network lan ${flags} ${SLEEPER} >/dev/null`, 120);
  const gateway = () => lab.network.v4?.gateway ?? '';
  /** From inside the container, so that no engine has to be asked. */
  const pings = async (name: string) =>
    (await vm.run(`docker exec ${name} ping -c 1 -W 2 ${gateway()}`, 60)).code === 0 || undefined;
  const addressOf = async (name: string) => (await vm.inspect(name, 'lan')).v4;
  const running = async (name: string) =>
    (await vm.run(`docker inspect -f '{{.State.Running}}' ${name}`)).stdout.trim() === 'true' || undefined;

  /** How often the engine has found the plug-in away. */
  const missed = async () => Number(await vm.ok('grep -c "retrying in" /var/log/dockerd.log || true'));
  /** Until it has found so again. */
  const engineWaits = (before: number) =>
    until('the engine asks for the plug-in', async () => (await missed()) > before || undefined);

  test('a container is taken off a network and put on it again', { timeout: 120_000 }, async () => {
    await run('ca', '--ip 10.30.0.71');
    await vm.ok('docker network disconnect lan ca', 120);
    await until('the first address is back', async () => !(await vm.ok('kuryr status')).includes('10.30.0.71'));
    await vm.ok('docker network connect --ip 10.30.0.72 lan ca', 120);
    await until('the container reaches the gateway', () => pings('ca'));
    assert.match(await vm.ok('kuryr status'), /10\.30\.0\.72/);
  });

  test('containers live on through an engine that ends and one that is killed', { timeout: 180_000 }, async () => {
    for (const signal of ['TERM', 'KILL'] as const) {
      await vm.stopDocker(signal);
      await vm.startDocker({ liveRestore: true });
      await until('the engine has its container again', () => running('ca'));
      assert.equal(await addressOf('ca'), '10.30.0.72');
      await until('the container reaches the gateway', () => pings('ca'));
    }
    await vm.ok('docker restart -t 0 ca', 120);
    await until('the container reaches the gateway', () => pings('ca'));
  });

  test('a container that dies while its engine is dead gives its address back', { timeout: 180_000 }, async () => {
    await run('cb', '--ip 10.30.0.73');
    const pid = await vm.ok("docker inspect -f '{{.State.Pid}}' cb");
    await vm.stopDocker('KILL');
    await vm.ok(`kill -KILL ${pid}`);
    await vm.startDocker({ liveRestore: true });
    await vm.ok('docker rm -f cb', 120);
    await until('the address is free again', async () => !(await vm.ok('kuryr status')).includes('10.30.0.73'));
    await run('cc', '--ip 10.30.0.73');
    await vm.ok('docker rm -f cc', 120);
  });

  test('what is asked while the plug-in is down is done when it is back', { timeout: 240_000 }, async () => {
    await run('cd');
    await vm.stopKuryr('KILL');
    const before = await missed();
    const asked = [vm.run('docker rm -f cd', 180), vm.run(`docker run -d --name ce --network lan ${SLEEPER}`, 180)];
    await engineWaits(before);
    await vm.startKuryr('--wait permitted');
    for (const { code, stderr } of await Promise.all(asked)) assert.equal(code, 0, stderr);
    await until('the container reaches the gateway', () => pings('ce'));
  });

  test('a network that is removed while the plug-in is down leaves nothing', { timeout: 300_000 }, async () => {
    await vm.ok('docker rm -f ca ce', 180);
    await vm.stopKuryr();
    const before = await missed();
    const removing = vm.run('docker network rm spare', 180);
    await engineWaits(before);
    await vm.startKuryr('--wait permitted');
    assert.equal((await removing).code, 0);
    const lost = new RegExp(`network ${LOST.slice(0, 12)} .*${ASIDE}`);
    // A network that is younger than a minute is not missed.
    await until('a network that the engine does not have is missed', async () =>
      lost.test(await vm.ok('kuryr gc --dry-run', 60)),
    );
    const cleaned = await vm.ok('kuryr gc', 120);
    assert.match(cleaned, lost);
    assert.equal(cleaned.match(/away network /g)?.length, 1, 'the one that it has stays');
    await run('cf');
    await vm.ok('docker rm -f cf; docker network rm lan', 120);
    await until('the cloud has nothing of ours', async () => {
      const { ports } = await lab.cloud.ok('GET', `/ports?device_id=kuryr:${vm.port.id}`);
      return ports.length === 0;
    });
    await assertNothingLeft(lab.cloud, vm.port.id);
    assert.doesNotMatch(await vm.ok('ip -o link'), /\bky/, 'no link');
  });
});
