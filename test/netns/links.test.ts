import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from 'node:test';
import { isKuryrError } from '../../src/errors/kuryr-error.ts';
import type { LinkRequest, LinkSpec, LinkTrace } from '../../src/link/link-kind.ts';
import { linkName, SlaveLinks } from '../../src/link/slave-links.ts';
import type { Link } from '../../src/linux/kernel.ts';
import { KoffiSys } from '../../src/linux/koffi-sys.ts';
import { LinuxKernel } from '../../src/linux/linux-kernel.ts';
import type { Nic } from '../../src/nic/nic.ts';
import { enterOwnNetns, ip, ipvlanTest, makeNetns, plugNic } from './netns.ts';

const sys = new KoffiSys();
enterOwnNetns(sys);
plugNic();
const kernel = new LinuxKernel(sys);
const master = kernel.links('host').find(link => link.name === 'eth0') as Link;
const nic = { master: { ...master, addresses: [] } } as unknown as Nic;
const signal = AbortSignal.timeout(600_000);
const macvlan: LinkSpec = { kind: 'macvlan', mode: 'bridge' };
let last = 0x4b000000;

function wanted(spec: LinkSpec): { readonly request: LinkRequest; readonly trace: LinkTrace } {
  const ifindex = ++last;
  const mac = `02:00:00:00:02:${(ifindex % 256).toString(16).padStart(2, '0')}`;
  const common = { name: linkName(ifindex), ifindex, id: `id-${ifindex}`, mac };
  return {
    request: { ...common, nic, spec, mtu: 1400 },
    trace: { ...common, addresses: [`10.0.0.${ifindex % 256}`], sandbox: undefined },
  };
}

function refused(code: Parameters<typeof isKuryrError>[1], text: RegExp) {
  return (error: unknown) => {
    assert.ok(isKuryrError(error, code), String(error));
    assert.match(error.message, text);
    return true;
  };
}

async function wholeLife(spec: LinkSpec): Promise<void> {
  const links = new SlaveLinks(kernel);
  const sandbox = makeNetns('sandbox');
  const { request, trace } = wanted(spec);
  const made = links.create(request);
  assert.deepEqual(links.create(request), made, 'twice is once');
  assert.deepEqual({ up: made.up, mtu: made.mtu, alias: made.alias }, { up: false, mtu: 1400, alias: request.id });
  assert.deepEqual(links.ours(), [made]);
  assert.equal(links.find(trace), 'host');
  ip('link', 'set', made.name, 'netns', sandbox.name, 'name', 'eth0');
  ip('-n', sandbox.name, 'address', 'add', `${trace.addresses[0]}/24`, 'dev', 'eth0');
  ip('-n', sandbox.name, 'link', 'set', 'eth0', 'alias', 'written by the container');
  const there = { ...trace, sandbox: sandbox.path };
  assert.equal(links.find(there), 'sandbox');
  assert.ok(links.addressesInUse().has(trace.addresses[0] ?? ''));
  await links.remove(there, signal);
  await links.remove(there, signal);
  assert.equal(links.find(there), undefined);
  assert.ok(!links.addressesInUse().has(trace.addresses[0] ?? ''));
}

test('a macvlan link is made, moved, found and removed', () => wholeLife(macvlan));

test('finds the namespaces that others are in, and not the own one', () => {
  const kept = makeNetns('kept');
  const own = fs.statSync('/proc/thread-self/ns/net').ino;
  const inodes = kernel.namespaces().map(({ path }) => fs.statSync(path).ino);
  assert.ok(inodes.includes(fs.statSync(kept.path).ino));
  assert.ok(!inodes.includes(own));
  assert.equal(new Set(inodes).size, inodes.length);
});

ipvlanTest('a link is made, moved, found and removed', async () => {
  for (const flag of ['bridge', 'private', 'vepa'] as const) {
    await wholeLife({ kind: 'ipvlan', mode: 'l2', flag });
    const shown = wanted({ kind: 'ipvlan', mode: 'l2', flag });
    const links = new SlaveLinks(kernel);
    links.create(shown.request);
    const [{ linkinfo }] = JSON.parse(ip('-j', '-d', 'link', 'show', shown.request.name));
    assert.deepEqual(linkinfo.info_data, { mode: 'l2', [flag]: true });
    await links.remove(shown.trace, signal);
  }
});

