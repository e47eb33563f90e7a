/** Hostile containers in a VM of their own: what they can do to the VM and to one another, with the guard and without. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { bootGuest, type Guest } from '../../guest/guest.ts';
import { guestKernel } from '../lab/guest/kernel.ts';
import { ensureTree } from '../lab/tree/tree.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const netns = `kuryr-hg-${process.pid}`;
const say = (text: string) => console.log(text);
const needed = ['src', 'test/hostaccess', 'node_modules/koffi', 'node_modules/@koromix', 'node_modules/ipaddr.js'];

/** The VM, its gateway and one more machine on the network; containers `one` and `two`, and `own` in a user namespace. */
const vm = { v4: '10.0.0.11', v6: 'fd00::11', mac: '02:00:00:00:00:01' };
const gateway = { v4: '10.0.0.1', v6: 'fd00::1' };
const containers = { one: 1, two: 2, own: 3 } as const;
type Name = keyof typeof containers;
const address = (name: Name) => `10.0.0.2${containers[name]}`;
const address6 = (name: Name) => `fd00::2${containers[name]}`;

const frames = 'python3 /kuryr/test/hostaccess/frames.py';

/** What a container may: `admin` has NET_ADMIN, `plain` has Docker's default (NET_RAW, not NET_ADMIN), `own` all in a user namespace. */
const enter = {
  admin: 'ip netns exec one',
  plain: 'ip netns exec one setpriv --bounding-set -net_admin',
  own: 'nsenter -t $(cat /run/own.pid) -U -n',
  bare: 'ip netns exec one setpriv --bounding-set -net_admin,-net_raw',
} as const;

let guest: Guest;
let log = 0;

/** What a container's command came to; never rejects. */
async function attack(as: keyof typeof enter, line: string) {
  const { code, stdout, stderr } = await guest.run(`${enter[as]} ${line}`);
  return { code, said: `${stdout}${stderr}`.trim() };
}

/** Whether the gateway's answer comes back to an address, of the VM or of a container. */
async function reaches(where: Name | 'vm', family: 4 | 6): Promise<boolean> {
  const target = family === 4 ? gateway.v4 : gateway.v6;
  const inside = where === 'vm' ? '' : `ip netns exec ${where}`;
  return (await guest.run(`${inside} ping -c1 -W1 ${target}`)).code === 0;
}

async function isOnTheNet(where: Name | 'vm'): Promise<boolean> {
  return (await reaches(where, 4)) && (await reaches(where, 6));
}

/** Runs the guards in the guest, until killed. @returns what they said when they stood */
async function keep(names: readonly Name[]): Promise<{ adopted: number; ms: number }> {
  await list(names);
  await guest.ok(`cd /kuryr && : >/run/keeper.log
    setsid /kuryr-node/node test/hostaccess/daemon.ts /run/attachments.json /run/kuryr/guard >/run/keeper.log 2>&1 </dev/null & echo $! >/run/keeper.pid`);
  log = 0;
  return (await told(line => line['ready'] === true)) as { adopted: number; ms: number };
}

/** The attachments that the guards know of from now on. */
async function list(names: readonly Name[]): Promise<void> {
  const attachments = names.map(name => ({
    ...{ id: name, vmPort: 'vm-port', spec: { kind: 'ipvlan', mode: 'l2', flag: 'bridge' } },
    ...{ sandbox: `/run/netns/${name}`, addresses: [address(name), address6(name)] },
  }));
  await guest.ok(`cat >/run/attachments.json <<'EOT'\n${JSON.stringify(attachments)}\nEOT`);
}

/** The next line of the guards' that fits, passed lines being over. */
async function told(fits: (line: Record<string, unknown>) => boolean, timeoutS = 20): Promise<Record<string, unknown>> {
  const end = performance.now() + timeoutS * 1000;
  for (;;) {
    const lines = (await guest.ok('cat /run/keeper.log')).split('\n').slice(0, -1);
    for (; log < lines.length; log++) {
      const text = lines[log] ?? '';
      const line = text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : {};
      if (!fits(line)) continue;
      log++;
      return line;
    }
    assert.ok(performance.now() < end, `not told in ${timeoutS} s:\n${lines.join('\n')}`);
  }
}

const tell = (signal: string) => guest.ok(`kill -${signal} $(cat /run/keeper.pid)`);
const endKeeper = () =>
  guest.run('kill -9 $(cat /run/keeper.pid); while kill -0 $(cat /run/keeper.pid) 2>/dev/null; do :; done');
const modeOf = async (name: Name) =>
  /ipvlan +mode (\w+ \w+)/.exec(await guest.ok(`ip -n ${name} -d link show eth0`))?.[1];

