import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, it, type TestContext, test } from 'node:test';
import { cacheFolder } from '../../guest/cache.ts';
import { command } from '../../guest/command.ts';
import { bootGuest } from '../../guest/guest.ts';
import { fetchedKernel, packagedKernel } from '../../guest/kernel.ts';
import { guestRoot } from '../../guest/root.ts';
import type { SandboxRequest, SandboxResult } from './sandbox.ts';

const top = join(import.meta.dirname, '../..');
const say = (line: string): void => console.error(line);
const never = new AbortController().signal;

/** What each run that nothing is wrong with says: one line for each sentence that it measured. */
const measuredLines = [
  /✓ an OpenStack: Keystone and Neutron, in memory, at http:\/\/10\.40\.0\.1:\d+ /,
  /✓ two VMs on its network: va 10\.40\.0\.\d+ and vb 10\.40\.0\.\d+ /,
  /✓ Kuryr in both/,
  /✓ a container in each: web 10\.40\.0\.\d+ in va, db 10\.40\.0\.\d+ in vb/,
  /✓ web → db: 20 of 20 pings came back, [\d.]+ ms on average/,
  /✓ between the VMs themselves: [\d.]+ ms on average/,
  /✓ web pings db with its own address: 5 of 5 arrive/,
  /✓ web pings db as 10\.40\.0\.250, which is not on the VM's port: 0 arrive, the port dropped [5-9] /,
  /✓ web 10\.40\.0\.\d+ .*\n +reserved .*\n +permitted .*\n +linked .*IPVLAN/,
  /✓ db 10\.40\.0\.\d+ .*\n +reserved .*\n +permitted .*\n +linked .*IPVLAN/,
  /Kuryr +[1-9]\d* Mbit\/s +[\d.]+ CPU seconds per GB\n +overlay +[1-9]\d* Mbit\/s +[\d.]+ CPU seconds per GB/,
  /a gigabyte costs [\d.]+ times the CPU through the overlay/,
  /✓ the daemon killed \(-9\) and started again: 60 of 60 pings came back, and it knows web again/,
  /✓ both containers removed: no pair and no reservation is left in the cloud/,
];

function assertShown(code: number | null, output: string): void {
  assert.equal(code, 0, output);
  for (const line of measuredLines) assert.match(output, line);
  assert.doesNotMatch(output, /✗/);
}

function assertNothingLeft({ before, after, processesThen }: SandboxResult): void {
  assert.ok(processesThen > before.processes.length, 'it was seen to run');
  assert.deepEqual(after, before);
}

const ordinary = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];

