/**
 * Kuryr as a user has it at home: a VM with systemd and its distribution's Docker, the Debian package, the least
 * credential, a real OVN. The VM is reset, rebooted and upgraded, and Kuryr leaves it. The tests go on from one another.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, afterEach, before, suite, type TestContext, test } from 'node:test';
import { linkName } from '../../src/link/slave-links.ts';
import { Lab } from '../lab/lab.ts';
import { assertNothingLeft } from '../lab/nothing-left.ts';
import { treePath } from '../lab/tree/tree.ts';
import type { Container, Vm } from '../lab/vm.ts';
import { until } from '../matrix/traffic.ts';
import { giveCredential } from './credential.ts';
import { followFirstVm } from './first-vm.ts';
import { makePackages, npmFolder, type Packages } from './packages.ts';
import { differences, type Snapshot, snapshot } from './snapshot.ts';
import { underTraffic } from './traffic.ts';

const top = join(import.meta.dirname, '../..');
const say = (line: string): void => console.log(line);
const guided = { timeout: 900_000 };
/** In the VM, with Node and npm: a project, and all that npm keeps. */
const project = '/run/project';
const inProject = (program: 'npm' | 'npx', args: string): string =>
  `cd ${project} && HOME=${project} PATH=/media/node/bin:$PATH node /media/npm/bin/${program}-cli.js ${args}`;
/** Debian's release, and how it calls compose. Another than trixie is a run by hand. */
const [tree, compose] =
  process.env['KURYR_HOME_RELEASE'] === 'bookworm'
    ? (['home-bookworm', 'docker-compose'] as const)
    : (['trixie', 'docker compose'] as const);
const FIXED = { v4: '10.30.0.50', v6: 'fd30::50' };

