/** What manages a VM's network leaves Kuryr's links to Kuryr: NetworkManager and cloud-init, the real ones (networkd: home.test.ts). */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import type { Guest } from '../../guest/guest.ts';
import { linkName } from '../../src/link/slave-links.ts';
import type { LoneVm } from '../hostaccess/lone-vm.ts';
import { until } from '../matrix/traffic.ts';
import { managedVm, plug, SECOND_MAC } from './managed-vm.ts';

const say = (line: string): void => console.log(line);
const ours = linkName(0x4b000000);
const link = (name: string, type = 'ipvlan mode l2 bridge'): string =>
  `ip link add link eth0 name ${name} type ${type} && ip link set ${name} up`;

suite('a VM whose network is managed', () => {
  let vm: LoneVm;
  let guest: Guest;

  before(
    async () => {
      vm = await managedVm(say);
      guest = vm.guest;
      await guest.ok('ip netns add c');
    },
    { timeout: 900_000 },
  );
  after(() => vm?.[Symbol.asyncDispose]());

  /** Kuryr's link is a container's, as another has it from the start. */
  const moved = `ip link set ${ours} netns c && ip -n c link set ${ours} up`;
  const log = '/var/log/cloud-init.log';
  /** Waits for a line of cloud-init's, by next to no work: it needs the guest's one CPU itself. */
  const logged = (line: string): string => `grep -qm1 "${line}" <(timeout 50 tail -n +1 -F ${log} 2>/dev/null)`;

  suite('cloud-init, with hotplug', () => {
    test('is not called for links of Kuryr’s names', async () => {
      await guest.ok('cloud-init init && cloud-init devel hotplug-hook -s net enable', 120);
      // What its hook would start is not to run: the links here are nothing that the metadata knows.
      await guest.ok(`mkdir -p /run/cloud-init/share && mkfifo /run/cloud-init/share/hook-hotplug-cmd
        for name in ${ours} kyd01234567 other; do ${link('$name')}; done
        ${moved}; ip -n c link set ${ours} netns 1; ip link del ${ours}
        for name in kyd01234567 other; do ip link del $name; done; udevadm settle; rm /run/cloud-init/share/hook-hotplug-cmd`);
      const called = await guest.ok(`grep -o 'Running.*' /run/cloud-init/hook-hotplug.log`);
      const ways = [...called.matchAll(/net\/(\S+) --udevaction=(\w+)/g)].map(([, name, action]) => [name, action]);
      assert.deepEqual(ways, [
        ['other', 'add'],
        ['other', 'remove'],
      ]);
    });

    test('configures a NIC that is plugged while containers run, and waits for a link that has yet to go into one', async () => {
      const written = '/etc/systemd/network/10-cloud-init-eth1.network';
      const first = await guest.ok('cat /etc/systemd/network/10-cloud-init-eth0.network');
      await guest.ok(`systemctl start cloud-init-hotplugd.socket; ${link(ours)}; : >${log}`);
      await plug(guest);
      await guest.ok(logged(`duplicate mac found.*${ours}`));
      assert.notEqual((await guest.run(`test -e ${written}`)).code, 0);
      await guest.ok(moved);
      await guest.ok(logged('Updating cache'));
      assert.match(await guest.ok(`cat ${written}`), new RegExp(`^MACAddress=${SECOND_MAC}\nName=eth1$`, 'm'));
      assert.equal(await guest.ok('cat /etc/systemd/network/10-cloud-init-eth0.network'), first);
      await guest.ok(`ip -n c link del ${ours}`);
    });
  });

  suite('NetworkManager, which knows the NIC by its MAC', () => {
    /** What it must not touch. */
    const untouched = () =>
      guest.ok(`{ ip address show dev eth0; ip route show dev eth0; ip -6 route show dev eth0; } | grep -v valid_lft
        nmcli -t -f NAME,TYPE,DEVICE connection | sort`);
    const stateOf = async (name: string): Promise<string> =>
      (await guest.run(`nmcli -g GENERAL.STATE,GENERAL.REASON device show ${name}`)).stdout;
    const byConfiguration = /^10 .*\n74 /;

    before(async () => {
      await guest.ok(`systemctl stop systemd-networkd.socket systemd-networkd; ip address flush dev eth0
        install -D -m 600 /root/eth0.nmconnection /etc/NetworkManager/system-connections/eth0.nmconnection
        systemctl start NetworkManager && nm-online -s -t 60`);
      await until('addresses that nobody else has', async () => !(await untouched()).includes('tentative'));
      assert.match(await untouched(), /^cloud-init eth0:802-3-ethernet:eth0$/m);
    });

    for (const type of ['ipvlan mode l2 bridge', 'macvlan mode bridge']) {
      test(`leaves links of Kuryr’s names alone: ${type}`, async () => {
        const before = await untouched();
        // With an address: others are taken for a connection then.
        await guest.ok(`n=1; for name in ${ours} kyd01234567 other; do
          ${link('$name', type)} && ip address add 10.9.9.$((n++))/32 dev $name; done`);
        await until('its connection of the other', async () => /^100 /.test(await stateOf('other')));
        assert.match(await stateOf(ours), byConfiguration);
        assert.match(await stateOf('kyd01234567'), byConfiguration);
        await guest.ok('ip link del other; ip link del kyd01234567');
        await guest.ok(
          `${moved}; ip -n c link set ${ours} netns 1; ip link set ${ours} up; ip address add 10.9.9.1/32 dev ${ours}`,
        );
        await until('the link that is back', async () => byConfiguration.test(await stateOf(ours)));
        await until('the end of the other’s connection', async () => !/^other:/m.test(await untouched()));
        assert.equal(await untouched(), before);
        await guest.ok(`ip link del ${ours}`);
      });
    }
  });
});
