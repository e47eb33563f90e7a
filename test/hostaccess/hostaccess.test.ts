/** A VM and its own containers reach one another, on a real kernel: rules, neighbours and routes that the daemon's part makes. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { outside, own } from './lone-vm.ts';
import { type Link, Vm, v4, v6 } from './vm.ts';

let vm: Vm;
let untouched: string;
const say = (text: string) => console.log(text);

before(async () => {
  vm = await Vm.boot();
  untouched = await vm.tables();
});
after(() => vm?.[Symbol.asyncDispose]());

const inside = (where: string) => (where === 'vm' ? '' : `ip netns exec ${where}`);

/** Whether ping comes back, two small ones and one of 5000 bytes. */
async function pings(from: string, to: string): Promise<boolean> {
  const { code } = await vm.guest.run(
    `${inside(from)} ping -qc2 -i0.2 -W2 ${to} && ${inside(from)} ping -qc1 -s5000 -W2 ${to}`,
  );
  return code === 0;
}

/** The source that the other end's server sees. */
async function asks(from: string, to: string): Promise<string> {
  const { stdout, stderr } = await vm.guest.run(`${inside(from)} perl /run/ask.pl ${to}`);
  return `${stdout}${stderr}`.trim();
}

async function assertReached(name: string, n: number): Promise<void> {
  for (const [mine, theirs] of [
    [own.v4, v4(n)],
    [own.v6, v6(n)],
  ] as const) {
    assert.ok(await pings('vm', theirs), `ping VM → ${name} ${theirs}`);
    assert.ok(await pings(name, mine), `ping ${name} → VM ${mine}`);
    assert.equal(await asks('vm', theirs), mine, `TCP VM → ${name} ${theirs}`);
    assert.equal(await asks(name, mine), theirs, `TCP ${name} → VM ${mine}`);
  }
}

async function assertOutsideReached(...names: readonly string[]): Promise<void> {
  for (const where of ['vm', ...names])
    for (const address of [outside.v4, outside.v6]) assert.ok(await pings(where, address), `${where} → ${address}`);
}

/** Lines of frames that two addresses have to do with. */
const between = (lines: readonly string[], pairs: readonly (readonly [string, string])[]) =>
  lines.filter(line => pairs.some(pair => pair.every(one => new RegExp(`(?<![\\w:.])${one}(?![\\w:])`).test(line))));

const kinds: Record<string, Link> = {
  'ipvlan l2 bridge': { kind: 'ipvlan', mode: 'l2 bridge' },
  'ipvlan l2 private': { kind: 'ipvlan', mode: 'l2 private' },
  'macvlan bridge': { kind: 'macvlan', mode: 'bridge' },
};

test('without it they do not reach one another', async () => {
  const link = { kind: 'ipvlan', mode: 'l2 bridge' } as const;
  await vm.make('one', 1, link);
  assert.equal(await pings('vm', v4(1)), false);
  assert.equal(await pings('one', own.v4), false);
  await vm.end('one');
});

for (const [title, link] of Object.entries(kinds))
  describe(title, () => {
    const both = { one: { n: 1, link }, two: { n: 2, link } };

    before(async () => {
      await vm.make('one', 1, link);
      await vm.make('two', 2, link);
      assert.equal(await vm.start({ one: both.one }), 'working', await vm.log());
    });

    test('they reach one another by ping and TCP in both families, large packets too, under strict rp_filter', async () => {
      const ms = await vm.serve(both);
      say(`${title}: a further container opened in ${ms.toFixed(2)} ms`);
      await assertReached('one', 1);
      await assertReached('two', 2);
      await assertOutsideReached('one', 'two');
    });

    test('no frame between them leaves the VM, the questions for their addresses neither', async () => {
      await vm.guest.ok('ip -n one neigh flush all; ip -n two neigh flush all');
      const lines = await vm.wire(async () => {
        await assertReached('one', 1);
        assert.ok(await pings('vm', outside.v4));
      });
      assert.ok(
        lines.some(line => line.includes(outside.v4)),
        'it was looked',
      );
      const pairs = [
        [own.v4, v4(1)],
        [own.v6, v6(1)],
      ] as const;
      assert.deepEqual(between(lines, pairs), []);
    });

    test("questions of containers and of the VM for others' addresses leave, those too that end like the VM's", async () => {
      const lines = await vm.wire(async () => {
        await vm.guest.run('ip netns exec one ping -qc1 -W1 fd00::1:0:11; ip netns exec one ping -qc1 -W1 10.0.0.99');
        await vm.guest.run('arping -qUc1 -I eth0 10.0.0.11; arping -qDc1 -w1 -I eth0 10.0.0.11');
      });
      assert.ok(
        lines.some(line => line.includes('who has fd00::1:0:11')),
        lines.join('\n'),
      );
      assert.ok(lines.some(line => line.includes('who-has 10.0.0.99')));
      assert.ok(
        lines.some(line => /who-has 10\.0\.0\.11.* tell 10\.0\.0\.11/.test(line)),
        'its announcement leaves',
      );
      assert.ok(
        lines.some(line => /who-has 10\.0\.0\.11.* tell 0\.0\.0\.0/.test(line)),
        'its own probe leaves',
      );
    });

    test('after a kill, and while nobody runs, it stays; what was lost meanwhile is put back', async () => {
      await vm.kill();
      assert.equal(await asks('one', own.v4), v4(1));
      await vm.guest.ok(
        `ip neigh del ${v4(1)} dev eth0; ip -6 route del ${v6(1)}/128 dev eth0; tc filter del dev eth0 egress pref 62000`,
      );
      assert.equal(await vm.start(both), 'working');
      await assertReached('one', 1);
    });

    test("follows the master's MAC, and is there again after the master was down", async () => {
      for (const mac of ['02:00:00:00:00:77', own.mac]) {
        // This NIC takes another MAC only while it is down.
        await vm.guest.ok(`ip link set eth0 down; ip link set eth0 address ${mac}; ip link set eth0 up
          ip addr add ${own.v6}/64 dev eth0 nodad; ip route add default via ${outside.v4}; ip -6 route add default via ${outside.v6}`);
        // macvlan containers have learned the old one, and would find the new one when that is not answered any more.
        if (link.kind === 'macvlan') await vm.guest.ok('ip -n one neigh flush all; ip -n two neigh flush all');
        await assertReached('one', 1);
        await assertReached('two', 2);
      }
    });

    test('follows addresses that the VM gets and gives up', async () => {
      await vm.guest.ok('ip addr add 10.0.0.111/24 dev eth0; ip addr add fd00::111/64 dev eth0 nodad');
      assert.equal(await asks('one', '10.0.0.111'), v4(1));
      assert.equal(await asks('one', 'fd00::111'), v6(1));
      await vm.guest.ok(
        'ip addr del 10.0.0.111/24 dev eth0; ip addr del fd00::111/64 dev eth0; ip -n one neigh flush all',
      );
      const lines = await vm.wire(async () => {
        assert.notEqual(await asks('one', '10.0.0.111'), v4(1));
      });
      assert.ok(
        lines.some(line => line.includes('who-has 10.0.0.111')),
        'it is a stranger again',
      );
      await assertReached('one', 1);
    });

    test('nothing is left when the last container has gone', async () => {
      await vm.serve({ two: both.two });
      assert.doesNotMatch(await vm.tables(), new RegExp(v4(1).replaceAll('.', '\\.')));
      await assertReached('two', 2);
      await vm.serve({});
      assert.equal(await vm.tables(), untouched);
      await vm.kill();
      await vm.end('one');
      await vm.end('two');
    });
  });