suite('Kuryr on a VM with systemd and the distribution’s Docker', () => {
  const ending = new AbortController();
  let packages: Packages;
  let lab: Lab;
  let vm: Vm;
  let peer: Vm;
  let clean: Snapshot;

  before(
    async () => {
      packages = await makePackages(say);
      lab = await Lab.up({ backend: 'ovn', engine: tree, say, signal: ending.signal });
      const mounts = [
        { host: packages.folder, guest: '/media/packages' },
        { host: await npmFolder(), guest: '/media/npm' },
        { host: join(top, 'node_modules', `node-linux-${process.arch}`), guest: '/media/node' },
      ];
      [vm, peer] = await lab.addVms(
        { name: 'first', host: 'h1', home: { mounts } },
        { name: 'second', host: 'h2', home: {} },
      );
    },
    { timeout: 1_200_000 },
  );
  after(async () => {
    ending.abort();
    await lab?.down();
    await packages?.remove();
  });
  afterEach(async context => {
    if ((context as TestContext).passed || vm === undefined) return;
    const units = ['kuryr', 'kuryr.socket', 'docker', 'systemd-networkd'].map(unit => `-u ${unit}`).join(' ');
    say((await vm.run(`journalctl -b --no-pager -o short-monotonic -n 60 ${units} | cut -c 1-300`)).stdout);
  });

  const named = (name: string): Promise<Container> => vm.inspect(name, 'lan');
  const answers = async (container: Container): Promise<void> => {
    await peer.ok(`ping -c 1 -w 30 ${container.v4} && ping -c 1 -w 30 ${container.v6}`, 90);
  };

  /** The two containers run, on addresses that pass, and nothing but theirs is in Neutron and on the VM. */
  async function asTheyWere(): Promise<void> {
    const containers = await Promise.all(['fixed', 'free'].map(named));
    assert.deepEqual({ v4: containers[0]?.v4, v6: containers[0]?.v6 }, FIXED);
    for (const container of containers) await answers(container);
    const wanted = containers.flatMap(({ v4, v6 }) => [v4, v6]).sort();
    await until('no reservation and no pair but those of the two', async () => {
      const { ports } = await lab.cloud.ok('GET', `/ports?device_id=kuryr:${vm.port.id}`);
      const { port } = await lab.cloud.ok('GET', `/ports/${vm.port.id}`);
      const held = (ports as { fixed_ips: { ip_address: string }[] }[]).flatMap(each => each.fixed_ips);
      const told = [held, port.allowed_address_pairs as { ip_address: string }[]].map(list =>
        list.map(({ ip_address }) => ip_address).sort(),
      );
      return told.every(list => list.join() === wanted.join()) || undefined;
    });
    assert.equal(await vm.ok("ip -o link | grep -cE ': ky' || true"), '0', 'a link is left in the namespace of the VM');
  }

  /** Docker met the plug-in at its first try, whenever it started in this boot. */
  async function dockerNeverWaited(): Promise<void> {
    const log = await vm.ok('journalctl -b -u docker --no-pager -o cat');
    assert.match(log, /Loading containers: done/);
    assert.doesNotMatch(log, /[Uu]nable to (locate|connect to) plugin/);
  }

  // docs/guides/first-vm.md
  test('the guide to the first VM ends with three services that are reached from everywhere', guided, async () => {
    for (const each of [vm, peer]) await each.ok('docker tag bb busybox', 60);
    clean = await snapshot(vm, treePath(tree));
    const printed = await followFirstVm(lab, { first: vm, second: peer }, compose, ending.signal);
    for (const [heading, text] of printed) say(`--- ${heading}\n${text}`);
    const reached = printed.get('7. From everywhere')?.split('\n') ?? [];
    const count = (service: string) => reached.filter(line => line === `this is ${service}`).length;
    // By the VM in two families, web by the other VM's container in two, and store by its sibling.
    assert.deepEqual({ web: count('web'), app: count('app'), store: count('store') }, { web: 4, app: 2, store: 3 });
    assert.equal(printed.get('6. Three services')?.match(/ reachable\b/g)?.length, 6, 'three, in two families');
    for (const each of [vm, peer]) await assertNothingLeft(lab.cloud, each.port.id);
  });

  test('the package installs, and is no burden without a credential', { timeout: 300_000 }, async () => {
    await vm.ok(`dpkg -i /media/packages/${packages.current}`, 180);
    await vm.running();
    assert.equal(await vm.ok('systemctl is-enabled kuryr.socket kuryr.service'), 'enabled\nenabled');
    assert.equal(await vm.ok('systemctl is-active kuryr.service || true'), 'inactive');
  });

  test('networkd, which knows the NIC by its MAC, leaves links of Kuryr’s names alone', async () => {
    const states = async (): Promise<Record<string, string>> => {
      const list = JSON.parse(await vm.ok('networkctl list --json=short')).Interfaces as Record<string, string>[];
      return Object.fromEntries(list.map(({ Name, AdministrativeState }) => [Name, AdministrativeState ?? '']));
    };
    await vm.ok(`for name in ${linkName(0x4b000000)} other; do
      ip link add link eth0 name $name type ipvlan mode l2 bridge && ip link set $name up; done`);
    const seen = await until('what networkd makes of both', async () => {
      const { [linkName(0x4b000000)]: own = 'pending', other = 'pending' } = await states();
      return own !== 'pending' && other !== 'pending' && { own, other };
    });
    await vm.ok(`ip link del other; ip link del ${linkName(0x4b000000)}`);
    assert.equal(seen.own, 'unmanaged');
    assert.notEqual(seen.other, 'unmanaged', 'it would take one of any other name');
  });

  test('with the least credential the service is up, and its units are good', { timeout: 300_000 }, async () => {
    await giveCredential(lab.cloud, vm);
    await vm.ok('systemctl start kuryr.service', 90);
    await vm.running();
    // the VM has no man, which verify would ask for the pages that the units name
    const verified = await vm.run('systemd-analyze verify --man=no kuryr.service kuryr.socket');
    assert.deepEqual([verified.code, verified.stdout, verified.stderr], [0, '', '']);
    say(await vm.ok('systemd-analyze security --no-pager kuryr.service | tail -n 1'));
    await vm.ok('kuryr network create lan --ipv6', 60);
    const flags = `--restart always --ip ${FIXED.v4} --ip6 ${FIXED.v6}`;
    await answers(await vm.container('fixed', 'lan', flags));
    await answers(await vm.container('free', 'lan', '--restart always'));
    await asTheyWere();
  });

  test('the plug is pulled: containers are back on addresses that pass, and nothing has leaked', async () => {
    await vm.ok('sync');
    await vm.reset();
    await asTheyWere();
    await dockerNeverWaited();
  });

  test('the VM is rebooted: containers are back on addresses that pass, and nothing has leaked', async () => {
    const ms = await vm.reboot();
    say(`all had ended after ${(ms / 1000).toFixed(1)} s`);
    await asTheyWere();
    await dockerNeverWaited();
  });

  for (const [what, file] of [
    ['an upgrade', 'next'],
    ['a downgrade', 'current'],
  ] as const) {
    test(`${what} under traffic loses no packet and no plug-in request`, { timeout: 600_000 }, async () => {
      const before = await vm.ok('systemctl show -P MainPID kuryr.service');
      const passed = await underTraffic(peer, await named('fixed'), async () => {
        await vm.ok(`dpkg -i /media/packages/${packages[file]}`, 300);
        await vm.ok('kuryr status');
      });
      say(`${what}: ${JSON.stringify(passed)}`);
      assert.notEqual(await vm.ok('systemctl show -P MainPID kuryr.service'), before);
      assert.equal(await vm.ok('dpkg-query -W kuryr | cut -f 2'), packages.versions[file]);
      await asTheyWere();
      await dockerNeverWaited();
    });
  }

  test('purged, it leaves the VM as it was', { timeout: 300_000 }, async () => {
    await vm.remove('fixed', 'free');
    await vm.ok('docker network rm lan', 60);
    await vm.ok('dpkg -P kuryr', 120);
    await assertNothingLeft(lab.cloud, vm.port.id);
    assert.deepEqual(differences(clean, await snapshot(vm, treePath(tree))), []);
  });

  // docs/guides/packages.md, "npm"
  test('with Node alone, npx runs the doctor of the npm package', { timeout: 300_000 }, async () => {
    await giveCredential(lab.cloud, vm);
    await vm.ok(`mkdir ${project} && ${inProject('npm', `install --offline /media/packages/${packages.npm}`)}`, 180);
    const { code, stdout, stderr } = await vm.run(inProject('npx', 'kuryr doctor'), 90);
    say(stdout);
    assert.deepEqual([code, stderr], [0, '']);
  });

  test('installed by npx and uninstalled by its own command, it leaves the VM as it was', {
    timeout: 300_000,
  }, async () => {
    await vm.ok(`${inProject('npx', 'kuryr install')} && rm -r ${project}`, 180);
    await vm.running();
    await vm.ok('kuryr network create lan --ipv6', 60);
    await answers(await vm.container('one', 'lan'));
    await vm.remove('one');
    await vm.ok('docker network rm lan', 60);
    await vm.ok('kuryr uninstall --purge', 120);
    await assertNothingLeft(lab.cloud, vm.port.id);
    assert.deepEqual(differences(clean, await snapshot(vm, treePath(tree))), []);
  });
});