before(async () => {
  execFileSync('sh', [
    '-ec',
    `ip netns add ${netns}; ip -n ${netns} link add br0 type bridge forward_delay 0 mcast_snooping 0
    ip netns exec ${netns} ip tuntap add dev ta mode tap vnet_hdr; ip -n ${netns} link set ta master br0 up
    ip -n ${netns} addr add ${gateway.v4}/24 dev br0; ip -n ${netns} addr add ${gateway.v6}/64 dev br0 nodad; ip -n ${netns} link set br0 up`,
  ]);
  const tree = await ensureTree('bookworm', say);
  const mounts = [
    ...needed.map(name => ({ host: path.join(root, name), guest: `/kuryr/${name}` })),
    { host: path.dirname(process.execPath), guest: '/kuryr-node' },
  ];
  const nic = { tap: 'ta', mac: vm.mac, ips: [`${vm.v4}/24`, `${vm.v6}/64`], gateways: [gateway.v4, gateway.v6] };
  const options = { name: 'vm', netns, tree, kernel: await guestKernel(say), nics: [nic], mounts, pin: 1 };
  guest = await bootGuest(options, AbortSignal.timeout(120_000));
  say(`booted ${guest.release} in ${Math.round(guest.bootMs)} ms`);
  await guest.ok(`echo '{"type":"module"}' >/kuryr/package.json
    unshare -Urn sleep 100000 & echo $! >/run/own.pid
    ip netns add one; ip netns add two; sleep 0.2; ip netns attach own $(cat /run/own.pid)
    n=0; for c in one two own; do n=$((n+1))
      ip link add link eth0 name ky$n index $((0x4b000000+n)) type ipvlan mode l2 bridge; ip link set ky$n netns $c name eth0
      ip netns exec $c sh -c 'echo 1 >/proc/sys/net/ipv6/conf/eth0/addr_gen_mode; echo 0 >/proc/sys/net/ipv6/conf/eth0/accept_ra'
      ip -n $c link set lo up; ip -n $c addr add 10.0.0.2$n/24 dev eth0; ip -n $c addr add fd00::2$n/64 dev eth0 nodad; ip -n $c link set eth0 up
      ip -n $c route add default via 10.0.0.1; ip -n $c -6 route add default via fd00::1; done`);
});

after(async () => {
  await guest?.kill();
  execFileSync('ip', ['netns', 'delete', netns]);
});

describe('without a guard', () => {
  for (const as of ['admin', 'own'] as const)
    test(`a container takes the VM off the net by taking its address (${as})`, async () => {
      assert.ok(await isOnTheNet('vm'));
      assert.deepEqual(await attack(as, `ip addr add ${vm.v4}/32 dev eth0`), { code: 0, said: '' });
      assert.equal(await reaches('vm', 4), false);
      await attack(as, `ip addr del ${vm.v4}/32 dev eth0`);
      assert.ok(await isOnTheNet('vm'));
    });

  test('a container changes the mode of all, and it stays so', async () => {
    assert.equal((await attack('admin', 'ip link set eth0 type ipvlan mode l2 private')).code, 0);
    assert.equal(await modeOf('two'), 'l2 private');
    await attack('admin', 'ip link set eth0 type ipvlan mode l2 bridge');
  });
});

