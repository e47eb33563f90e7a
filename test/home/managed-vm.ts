import type { Guest } from '../../guest/guest.ts';
import type { Say } from '../../guest/say.ts';
import { layout } from '../../src/install/layout.ts';
import { packagePlace } from '../../src/install/place.ts';
import { LoneVm, outside, own } from '../hostaccess/lone-vm.ts';
import { ensureLayer } from '../lab/tree/layer.ts';

const METADATA = '/srv/openstack/latest';

/** The MAC of a second NIC that is plugged later. */
export const SECOND_MAC = 'fa:16:3e:00:00:02';

/** What Nova's metadata service says of the VM's network; each NIC is on one of its own. */
const networkData = (...macs: readonly string[]): string =>
  JSON.stringify({
    links: macs.map((mac, n) => ({ id: `tap${n}`, vif_id: `v${n}`, type: 'ovs', ethernet_mac_address: mac })),
    networks: macs.map((_, n) => ({
      ...{ id: `network${n}`, type: 'ipv4', link: `tap${n}`, network_id: `n${n}`, netmask: '255.255.255.0' },
      ...(n === 0
        ? { ip_address: own.v4, routes: [{ network: '0.0.0.0', netmask: '0.0.0.0', gateway: outside.v4 }] }
        : { ip_address: `10.${n}.0.11`, routes: [] }),
    })),
    services: [],
  });

/** Nova plugs a second NIC: its metadata tells of it, and the link comes. */
export async function plug(guest: Guest): Promise<void> {
  await write(guest, `${METADATA}/network_data.json`, networkData(own.mac, SECOND_MAC));
  await guest.ok(`ip link add eth1 address ${SECOND_MAC} type dummy`);
}

/** What is not tried of cloud-init: all but the network. */
const cloudConfig = `datasource_list: [OpenStack]
updates: {network: {when: [boot, hotplug]}}
system_info: {network: {renderers: [networkd], activators: [networkd]}}
cloud_init_modules: []
`;

const profile = `[connection]
id=cloud-init eth0
uuid=1dd9a779-d327-56e1-8454-c65e2556c12c
type=ethernet

[ethernet]
mac-address=${own.mac}

[ipv4]
method=manual
address1=${own.v4}/24
gateway=${outside.v4}

[ipv6]
method=manual
address1=${own.v6}/64
gateway=${outside.v6}
`;

/** What of an installation is there for network managers, as the Debian package puts it. */
const snippets = layout(packagePlace, 'x64').filter(
  entry => entry.kind === 'text' && /\/(udev|NetworkManager|systemd\/network)\//.test(entry.path),
);

/** A VM with NetworkManager and cloud-init beside networkd, which has the NIC; and with what Kuryr's package has for them. */
export async function managedVm(say: Say): Promise<LoneVm> {
  const vm = await LoneVm.boot({ home: await ensureLayer('trixie', ['network-manager', 'cloud-init'], say) });
  const { guest } = vm;
  try {
    for (const entry of snippets) if (entry.kind === 'text') await write(guest, entry.path, entry.text);
    await write(guest, '/etc/cloud/cloud.cfg.d/99-test.cfg', cloudConfig);
    await write(guest, '/srv/openstack/index.html', 'latest\n');
    await write(guest, `${METADATA}/meta_data.json`, JSON.stringify({ uuid: 'one', hostname: 'vm' }));
    await write(guest, `${METADATA}/network_data.json`, networkData(own.mac));
    await write(guest, '/srv/latest/meta-data/index.html', '');
    await write(guest, '/root/eth0.nmconnection', profile);
    // Names that nobody is there to tell of are unknown at once: cloud-init asks for one, for half a minute.
    await write(guest, '/etc/resolv.conf', 'nameserver 127.0.0.1');
    await guest.ok(`systemctl is-system-running --wait
      ip address add 169.254.169.254/32 dev lo
      setsid python3 -m http.server 80 --directory /srv </dev/null >/var/log/metadata.log 2>&1 &`);
    return vm;
  } catch (error) {
    await vm[Symbol.asyncDispose]();
    throw error;
  }
}

async function write(guest: Guest, path: string, text: string): Promise<void> {
  await guest.ok(`mkdir -p "$(dirname '${path}')" && cat >'${path}' <<'END'\n${text}\nEND`);
}