test('a macvlan container in private mode does not find the VM by itself', async () => {
  const link = { kind: 'macvlan', mode: 'private' } as const;
  await vm.make('one', 1, link);
  assert.equal(await vm.start({ one: { n: 1, link } }), 'working');
  assert.equal(await pings('one', own.v4), false);
  await vm.guest.ok(`ip -n one neigh replace ${own.v4} lladdr ${own.mac} dev eth0 nud permanent`);
  assert.ok(await pings('one', own.v4), 'it is the question alone that is kept from the VM');
  await vm.serve({});
  await vm.kill();
  await vm.end('one');
});

test("others' filters, neighbours and routes stay as they are; switched off, it takes its own away", async () => {
  const link = { kind: 'ipvlan', mode: 'l2 bridge' } as const;
  await vm.make('one', 1, link);
  await vm.make('two', 2, link);
  await vm.guest.ok(`tc qdisc add dev eth0 clsact; tc filter add dev eth0 egress protocol ip pref 7 u32 match ip dst 192.0.2.1/32 action drop
    tc filter add dev eth0 ingress protocol ip flower dst_ip 192.0.2.2 action drop
    ip neigh replace ${v4(2)} lladdr 02:00:00:00:00:99 dev eth0 nud permanent; ip route add ${v4(2)}/32 dev eth0`);
  const theirs = await vm.tables();
  assert.equal(await vm.start({ one: { n: 1, link }, two: { n: 2, link } }), 'working');
  await assertReached('one', 1);
  assert.match(await vm.log(), /the neighbour 10\.0\.0\.22 .* is not Kuryr's/);
  assert.match(await vm.tables(), /10\.0\.0\.22 lladdr 02:00:00:00:00:99/);
  await vm.kill();
  assert.equal(await vm.start({ one: { n: 1, link } }, 'off'), 'off');
  const shield = await vm.tables();
  assert.match(shield, /arp_sip 10\.0\.0\.21/, 'what a container forges is dropped all the same');
  assert.doesNotMatch(shield, /mirred|proto 75/);
  await vm.serve({});
  assert.equal(await vm.tables(), theirs);
  await vm.kill();
  await vm.guest.ok(`tc qdisc del dev eth0 clsact; ip neigh del ${v4(2)} dev eth0; ip route del ${v4(2)}/32 dev eth0`);
  await vm.end('one');
  await vm.end('two');
});

test('two hundred containers come and go, and nothing is left', async () => {
  const link = { kind: 'ipvlan', mode: 'l2 bridge' } as const;
  const many = Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`c${n}`, { n, link }]));
  await vm.start({});
  const ms = await vm.serve(many);
  say(`200 containers opened in ${ms.toFixed(0)} ms`);
  assert.equal((await vm.guest.ok('ip neigh show nud permanent dev eth0 | grep -c proto')).trim(), '400');
  const gone = await vm.serve({});
  say(`and closed in ${gone.toFixed(0)} ms`);
  assert.equal(await vm.tables(), untouched);
  await vm.kill();
});
