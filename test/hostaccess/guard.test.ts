/** Hostile containers in a VM of their own: what they can do to the VM and to one another, with the guard and without. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { address, address6, HostileVm, type Name, type Privilege } from './hostile-vm.ts';
import { Keeper } from './keeper.ts';
import { outside as gateway, own } from './lone-vm.ts';

const say = (text: string) => console.log(text);

describe('a hostile container', () => {
  let hostile: HostileVm;
  let keeper: Keeper;

  before(async () => {
    hostile = await HostileVm.boot();
    keeper = new Keeper(hostile.guest);
  });

  after(() => hostile?.[Symbol.asyncDispose]());

  /** Which of them take a router advertisement of the container's, sent to all and to the VM, where they accept one or none. */
  const advertise = async (as: Privilege, accept: 0 | 1, where: readonly (Name | 'vm')[]): Promise<string[]> => {
    const inside = (name: Name | 'vm') => (name === 'vm' ? '' : `ip netns exec ${name}`);
    const taking: string[] = [];
    for (const name of where) {
      const set = (value: 0 | 1) =>
        hostile.guest.ok(`${inside(name)} sh -c 'echo ${value} >/proc/sys/net/ipv6/conf/eth0/accept_ra'`);
      await set(accept);
      for (const mac of ['all', 'vm']) await hostile.send(as, 'ra', 'fdba:d::', mac, 'ff02::1');
      await hostile.guest.ok('sleep 0.3');
      const shown = await hostile.guest.ok(`${inside(name)} ip -6 route show default`);
      if (shown.includes('fe80::bad')) taking.push(name);
      await set(0);
      await hostile.guest.run(`${inside(name)} ip -6 route del default via fe80::bad dev eth0
        ${inside(name)} ip -6 -o addr show dev eth0 | grep -o 'fdba[^ ]*' | while read a; do ${inside(name)} ip addr del $a dev eth0; done`);
    }
    return taking;
  };

  /** Whether the VM takes a container's word for where its gateway is. */
  const deceive = async (as: Privilege, family: 4 | 6, how: string): Promise<boolean> => {
    const [at, mine] = family === 4 ? [gateway.v4, own.v4] : [gateway.v6, own.v6];
    // However short ago a neighbour was heard of, it may change (net/ipv4/arp.c).
    await hostile.guest.ok(`echo 0 >/proc/sys/net/ipv4/neigh/eth0/locktime; ping -c1 -W2 ${at}`);
    const said = await hostile.send(as, 'lie', how, at, '02:ba:d0:00:00:01', mine);
    assert.equal(as === 'bare' ? '' : said, '');
    const shown = await hostile.guest.ok(`sleep 0.1; ip neigh show ${at} dev eth0`);
    await hostile.guest.ok(`ip neigh flush dev eth0 ${at}; ping -c1 -W2 ${at}`);
    return shown.includes('02:ba:d0');
  };

  /** As an answer, a question; with the source of a group, a priority tag; behind a header of options. */
  const lies = { 4: ['answer', 'question', 'group', 'tag'], 6: ['answer', 'question', 'group', 'tag', 'behind'] };
  /** From another MAC to the VM's, or to all: nothing keeps these off the wire but host access, which turns frames round. */
  const strange = ['elsewhere', 'broadcast'];

  describe('without a guard', () => {
    for (const family of [4, 6] as const)
      for (const how of lies[family])
        test(`the VM believes a container about where its gateway is: IPv${family}, ${how}`, async () => {
          assert.equal(await deceive('plain', family, how), true);
        });

    test("without NET_RAW a container cannot speak in the gateway's name", async () => {
      assert.equal(await deceive('bare', 4, 'answer'), false);
    });

    for (const as of ['plain', 'own'] as const)
      test(`a VM that accepts router advertisements takes a container's (${as})`, async () => {
        assert.deepEqual(await advertise(as, 1, ['vm']), ['vm']);
      });

    for (const as of ['admin', 'own'] as const)
      test(`a container takes the VM off the net by taking its address (${as})`, async () => {
        assert.ok(await hostile.isOnTheNet('vm'));
        assert.deepEqual(await hostile.attack(as, `ip addr add ${own.v4}/32 dev eth0`), { code: 0, said: '' });
        assert.equal(await hostile.reaches('vm', 4), false);
        await hostile.attack(as, `ip addr del ${own.v4}/32 dev eth0`);
        assert.ok(await hostile.isOnTheNet('vm'));
      });

    test('a container changes the mode of all, and it stays so', async () => {
      assert.equal((await hostile.attack('admin', 'ip link set eth0 type ipvlan mode l2 private')).code, 0);
      assert.equal(await hostile.modeOf('two'), 'l2 private');
      await hostile.attack('admin', 'ip link set eth0 type ipvlan mode l2 bridge');
    });
  });

  describe('with the guard', () => {
    before(async () => {
      const { ms } = await keeper.start(['one', 'two', 'own']);
      say(`the guard stood after ${ms.toFixed(1)} ms`);
    });

    for (const family of [4, 6] as const)
      for (const how of [...lies[family], ...strange])
        test(`the VM does not believe a container about where its gateway is: IPv${family}, ${how}`, async () => {
          for (const as of ['plain', 'own'] as const) assert.equal(await deceive(as, family, how), false, as);
        });

    test('a VM that accepts router advertisements takes none of a container', async () => {
      for (const as of ['plain', 'own'] as const) assert.deepEqual(await advertise(as, 1, ['vm']), [], as);
    });

    const refusals = { admin: /already assigned/, own: /already assigned/, plain: /not permitted/i } as const;
    for (const as of ['admin', 'own', 'plain'] as const) {
      test(`no container can take an address of the VM, a gateway or a sibling (${as})`, async () => {
        const local = (await hostile.guest.ok('ip -6 -br addr show dev eth0 scope link'))
          .trim()
          .split(/\s+/)[2]
          ?.split('/')[0];
        const reserved = [own.v4, own.v6, local ?? '', gateway.v4, gateway.v6, address('two'), address6('two')];
        for (const each of reserved) {
          const bits = each.includes(':') ? 128 : 32;
          const { code, said } = await hostile.attack(as, `ip addr add ${each}/${bits} dev eth0`);
          assert.notEqual(code, 0, `${each} was taken`);
          assert.match(said, refusals[as], each);
        }
        assert.ok(await hostile.isOnTheNet('vm'));
        assert.ok(await hostile.isOnTheNet('two'));
      });
    }

    test('an address that the VM gets later is kept too, and one that it gives up is free', async () => {
      /** Waits until the guard holds it, or does not any more. */
      const until = (condition: string) =>
        hostile.guest.ok(`for n in $(seq 50); do
          ${condition} nsenter --net=$(ls /run/kuryr/guard/*) ip -br addr | grep -q 10.0.0.99 && exit 0; sleep 0.1; done; exit 1`);
      await hostile.guest.ok('ip addr add 10.0.0.99/24 dev eth0');
      await until('');
      assert.match((await hostile.attack('admin', 'ip addr add 10.0.0.99/32 dev eth0')).said, /already assigned/);
      await hostile.guest.ok('ip addr del 10.0.0.99/24 dev eth0');
      await until('!');
      assert.equal((await hostile.attack('admin', 'ip addr add 10.0.0.99/32 dev eth0')).code, 0);
      await hostile.attack('admin', 'ip addr del 10.0.0.99/32 dev eth0');
    });

    for (const [how, line] of [
      ['mode', 'ip link set eth0 type ipvlan mode l3'],
      ['flag', 'ip link set eth0 type ipvlan mode l2 private'],
      ['a link on its link', 'ip link add link eth0 name n0 type ipvlan mode l2 vepa'],
    ] as const) {
      test(`what a container with NET_ADMIN changes of all is put back at the kernel's event, and told: ${how}`, async () => {
        const putBack = await keeper.putBacks();
        assert.equal((await hostile.attack('admin', line)).code, 0);
        const warning = await keeper.told(({ code }) => code === 'MASTER_FLIPPED');
        assert.equal(warning['attachment'], 'one');
        assert.equal(warning['count'], putBack + 1, 'put back once, and nobody had to look');
        for (const name of ['one', 'two'] as const) assert.equal(await hostile.modeOf(name), 'l2 bridge');
        await hostile.guest.run('ip -n one link del n0');
        assert.ok((await hostile.isOnTheNet('vm')) && (await hostile.isOnTheNet('two')));
      });
    }

    for (const as of ['own', 'plain'] as const)
      test(`a container without NET_ADMIN over the VM cannot change the mode (${as})`, async () => {
        for (const line of [
          'set eth0 type ipvlan mode l3',
          'set eth0 type ipvlan mode l2 private',
          'add link eth0 name n0 type ipvlan mode l3',
        ]) {
          const { code, said } = await hostile.attack(as, `ip link ${line}`);
          assert.notEqual(code, 0, line);
          assert.match(said, /not permitted/i);
        }
        assert.equal(await hostile.modeOf('two'), 'l2 bridge');
      });

    test('a flag that is set through a link that is down is put back at the next look', async () => {
      await hostile.attack('admin', 'sh -c "ip link set eth0 down; ip link set eth0 type ipvlan mode l2 private"');
      assert.equal(await hostile.modeOf('two'), 'l2 private');
      await keeper.look();
      assert.equal(await hostile.modeOf('two'), 'l2 bridge');
      await hostile.attack(
        'admin',
        `sh -c "ip link set eth0 up; ip addr add ${address6('one')}/64 dev eth0 nodad; ip route add default via 10.0.0.1"`,
      );
    });

    test('a container that goes on in a loop is answered a few times alone', async () => {
      const before = await keeper.putBacks();
      await hostile.flipOnAndOn(5000);
      assert.match(await hostile.guest.ok('ip -n one link show eth0'), /alias x5000/, 'all of it was done');
      const putBack = (await keeper.putBacks()) - before;
      say(`5000 flips were put back ${putBack} times`);
      // A guest's command ends within a minute: five at once, then after 1, 2, 4, 8, 16 and 30 s.
      assert.ok(putBack >= 1 && putBack <= 11, `${putBack} times`);
    });

    test('outlives the daemon, and the next one finds it', async () => {
      await keeper.kill();
      for (const as of ['admin', 'own'] as const)
        assert.match((await hostile.attack(as, `ip addr add ${own.v4}/32 dev eth0`)).said, /already assigned/);
      await hostile.attack('admin', 'ip link set eth0 type ipvlan mode l2 private');
      assert.equal((await keeper.start(['one', 'two', 'own'])).adopted, 1);
      assert.equal(await hostile.modeOf('two'), 'l2 bridge');
    });
  });

  describe('what the guard does not keep', () => {
    const spoof = (as: Privilege) =>
      hostile.heard(async () => {
        const { code } = await hostile.guest.run(`ping -c1 ${gateway.v4}`);
        assert.equal(code, 0);
        const mac = (await hostile.guest.ok(`ip neigh show ${gateway.v4} dev eth0`)).split(' ')[2];
        await hostile.send(as, 'udp', address('two'), gateway.v4, mac ?? '');
      });

    for (const as of ['plain', 'own'] as const)
      test(`a sibling's source address leaves the VM (${as})`, async () => {
        assert.equal(await spoof(as), address('two'));
      });

    test("without NET_RAW a container cannot send with a sibling's source address", async () => {
      assert.equal(await spoof('bare'), undefined);
    });

    for (const as of ['plain', 'own'] as const)
      test(`a router advertisement of a container is taken by siblings that accept them, and by none that accepts none (${as})`, async () => {
        assert.deepEqual(await advertise(as, 0, ['vm', 'two']), []);
        assert.deepEqual(await advertise(as, 1, ['two']), ['two']);
      });

    test('broadcasts without end: the VM stays on the net (plain)', async () => {
      const said = await hostile.send('plain', 'flood', '20000', '1400');
      say(`20000 broadcasts of 1400 bytes to 3 slaves: sent and seconds ${said}`);
      assert.ok(await hostile.isOnTheNet('vm'));
    });
  });

  describe('at the end', () => {
    test('goes with the last attachment, and nothing is left', async () => {
      await keeper.attachments(['two']);
      assert.equal(await hostile.guest.ok('ls /run/kuryr/guard | wc -l'), '1\n');
      await hostile.guest.ok('ip netns del one; ip netns del two; kill -9 $(cat /run/own.pid); ip netns del own');
      await keeper.attachments([]);
      await hostile.guest.ok(
        'for n in $(seq 100); do [ -z "$(ls -A /run/kuryr/guard)" ] && exit 0; sleep 0.1; done; ls /run/kuryr/guard; exit 1',
      );
      assert.doesNotMatch(await hostile.guest.ok('cat /proc/mounts'), /kuryr.guard/);
      await hostile.guest.ok('ip link add link eth0 name mv0 type macvlan mode bridge && ip link del mv0');
    });
  });
});