describe('with the guard', () => {
  before(async () => {
    const { ms } = await keep(['one', 'two', 'own']);
    say(`the guard stood after ${ms.toFixed(1)} ms`);
  });

  const refusals = { admin: /already assigned/, own: /already assigned/, plain: /not permitted/i } as const;
  for (const as of ['admin', 'own', 'plain'] as const) {
    test(`no container can take an address of the VM, a gateway or a sibling (${as})`, async () => {
      const local = (await guest.ok('ip -6 -br addr show dev eth0 scope link')).trim().split(/\s+/)[2]?.split('/')[0];
      const reserved = [vm.v4, vm.v6, local ?? '', gateway.v4, gateway.v6, address('two'), address6('two')];
      for (const each of reserved) {
        const bits = each.includes(':') ? 128 : 32;
        const { code, said } = await attack(as, `ip addr add ${each}/${bits} dev eth0`);
        assert.notEqual(code, 0, `${each} was taken`);
        assert.match(said, refusals[as], each);
      }
      assert.ok(await isOnTheNet('vm'));
      assert.ok(await isOnTheNet('two'));
    });
  }

  test('an address that the VM gets later is kept too, and one that it gives up is free', async () => {
    await guest.ok('ip addr add 10.0.0.99/24 dev eth0');
    await tell('USR1');
    await told(({ done }) => done === 'usr1');
    assert.match((await attack('admin', 'ip addr add 10.0.0.99/32 dev eth0')).said, /already assigned/);
    await guest.ok('ip addr del 10.0.0.99/24 dev eth0');
    await tell('USR1');
    await told(({ done }) => done === 'usr1');
    assert.equal(
      (await attack('admin', 'ip addr add 10.0.0.99/32 dev eth0; ip -n one addr del 10.0.0.99/32 dev eth0')).code,
      0,
    );
  });

  for (const [how, line] of [
    ['mode', 'ip link set eth0 type ipvlan mode l3'],
    ['flag', 'ip link set eth0 type ipvlan mode l2 private'],
    ['a link on its link', 'ip link add link eth0 name n0 type ipvlan mode l2 vepa'],
  ] as const) {
    test(`what a container with NET_ADMIN changes of all is put back within a second, and told: ${how}`, async () => {
      const from = performance.now();
      assert.equal((await attack('admin', line)).code, 0);
      const warning = await told(({ code }) => code === 'MASTER_FLIPPED');
      const ms = performance.now() - from;
      say(`${how}: put back and told ${Math.round(ms)} ms after the container was asked to`);
      assert.ok(ms < 1000 || process.env['KURYR_LAB_KERNEL'] === 'bookworm', `${ms} ms`);
      assert.equal(warning['attachment'], 'one');
      for (const name of ['one', 'two'] as const) assert.equal(await modeOf(name), 'l2 bridge');
      await guest.run('ip -n one link del n0');
      assert.ok((await isOnTheNet('vm')) && (await isOnTheNet('two')));
    });
  }

  for (const as of ['own', 'plain'] as const)
    test(`a container without NET_ADMIN over the VM cannot change the mode (${as})`, async () => {
      for (const line of [
        'set eth0 type ipvlan mode l3',
        'set eth0 type ipvlan mode l2 private',
        'add link eth0 name n0 type ipvlan mode l3',
      ]) {
        const { code, said } = await attack(as, `ip link ${line}`);
        assert.notEqual(code, 0, line);
        assert.match(said, /not permitted/i);
      }
      assert.equal(await modeOf('two'), 'l2 bridge');
    });

  test('a flag that is set through a link that is down is put back at the next look', async () => {
    await attack('admin', 'sh -c "ip link set eth0 down; ip link set eth0 type ipvlan mode l2 private"');
    await tell('USR1');
    await told(({ code }) => code === 'MASTER_FLIPPED');
    assert.equal(await modeOf('two'), 'l2 bridge');
    await attack(
      'admin',
      `sh -c "ip link set eth0 up; ip addr add ${address6('one')}/64 dev eth0 nodad; ip route add default via 10.0.0.1"`,
    );
  });

  test('a container that goes on in a loop cannot keep the daemon busy', async () => {
    await tell('USR1');
    const before = (await told(({ done }) => done === 'usr1'))['cpu'] as NodeJS.CpuUsage;
    const loop = `end=$((SECONDS+6)); n=0; while [ $SECONDS -lt $end ]; do n=$((n+1))
      echo "link set eth0 type ipvlan mode l2 private"; echo "link set eth0 alias x$n"; done`;
    await guest.ok(`${loop} | ${enter.admin} ip -batch -`);
    const times = Number(/alias x(\d+)/.exec(await guest.ok('ip -n one link show eth0'))?.[1]);
    assert.ok(times > 1000, `${times} times only`);
    await tell('USR1');
    const after = (await told(({ done }) => done === 'usr1'))['cpu'] as NodeJS.CpuUsage;
    const ms = (after.user - before.user + after.system - before.system) / 1000;
    say(`${times} flips and ${times} other changes in 6 s cost the daemon ${Math.round(ms)} ms of CPU`);
    assert.ok(ms < 1500, `${ms} ms`);
    await told(({ said }) => /let stand for \d+ s/.test(String(said)), 5).catch(() => undefined);
  });

  test('outlives the daemon, and the next one finds it', async () => {
    await endKeeper();
    for (const as of ['admin', 'own'] as const)
      assert.match((await attack(as, `ip addr add ${vm.v4}/32 dev eth0`)).said, /already assigned/);
    await attack('admin', 'ip link set eth0 type ipvlan mode l2 private');
    assert.equal((await keep(['one', 'two', 'own'])).adopted, 1);
    assert.equal(await modeOf('two'), 'l2 bridge');
  });
});

