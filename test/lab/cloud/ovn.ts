/**
 * ML2/OVN: the OVN databases, ovn-northd, and on each host ovsdb-server, ovs-vswitchd with its userspace datapath
 * (no kernel module) and ovn-controller. OVN's own routers answer for the gateways and advertise on IPv6.
 */
import { existsSync, mkdirSync } from 'node:fs';
import {
  type Backend,
  type BackendEdges,
  type BoundPort,
  HOSTS,
  type Host,
  netnsOf,
  type PlugKind,
} from './backend.ts';
import type { Sections } from './config.ts';
import { FABRIC_MTU, makeFabric } from './fabric.ts';
import type { Inside } from './jail.ts';
import { shell, until } from './run.ts';

export class OvnBackend implements Backend {
  readonly #edges: BackendEdges;
  readonly #central: string;

  constructor(edges: BackendEdges) {
    this.#edges = edges;
    this.#central = `${edges.place.dir}/central`;
  }

  get neutron(): Sections {
    return {
      DEFAULT: {
        service_plugins: 'ovn-router,trunk,qos,segments,port_forwarding,network_ip_availability,auto_allocate',
        transport_url: 'fake://',
        api_workers: 1,
      },
      ml2: {
        type_drivers: 'flat,vlan,geneve,local',
        tenant_network_types: 'geneve',
        mechanism_drivers: 'ovn',
        overlay_ip_version: 4,
        extension_drivers: 'port_security,qos,tag_ports_during_bulk_creation',
      },
      ml2_type_flat: { flat_networks: '*' },
      ml2_type_geneve: { vni_ranges: '1:10000', max_header_size: 38 },
      ovn: {
        ovn_nb_connection: `unix:${this.#central}/nb.sock`,
        ovn_sb_connection: `unix:${this.#central}/sb.sock`,
        ovn_l3_scheduler: 'leastloaded',
        ovn_metadata_enabled: false,
        neutron_sync_mode: 'off',
        enable_distributed_floating_ip: true,
      },
      ovs: { ovsdb_connection: `unix:${this.#edges.place.dir}/none.sock` },
    };
  }

  async start(): Promise<void> {
    await Promise.all([this.#startCentral(), makeFabric(this.#edges, HOSTS)]);
    await Promise.all(HOSTS.map((host, index) => this.#startHost(host, `10.98.0.${11 + index}`)));
  }

  async ready(): Promise<void> {
    const { jail, signal } = this.#edges;
    const ask = ['ovn-sbctl', `--db=unix:${this.#central}/sb.sock`, '--bare', '--columns=hostname', 'list', 'chassis'];
    const all = async (): Promise<boolean> => {
      const names = (await jail.run(ask)).split('\n');
      return HOSTS.every(host => names.includes(host));
    };
    await until('ovn-controllers', all, signal);
  }

  async #startCentral(): Promise<void> {
    const { jail } = this.#edges;
    const dir = this.#central;
    mkdirSync(dir);
    const startOne = async (which: 'nb' | 'sb'): Promise<void> => {
      await jail.run(['ovsdb-tool', 'create', `${dir}/${which}.db`, `/usr/share/ovn/ovn-${which}.ovsschema`]);
      const sockets = [`--remote=punix:${dir}/${which}.sock`, `--unixctl=${dir}/${which}.ctl`];
      const argv = ['ovsdb-server', '--no-chdir', ...sockets, '-vconsole:warn', `${dir}/${which}.db`];
      const server = jail.serve(`ovn-${which}`, argv);
      await server.answers(() => existsSync(`${dir}/${which}.sock`));
      await jail.run([`ovn-${which}ctl`, `--db=unix:${dir}/${which}.sock`, 'init']);
    };
    await Promise.all([startOne('nb'), startOne('sb')]);
    const databases = [`--ovnnb-db=unix:${dir}/nb.sock`, `--ovnsb-db=unix:${dir}/sb.sock`];
    const argv = ['ovn-northd', '--no-chdir', `--unixctl=${dir}/northd.ctl`, ...databases, '-vconsole:info'];
    jail.serve('northd', argv, { env: { OVN_RUNDIR: dir } });
  }

  /** The underlay address stands on an OVS bridge: userspace geneve finds its way out only there. */
  async #startHost(host: Host, address: string): Promise<void> {
    const { jail, place, signal } = this.#edges;
    const netns = netnsOf(place, host);
    const dir = `${place.dir}/${host}`;
    const env = { OVS_RUNDIR: dir, OVN_RUNDIR: dir, OVS_LOGDIR: dir, OVN_LOGDIR: dir };
    const inside: Inside = { netns, env };
    mkdirSync(dir);
    await shell(
      'ip netns exec "$1" sh -c "echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6; echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6"',
      [netns],
      signal,
    );
    await jail.run(
      ['ethtool', '-K', 'eth0', 'tx', 'off', 'rx', 'off', 'tso', 'off', 'gso', 'off', 'gro', 'off'],
      inside,
    );
    await jail.run(['ovsdb-tool', 'create', `${dir}/conf.db`, '/usr/share/openvswitch/vswitch.ovsschema']);
    const sockets = [`--remote=punix:${dir}/db.sock`, `--unixctl=${dir}/ovsdb.ctl`];
    const argv = ['ovsdb-server', '--no-chdir', ...sockets, '-vconsole:warn', `${dir}/conf.db`];
    const server = jail.serve(`ovsdb-${host}`, argv, inside);
    await server.answers(() => existsSync(`${dir}/db.sock`));
    const ids = {
      'system-id': host,
      hostname: host,
      'ovn-remote': `unix:${this.#central}/sb.sock`,
      'ovn-encap-type': 'geneve',
      'ovn-encap-ip': address,
      'ovn-bridge-datapath-type': 'netdev',
    };
    await this.#vsctl(host, [
      ...['--no-wait', 'init', '--', 'set', 'Open_vSwitch', '.'],
      ...Object.entries(ids).map(([key, value]) => `external_ids:${key}=${value}`),
      ...['--', 'add-br', 'br-phys', '--', 'set', 'Bridge', 'br-phys', 'datapath_type=netdev', 'fail_mode=standalone'],
      ...['--', 'add-port', 'br-phys', 'eth0'],
      ...['--', 'add-br', 'br-int', '--', 'set', 'Bridge', 'br-int', 'datapath_type=netdev', 'fail_mode=secure'],
      'other_config:disable-in-band=true',
    ]);
    const daemon = (name: string, ...flags: string[]) =>
      jail.serve(`${name}-${host}`, [name, '--no-chdir', ...flags, '-vconsole:info', `unix:${dir}/db.sock`], inside);
    const vswitchd = daemon('ovs-vswitchd', `--unixctl=${dir}/vswitchd.ctl`);
    const script = `ip -n "$1" addr add ${address}/24 dev br-phys; ip -n "$1" link set br-phys mtu ${FABRIC_MTU} up`;
    await vswitchd.answers(() => shell(script, [netns], signal).then(() => true));
    daemon('ovn-controller');
  }

