import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../src/time/system-clock.ts';
import { inhabited } from './inhabited.ts';
import { askControl } from './raw-http.ts';

const ASIDE = '10.30.0.99';

test('gc forgets a network that was removed while the plug-in was down, and frees what was set aside for it', async t => {
  let later = 0;
  let networks: readonly string[] | undefined;
  const { rig, engine, world, vm } = await inhabited(t, async () => ({
    clock: { ...systemClock, now: () => systemClock.now() + later },
    async askEngine(path) {
      assert.equal(path, '/networks');
      if (networks === undefined) throw new Error('no engine');
      return { status: 200, body: JSON.stringify(networks.map(Id => ({ Id }))) };
    },
  }));
  await engine.ok('IpamDriver.RequestAddress', { PoolID: world.freePool, Address: ASIDE });
  const lost = 'd'.repeat(64);
  // What an engine asks between a pool and its network can take long: the network is new all the same.
  later = 90_000;
  await engine.ok('NetworkDriver.CreateNetwork', { NetworkID: lost, IPv4Data: [{ Pool: '10.30.0.0/24' }] });
  const gc = async () => (await askControl(rig.control, 'POST', '/v1/gc', '{"dryRun":false}')).body;
  const stands = () => [`docker/network/${lost}` in rig.ledger(), rig.reserved().includes(ASIDE)];
  networks = [world.network, world.other];
  await gc();
  assert.deepEqual(stands(), [true, true], 'it is too young to be missed');
  later += 120_000;
  for (const answer of [undefined, [world.network, world.other, lost]]) {
    networks = answer;
    await gc();
    assert.deepEqual(stands(), [true, true], 'an engine that says nothing, or still has it');
  }
  networks = [];
  assert.match(await gc(), new RegExp(`"network":"${lost}"`));
  assert.deepEqual(stands(), [false, false]);
  assert.ok(`docker/network/${world.network}` in rig.ledger(), 'one that has a container stays');
  assert.equal(vm.kernel.links('host').filter(({ kind }) => kind === 'ipvlan').length, 1, 'and its link');
});