/** How many want all frames of the NIC, in whose filter of addresses there is no place. */
function promiscuity(): number {
  return JSON.parse(ip('-j', '-d', 'link', 'show', 'eth0'))[0].promiscuity;
}

/** @returns what becomes of the NIC when links of a kind are up on it */
async function withLinksUp(spec: LinkSpec, count: number): Promise<number> {
  const links = new SlaveLinks(kernel);
  const made = Array.from({ length: count }, () => wanted(spec));
  for (const { request } of made) {
    links.create(request);
    ip('link', 'set', request.name, 'up');
  }
  const seen = promiscuity();
  for (const { trace } of made) await links.remove(trace, signal);
  return seen;
}

test('a macvlan link makes a NIC that filters by its one MAC take every frame', async () => {
  assert.equal(promiscuity(), 0);
  assert.equal(await withLinksUp(macvlan, 1), 1);
  assert.equal(promiscuity(), 0);
});

ipvlanTest('twenty links leave the NIC as it is: it takes frames for its one MAC alone', async () => {
  assert.equal(await withLinksUp({ kind: 'ipvlan', mode: 'l2', flag: 'bridge' }, 20), 0);
});

ipvlanTest('a flag that would flip links in a container is refused, and they keep theirs', async () => {
  const links = new SlaveLinks(kernel);
  const sandbox = makeNetns('sandbox');
  const first = wanted({ kind: 'ipvlan', mode: 'l2', flag: 'private' });
  links.create(first.request);
  ip('link', 'set', first.request.name, 'netns', sandbox.name);
  const other = wanted({ kind: 'ipvlan', mode: 'l2', flag: 'bridge' });
  const restarted = new SlaveLinks(kernel);
  assert.throws(() => restarted.create(other.request), refused('MODE_CLASH', /eth0 .*ipvlan_flag=private/));
  const [moved] = kernel.links({ path: sandbox.path }).filter(link => link.kind === 'ipvlan');
  assert.equal(moved?.flag, 'private');
  await links.remove({ ...first.trace, sandbox: sandbox.path }, signal);
  restarted.create(other.request);
  await restarted.remove(other.trace, signal);
});

ipvlanTest('names the macvlan links beside which it cannot stand, and the other way round', async () => {
  const links = new SlaveLinks(kernel);
  const ipvlan: LinkSpec = { kind: 'ipvlan', mode: 'l2', flag: 'bridge' };
  for (const [standing, refusedKind] of [
    [macvlan, ipvlan],
    [ipvlan, macvlan],
  ] as const) {
    const first = wanted(standing);
    links.create(first.request);
    const text = new RegExp(`eth0 .*carries ${standing.kind} ${first.request.name} .*EBUSY.*Use ${standing.kind}`);
    assert.throws(() => links.create(wanted(refusedKind).request), refused('MASTER_BUSY', text));
    await links.remove(first.trace, signal);
  }
});

ipvlanTest('an address that a sibling in another namespace holds is refused by name', async () => {
  const links = new SlaveLinks(kernel);
  const sandbox = makeNetns('sandbox');
  const [first, second] = [0, 1].map(() => wanted({ kind: 'ipvlan', mode: 'l2', flag: 'bridge' }));
  assert.ok(first && second);
  for (const each of [first, second]) links.create(each.request);
  ip('link', 'set', first.request.name, 'netns', sandbox.name);
  for (const [address, prefix] of [
    ['10.0.0.77', 24],
    ['fd00::77', 64],
  ] as const) {
    kernel.addAddress({ path: sandbox.path }, first.request.ifindex, address, prefix);
    assert.throws(
      () => kernel.addAddress('host', second.request.ifindex, address, prefix),
      refused('ADDRESS_ON_LINK', new RegExp(`${address} is on another link`)),
    );
  }
  await links.remove({ ...first.trace, sandbox: sandbox.path }, signal);
  await links.remove(second.trace, signal);
});
