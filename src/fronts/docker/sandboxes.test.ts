import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AttachmentRecord } from '../../attach/records.ts';
import { FakeKernel } from '../../linux/fake-kernel.ts';
import { silentLogger } from '../../observe/logger.ts';
import { FakeClock } from '../../time/fake-clock.ts';
import { Sandboxes } from './sandboxes.ts';

const path = '/var/run/docker/netns/a';
const ifindex = 77;

/** A sandbox that is told of before it exists, as on engines before 28. */
function bed() {
  const kernel = new FakeKernel();
  const clock = new FakeClock();
  const ending = new AbortController();
  const { ifindex: master } = kernel.addLink('host', { name: 'eth0' });
  const common = { name: 'ky1', ifindex, master, mtu: 1500, alias: 'a' };
  kernel.createSlave('host', { ...common, kind: 'ipvlan', mode: 'l2', flag: 'bridge' });
  const daemon = (life: AbortSignal) => new Sandboxes({ kernel, clock, logger: silentLogger, life });
  daemon(ending.signal).prepare({ path, ifindex, id: 'a' });
  /** A daemon starts, with this attachment on record. */
  const start = (record: Partial<AttachmentRecord> = {}) => {
    const link = { name: 'ky1', ifindex, master, boot: 'this one' };
    const life = new AbortController().signal;
    daemon(life).resume([{ id: 'a', ending: false, sandbox: path, link, ...record } as AttachmentRecord], 'this one');
  };
  const move = () => {
    const netns = kernel.addNetns(path);
    kernel.moveLink('host', ifindex, netns);
    return netns;
  };
  const bringUp = (netns: ReturnType<typeof move>) => {
    kernel.setLink(netns, ifindex, { name: 'eth1' });
    for (const name of ['accept_ra', 'autoconf', 'addr_gen_mode']) kernel.setSysctl(netns, setting(name), 'as it was');
    kernel.setLink(netns, ifindex, { up: true });
  };
  const seen = (netns: ReturnType<typeof move>) => [
    ...['accept_ra', 'autoconf', 'addr_gen_mode'].map(name => kernel.sysctl(netns, setting(name))),
    kernel.links(netns)[0]?.state,
  ];
  return { kernel, clock, ending, start, move, bringUp, seen };
}

const setting = (name: string) => `net/ipv6/conf/eth1/${name}`;
const asItWas = ['as it was', 'as it was', 'as it was'];

test('a link sleeps until it has been told to make no address and to believe no router', async () => {
  const { kernel, clock, move, bringUp, seen } = bed();
  await clock.advance(2_000);
  const netns = move();
  await clock.advance(600);
  bringUp(netns);
  assert.deepEqual(seen(netns), [...asItWas, 'dormant']);
  await clock.advance(600);
  assert.deepEqual(seen(netns), ['0', '0', '1', 'up']);
  const orders = kernel.calls.filter(({ method, args }) => method.startsWith('set') && args[0] !== 'host').slice(-4);
  assert.deepEqual(orders.at(-1)?.args, [netns, ifindex, { dormant: false }], 'told first, woken last');
  assert.equal(clock.sleeping, 0);
});

test('a link is woken soon: after at most a quarter of the time that its engine took', async () => {
  const { clock, move, bringUp, seen } = bed();
  await clock.advance(99);
  const netns = move();
  bringUp(netns);
  await clock.advance(30);
  assert.deepEqual(seen(netns), ['0', '0', '1', 'up']);
});

test('a link that still sleeps when the daemon starts is told and woken, and one that is awake is left as it is', async () => {
  const { kernel, ending, clock, start, move, bringUp, seen } = bed();
  const netns = move();
  bringUp(netns);
  ending.abort(new Error('killed'));
  await clock.advance(1_000);
  assert.deepEqual(seen(netns), [...asItWas, 'dormant']);
  start({ ending: true });
  start({ link: { name: 'ky1', ifindex, boot: 'an earlier one' } });
  await clock.advance(0);
  assert.deepEqual(seen(netns), [...asItWas, 'dormant']);
  start();
  await clock.advance(0);
  assert.deepEqual(seen(netns), ['0', '0', '1', 'up']);
  kernel.setSysctl(netns, setting('accept_ra'), '2');
  start();
  await clock.advance(0);
  assert.equal(kernel.sysctl(netns, setting('accept_ra')), '2');
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
