import assert from 'node:assert/strict';
import type { Container } from '../lab/vm.ts';
import { own } from './host-access.ts';
import {
  assertFiltered,
  assertFloodEndured,
  assertNoRouter,
  assertSiblingDeceived,
  assertVmNotDeceived,
} from './hostile-frames.ts';
import { assertWell, attack, FREE, ok, onScene, type Scene } from './hostile-scene.ts';
import type { Row } from './rows.ts';
import { lost, until } from './traffic.ts';

/** What Docker gives by default: NET_RAW, not NET_ADMIN, its own seccomp profile. */
export const hostilePlain: Row = {
  name: 'a hostile container without NET_ADMIN: what it tries on others fails, or is named as not kept',
  run: bed =>
    onScene(bed, '', [
      assertVmNotDeceived,
      assertNoRouter,
      scene => assertNothingTaken(scene, /not permitted/i),
      assertModeKept,
      assertWell,
      assertFiltered,
      assertSiblingDeceived,
      assertFloodEndured,
      assertWell,
      assertNothingRaw,
      assertNoUserNamespace,
    ]),
};

export const hostileAdmin: Row = {
  name: 'a hostile container with NET_ADMIN: what it tries on others fails, or is named as not kept',
  run: bed =>
    onScene(bed, '--cap-add NET_ADMIN', [
      scene => assertNothingTaken(scene, /already assigned/),
      assertPutBack,
      assertWell,
      assertOwnMacKept,
      assertFreeAddressUseless,
      assertVmNotDeceived,
      // What it does to its own link hurts itself alone; it is removed in that state.
      async ({ bad }) =>
        void (await ok(bad, 'ip addr flush dev eth0; ip link set eth0 down; ip link set eth0 name gone')),
      assertWell,
    ]),
};

/** An engine that puts containers into a user namespace: there they may do all, NET_ADMIN and NET_RAW too. */
export const hostileUser: Row = {
  name: 'a hostile container in a user namespace of its own: what it tries on others fails, or is named as not kept',
  async run(bed) {
    const restart = async (userNamespaces: boolean) => {
      await bed.a.stopDocker();
      await bed.a.startDocker({ userNamespaces });
    };
    await bed.leaveNetwork();
    await restart(true);
    try {
      await onScene(bed, '--cap-add NET_ADMIN', [
        async ({ bad }) => assert.match(await bed.a.ok(`cat /proc/${bad.pid}/uid_map`), /^0 +100000 +65536$/),
        scene => assertNothingTaken(scene, /already assigned/),
        assertModeKept,
        assertVmNotDeceived,
        assertNoRouter,
        assertWell,
      ]);
      await bed.leaveNetwork();
    } finally {
      await restart(false);
    }
  },
};

/** It gets neither the addresses of the VM, the gateways and the sibling, nor another mode where it has no NET_ADMIN. */
async function assertNothingTaken({ bed, bad, sibling, gateways }: Scene, refusal: RegExp): Promise<void> {
  const local = (await bed.a.ok('ip -6 -br addr show dev eth0 scope link')).split(/\s+/)[2]?.split('/')[0] ?? '';
  const addresses = [...own(bed.a), local, ...gateways, sibling.v4, sibling.v6];
  const { stdout } = await attack(
    bad,
    addresses
      .map(
        address => `ip addr add ${address}/${address.includes(':') ? 128 : 32} dev eth0 2>&1; echo "= $? ${address}"`,
      )
      .join('\n'),
  );
  const outcomes = [...stdout.matchAll(/^(.*)\n= (\d+) (\S+)$/gm)];
  assert.equal(outcomes.length, addresses.length, stdout);
  for (const [, said = '', code, address = ''] of outcomes) {
    assert.notEqual(code, '0', `${address} was taken`);
    assert.match(said, refusal, address);
  }
}

/** Without NET_RAW there is no raw socket. */
async function assertNothingRaw({ bed, network }: Scene): Promise<void> {
  const { code, stderr } = await bed.a.run(
    `docker run --rm --network ${network} --cap-drop NET_RAW -v /:/host:ro bb busybox chroot /host /usr/bin/python3 /mnt/frames.py flood 1 100`,
    120,
  );
  assert.notEqual(code, 0);
  assert.match(stderr, /PermissionError/);
}

/** Docker's seccomp profile keeps it from a user namespace, in which it would have NET_RAW and NET_ADMIN over a network of its own making. */
async function assertNoUserNamespace({ bed, bad }: Scene): Promise<void> {
  // Not by way of chroot, where the kernel itself would refuse.
  const { code, stderr } = await bed.a.run(`docker exec ${bad.name} busybox unshare -U true`);
  assert.notEqual(code, 0);
  assert.match(stderr, /not permitted/);
}

/** Mode and flag are every link's: what it sets for all is put back, and `kuryr status` says whose container it was. */
async function assertPutBack({ bed, bad, sibling }: Scene): Promise<void> {
  for (const mode of ['l3', 'l2 private', 'l2 vepa']) {
    await ok(bad, `ip link set eth0 type ipvlan mode ${mode}`);
    await until('the mode of all put back', async () => (await modeOf(sibling)) === 'l2 bridge');
  }
  const { guards, attachments } = JSON.parse(await bed.a.ok('kuryr status --json'));
  const flips = guards[0].flips;
  assert.equal(flips.count, 3);
  const culprit = attachments.find(({ addresses }: { addresses: readonly { address: string }[] }) =>
    addresses.some(({ address }) => address === bad.v4),
  );
  assert.equal(flips.by, culprit.id);
  assert.match(await bed.a.log(), /MASTER_FLIPPED/);
}

/** Mode and flag are not its to set. */
async function assertModeKept({ bad, sibling }: Scene): Promise<void> {
  for (const line of ['set eth0 type ipvlan mode l3', 'add link eth0 name n0 type ipvlan mode l3']) {
    const { code, stderr } = await attack(bad, `ip link ${line}`);
    assert.notEqual(code, 0, line);
    assert.match(stderr, /not permitted/i);
  }
  assert.equal(await modeOf(sibling), 'l2 bridge');
}

async function modeOf(container: Container): Promise<string | undefined> {
  const { stdout } = await container.vm.within(container, 'ip -d link show eth0');
  return /ipvlan +mode (\w+ \w+)/.exec(stdout)?.[1];
}

async function assertOwnMacKept({ bad }: Scene): Promise<void> {
  const { code, stderr } = await attack(bad, 'ip link set eth0 down; ip link set eth0 address 02:00:00:00:00:99');
  assert.notEqual(code, 0, 'it took another MAC');
  assert.match(stderr, /not supported/i);
  await ok(bad, 'ip link set eth0 up');
}

/** An address that nobody has it can take; but no pair stands for it, so nothing passes. */
async function assertFreeAddressUseless({ bed, bad, other }: Scene): Promise<void> {
  const [v4, v6] = FREE;
  await ok(
    bad,
    `ip addr flush dev eth0 scope global; ip addr add ${v4}/24 dev eth0; ip addr add ${v6}/64 dev eth0 nodad`,
  );
  const capture = await bed.lab.cloud.capture(bed.a.port);
  for (const address of [other.v4, other.v6]) assert.ok(await lost(bad, address), `${address} answered`);
  const lines = await capture.lines();
  for (const address of FREE)
    assert.ok(
      lines.some(line => line.includes(address)),
      `${address} was tried`,
    );
}