  #vsctl(host: Host, args: readonly string[]): Promise<string> {
    return this.#edges.jail.run([
      'ovs-vsctl',
      '--timeout=300',
      `--db=unix:${this.#edges.place.dir}/${host}/db.sock`,
      ...args,
    ]);
  }

  /**
   * A TAP is plugged as Nova's hybrid plug does: TAP - bridge - veth - br-int. A guest's frames carry partial
   * checksums, which the userspace datapath would pass on unfinished; the kernel completes them on a veth without
   * checksum offload.
   */
  async connect(host: Host, device: string, port: BoundPort, kind: PlugKind): Promise<void> {
    const { jail, place, signal } = this.#edges;
    const netns = netnsOf(place, host);
    const [qbr, qvb, qvo] = hybridNames(port);
    if (kind === 'tap') {
      const script = `
        ip -n "$1" link add "$3" type bridge forward_delay 0 stp_state 0 mcast_snooping 0 ageing_time 0
        ip -n "$1" link add "$5" mtu "$6" type veth peer name "$4" mtu "$6"
        for device in "$2" "$4"; do ip -n "$1" link set "$device" master "$3"; done
        for device in "$2" "$3" "$4" "$5"; do ip -n "$1" link set "$device" up; done`;
      await shell(script, [netns, device, qbr, qvb, qvo, `${port.mtu}`], signal);
      await jail.run(['ethtool', '-K', qvb, 'tx', 'off'], { netns });
    }
    const plugged = kind === 'tap' ? qvo : device;
    await this.#vsctl(host, [
      ...['--may-exist', 'add-port', 'br-int', plugged, '--', 'set', 'Interface', plugged],
      ...[`external_ids:iface-id=${port.id}`, `external_ids:attached-mac=${port.mac.replaceAll(':', '\\:')}`],
      ...['external_ids:iface-status=active', `external_ids:vm-uuid=${port.id}`],
    ]);
    await this.#vsctl(host, ['wait-until', 'Interface', plugged, 'external_ids:ovn-installed=true']);
  }

  async routed(): Promise<void> {
    // the hosts answer for it as soon as they know of it; Neutron's own idea of the ports' status lags by seconds
  }

  async disconnect(host: Host, device: string, port: BoundPort): Promise<void> {
    const { place, signal } = this.#edges;
    const [qbr, , qvo] = hybridNames(port);
    await this.#vsctl(host, [
      '--if-exists',
      'del-port',
      'br-int',
      qvo,
      '--',
      '--if-exists',
      'del-port',
      'br-int',
      device,
    ]);
    const script = 'for device in "$2" "$3"; do ip -n "$1" link del "$device" 2>/dev/null || true; done';
    await shell(script, [netnsOf(place, host), qvo, qbr], signal);
  }
}

const hybridNames = ({ id }: BoundPort): [qbr: string, qvb: string, qvo: string] => [
  `qbr${id.slice(0, 11)}`,
  `qvb${id.slice(0, 11)}`,
  `qvo${id.slice(0, 11)}`,
];
