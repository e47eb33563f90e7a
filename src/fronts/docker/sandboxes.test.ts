import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeKernel } from '../../linux/fake-kernel.ts';
import { silentLogger } from '../../observe/logger.ts';
import { FakeClock } from '../../time/fake-clock.ts';
import { Sandboxes } from './sandboxes.ts';

const path = '/var/run/docker/netns/a';

/** A sandbox that is told of before it exists, as on engines before 28. */
function bed() {
  const kernel = new FakeKernel();
  const clock = new FakeClock();
  const ending = new AbortController();
  const sandboxes = new Sandboxes({ kernel, clock, logger: silentLogger, life: ending.signal });
  sandboxes.prepare({ path, ifindex: 77, id: 'a', addresses: ['10.30.0.5', 'fd30::5'] });
  const appear = () => {
    const netns = kernel.addNetns(path);
    kernel.addLink(netns, { name: 'eth0', ifindex: 77, kind: 'ipvlan', masterElsewhere: true });
    kernel.addLink(netns, { name: 'eth1', ifindex: 78, kind: 'ipvlan', masterElsewhere: true });
    for (const name of ['accept_ra', 'autoconf', 'addr_gen_mode']) kernel.setSysctl(netns, setting(name), 'as it was');
    kernel.addAddress(netns, 77, '10.30.0.5', 24);
    kernel.addAddress(netns, 77, 'fd30::5', 64);
    kernel.addAddress(netns, 77, 'fe80::1', 64);
    kernel.addAddress(netns, 78, 'fe80::2', 64);
    return netns;
  };
  return { kernel, clock, ending, appear };
}

const setting = (name: string) => `net/ipv6/conf/eth0/${name}`;

test("takes from a link every address but the container's own, and lets it make none itself", async () => {
  const { kernel, clock, appear } = bed();
  await clock.advance(2_000);
  const netns = appear();
  await clock.advance(600);
  assert.deepEqual(
    ['accept_ra', 'autoconf', 'addr_gen_mode'].map(name => kernel.sysctl(netns, setting(name))),
    ['0', '0', '1'],
  );
  const held = () => kernel.addresses(netns).map(({ address }) => address);
  assert.deepEqual(held(), ['10.30.0.5', 'fd30::5', 'fe80::2']);
  kernel.addAddress(netns, 77, 'fe80::3', 64);
  await clock.advance(1_000);
  assert.deepEqual(held(), ['10.30.0.5', 'fd30::5', 'fe80::2'], 'one that came late goes too');
  assert.equal(clock.sleeping, 0);
});

test('gives up on a sandbox that never comes, and ends with the daemon', async () => {
  const { clock } = bed();
  await clock.advance(181_000);
  assert.equal(clock.sleeping, 0);
  const other = bed();
  await other.clock.advance(100);
  other.ending.abort(new Error('stopped'));
  await other.clock.advance(0);
  assert.equal(other.clock.sleeping, 0);
});