describe('kuryr demo, its VMs being guests', () => {
  let work: string;

  before(async () => {
    // What a first run fetches is fetched here: a sandbox has no network.
    await fetchedKernel(say);
    for (const kind of ['small', 'docker'] as const) await guestRoot(kind, say);
    work = mkdtempSync(join(tmpdir(), 'kuryr-demo-test-'));
  });
  after(() => rmSync(work, { recursive: true, force: true }));

  it('shows all, as root, and leaves nothing behind', async () => {
    const result = await sandboxed({ command: ['./kuryr', 'demo'] });
    assertShown(result.code, result.output);
    assert.match(result.output, /User-Mode Linux/);
    assertNothingLeft(result);
  });

  it('shows all again, as an ordinary user, and stays to play in', async (context: TestContext) => {
    const refused = await command([...ordinary, 'unshare', '--user', '--map-root-user', '--net', 'true']).catch(String);
    if (refused !== '') return context.skip(`this machine lets no user make namespaces: ${refused}`);
    const stay = [...ordinary, './kuryr', 'demo', '--stay'];
    const result = await sandboxed({ command: stay, input: 'va engine ps\nvb ip netns exec db hostname\nexit\n' });
    assertShown(result.code, result.output);
    assert.match(result.output, /demo> web\t10\.40\.0\.\d+\n/);
    assert.match(result.output, /\nvb\n/);
    assertNothingLeft(result);
  });

  it('shows all with a Docker engine in each VM', async () => {
    const result = await sandboxed({ command: ['./kuryr', 'demo', '--docker'] }, 'docker');
    assertShown(result.code, result.output);
    assert.match(result.output, /✓ a Docker engine in each: \d+\.\d+/);
    assertNothingLeft(result);
  });

  for (const [signal, exit] of [
    ['SIGKILL', null],
    ['SIGINT', 130],
  ] as const) {
    it(`leaves nothing behind when ${signal} ends it`, async () => {
      const end = { after: 'two VMs on its network: ', signal };
      const { code, ...result } = await sandboxed({ command: ['./kuryr', 'demo'], end });
      assert.equal(code, exit, result.output);
      assert.doesNotMatch(result.output, /both containers removed/, 'it was ended before its end');
      assertNothingLeft({ code, ...result });
    });
  }

  for (const [fault, said] of [
    ['filter', /This did not hold: 5 of 5 pings from 10\.40\.0\.250, which the cloud did not permit, reached db/],
    ['pair', /This did not hold: web 10\.40\.0\.\d+ → db 10\.40\.0\.\d+: 0 of 20 pings came back/],
    ['kill', /This did not hold: the daemon was to be killed, and lives/],
  ] as const) {
    it(`turns red with its ${fault} broken`, async () => {
      const { code, output } = await sandboxed({ command: ['./kuryr', 'demo', '--break', fault] });
      assert.equal(code, 3, output);
      assert.match(output, said);
    });
  }

  async function sandboxed(
    request: Omit<SandboxRequest, 'env' | 'folders'>,
    kind: 'small' | 'docker' = 'small',
  ): Promise<SandboxResult> {
    const root = basename(await guestRoot(kind, say));
    // The fetched parts are copied, so that they are the ordinary user's own, as on a machine of theirs.
    const setUp = `mount -t tmpfs tmpfs /run; mount -t tmpfs -o mode=755 tmpfs ${work}; cd ${work}; mkdir checkout
      mkdir -m 1777 home home/tmp
      ${ordinary.join(' ')} mkdir -p home/cache/kuryr/kernels home/cache/kuryr/roots
      for at in kernels/forky roots/${root}; do cp -r ${cacheFolder()}/$at home/cache/kuryr/$(dirname $at); done
      chown -R 65534:65534 home/cache; mount --bind ${top} checkout; cd checkout
      ${process.execPath} ${join(import.meta.dirname, 'sandbox.ts')} "$1"`;
    const home = join(work, 'home');
    const whole: SandboxRequest = {
      ...request,
      env: { HOME: home, XDG_CACHE_HOME: join(home, 'cache'), TMPDIR: join(home, 'tmp') },
      folders: [home, '/run'],
    };
    const namespaces = ['--mount', '--pid', '--net', '--fork', '--kill-child', '--mount-proc'];
    const child = spawn('unshare', [...namespaces, '--', 'sh', '-ec', setUp, '-', JSON.stringify(whole)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    return JSON.parse(await text(child.stdout)) as SandboxResult;
  }
});

describe('kuryr demo, its VMs being namespaces', () => {
  it('shows all on a kernel that has ipvlan', async () => {
    const mounts = [{ host: top, guest: '/opt/checkout' }];
    const [tree, kernel] = [await guestRoot('small', say), packagedKernel(await fetchedKernel(say))];
    await using guest = await bootGuest({ name: 'machine', tree, kernel, nics: [], mounts, pin: 0 }, never);
    const node = `node_modules/node-linux-${process.arch}/bin/node`;
    const { code, stdout, stderr } = await guest.run(`cd /opt/checkout && ${node} src/cli/main.ts demo`, 240);
    assertShown(code, stdout + stderr);
    assert.match(stdout, /namespaces of this machine/);
    assert.equal(await guest.ok('ip -br link | grep -v ^lo; ls -A /run/netns; pgrep -a node; true'), '');
  });
});

test('kuryr demo says what to do where users may not make namespaces', async t => {
  const work = mkdtempSync(join(tmpdir(), 'kuryr-demo-test-'));
  t.after(() => rmSync(work, { recursive: true, force: true }));
  // An ordinary user may not be let into the folder that the checkout is in.
  const seen = `mount -t tmpfs -o mode=755 tmpfs ${work}; mkdir ${work}/checkout; mount --bind ${top} ${work}/checkout
    cd ${work}/checkout; exec "$@"`;
  // In a user namespace of the test's, so that the limit is nobody else's.
  const forbid = `echo 0 >/proc/sys/user/max_user_namespaces; exec ${ordinary.join(' ')} ./kuryr demo`;
  // A program that begins before its user is mapped has no rights.
  const begin = 'echo there; read mapped; exec sh -c "$0"';
  const inUserNamespace = ['unshare', '--user', 'sh', '-c', begin, forbid];
  const child = spawn('unshare', ['--mount', '--', 'sh', '-ec', seen, '-', ...inUserNamespace]);
  await once(child.stdout, 'data');
  for (const map of ['uid_map', 'gid_map']) writeFileSync(`/proc/${child.pid}/${map}`, '0 0 65536');
  child.stdin.end('\n');
  const [said, [code]] = await Promise.all([text(child.stderr), once(child, 'close')]);
  assert.equal(code, 1, said);
  assert.match(said, /does not let this user make namespaces.*\n.*Run it as root.*\[DEMO_NAMESPACES_REFUSED\]/s);
});