describe('what the guard does not keep', () => {
  const spoof = (as: keyof typeof enter) =>
    heard(async () => {
      const { code } = await guest.run(`ping -c1 ${gateway.v4}`);
      assert.equal(code, 0);
      const mac = (await guest.ok(`ip neigh show ${gateway.v4} dev eth0`)).split(' ')[2];
      await attack(as, `${frames} udp ${address('two')} ${gateway.v4} ${mac}`);
    });

  for (const as of ['plain', 'own'] as const)
    test(`a sibling's source address leaves the VM (${as})`, async () => {
      assert.equal(await spoof(as), address('two'));
    });

  test("without NET_RAW a container cannot send with a sibling's source address", async () => {
    assert.equal(await spoof('bare'), undefined);
  });

  for (const as of ['plain', 'own'] as const) {
    test(`a router advertisement: siblings take none; the VM takes one that is sent to it where it accepts them (${as})`, async () => {
      const routes = async (name: string) => (await guest.ok(`ip ${name} -6 route show default`)).includes('fe80::bad');
      const send = (prefix: string, mac: string, target: string) =>
        attack(as, `${frames} ra ${prefix} ${mac} ${target}`);
      for (const accept of [0, 1]) {
        await guest.ok(
          `echo ${accept} >/proc/sys/net/ipv6/conf/eth0/accept_ra; ip -6 route flush default; ip -6 route add default via ${gateway.v6}`,
        );
        await send('fdba:d::', 'all', 'ff02::1');
        await send('fdba:d::', 'vm', 'ff02::1');
        await guest.ok('sleep 0.3');
        assert.equal(await routes(''), accept === 1);
        for (const name of ['one', 'two', 'own']) assert.equal(await routes(`-n ${name}`), false, name);
      }
      await guest.ok(
        `echo 0 >/proc/sys/net/ipv6/conf/eth0/accept_ra; ip -6 route flush default; ip -6 route add default via ${gateway.v6}; ip -6 addr show dev eth0 | grep -o 'fdba[^ ]*' | while read a; do ip addr del $a dev eth0; done`,
      );
    });
  }

  /** Whether the VM takes a container's word for where its gateway is. */
  const deceive = async (as: keyof typeof enter): Promise<boolean> => {
    // A neighbour that was heard of within the last second is not changed (net/ipv4/arp.c).
    await guest.ok(`ping -c1 -W2 ${gateway.v4}; sleep 1.5`);
    await attack(as, `${frames} arp ${gateway.v4} 02:ba:d0:00:00:01 ${vm.v4}`);
    const shown = await guest.ok(`ip neigh show ${gateway.v4} dev eth0`);
    await guest.ok(`ip neigh flush dev eth0; ping -c1 -W2 ${gateway.v4}`);
    return shown.includes('02:ba:d0');
  };

  for (const as of ['plain', 'own'] as const)
    test(`the VM believes an ARP answer in the gateway's name (${as})`, async () => {
      assert.equal(await deceive(as), true);
    });

  test("without NET_RAW a container cannot answer in the gateway's name", async () => {
    assert.equal(await deceive('bare'), false);
  });

  test('broadcasts without end: the VM stays on the net (plain)', async () => {
    const flood = attack('plain', `${frames} flood 20000 1400`);
    const { said } = await flood;
    say(`20000 broadcasts of 1400 bytes to 3 slaves: sent and seconds ${said}`);
    assert.ok(await isOnTheNet('vm'));
  });
});

describe('at the end', () => {
  test('goes with the last attachment, and nothing is left', async () => {
    await list(['two']);
    await tell('HUP');
    await told(({ done }) => done === 'hup');
    await list([]);
    await guest.ok('ip netns del one; ip netns del two; kill -9 $(cat /run/own.pid); ip netns del own');
    await tell('HUP');
    await guest.ok(
      'for n in $(seq 100); do [ -z "$(ls -A /run/kuryr/guard)" ] && exit 0; sleep 0.1; done; ls /run/kuryr/guard; exit 1',
    );
    assert.doesNotMatch(await guest.ok('cat /proc/mounts'), /kuryr.guard/);
    await guest.ok('ip link add link eth0 name mv0 type macvlan mode bridge && ip link del mv0');
  });
});

/** The source of the datagram that comes to the gateway's port 4000 while something is done; undefined when none does. */
async function heard(act: () => Promise<unknown>): Promise<string | undefined> {
  const script = `import { createSocket } from 'node:dgram';
    const socket = createSocket('udp4', (_, { address }) => { console.log(address); process.exit(); });
    socket.bind(4000, '${gateway.v4}', () => console.log('listening'));`;
  const args = ['netns', 'exec', netns, process.execPath, '--input-type=module', '-e', script];
  const listener = spawn('ip', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let out = '';
  const began = Promise.withResolvers<void>();
  listener.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    out += chunk;
    began.resolve();
  });
  const ended = once(listener, 'close');
  await began.promise;
  await act();
  const late = setTimeout(() => listener.kill(), 1000);
  await ended;
  clearTimeout(late);
  return out.split('\n')[1] || undefined;
}
