/**
 * ML2 linuxbridge: a neutron-linuxbridge-agent on each of two hosts (iptables, ipset, ebtables; VXLAN between them),
 * and on one of them the neutron-l3-agent, which holds the gateways' addresses and lets radvd advertise. They talk to
 * the API through RabbitMQ.
 */
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { type Backend, type BackendEdges, type BoundPort, HOSTS, type Host, netnsOf } from './backend.ts';
import type { Client } from './client.ts';
import { ini, type Sections } from './config.ts';
import { makeFabric } from './fabric.ts';
import type { Service } from './jail.ts';
import { rabbitEnvironment } from './rabbit.ts';
import { shell, until } from './run.ts';

/** The host that is the network node as well: another agent less to start. */
const NETWORK_NODE: Host = 'h1';

/** The capability contexts of Neutron whose helper would be started by sudo. */
const PRIVSEP = ['', '_dhcp_release', '_ovs_vsctl', '_namespace', '_conntrack', '_link'];

export class LinuxbridgeBackend implements Backend {
  readonly #edges: BackendEdges;
  #client: Client | undefined;

  constructor(edges: BackendEdges) {
    this.#edges = edges;
  }

  get #transport(): string {
    return `rabbit://guest:guest@127.0.0.1:${this.#edges.place.ports.rabbit}/`;
  }

  get neutron(): Sections {
    return {
      DEFAULT: {
        service_plugins: 'router,trunk,qos,segments,port_forwarding,network_ip_availability,auto_allocate',
        transport_url: this.#transport,
        api_workers: 0,
        agent_down_time: 75,
      },
      experimental: { linuxbridge: true },
      ml2: {
        type_drivers: 'flat,vlan,vxlan,local',
        tenant_network_types: 'vxlan',
        mechanism_drivers: 'linuxbridge',
      },
      ml2_type_flat: { flat_networks: '*' },
      ml2_type_vxlan: { vni_ranges: '1:10000', vxlan_group: '239.1.1.1' },
      securitygroup: { enable_ipset: true, firewall_driver: 'iptables' },
    };
  }

  async start(): Promise<void> {
    const { jail, place } = this.#edges;
    cpSync(join(import.meta.dirname, 'shim'), `${place.dir}/shim`, { recursive: true });
    const server = jail.serve('rabbitmq', ['/usr/lib/rabbitmq/bin/rabbitmq-server'], { env: rabbitEnvironment(place) });
    await makeFabric(this.#edges, HOSTS);
    const { rabbit } = place.ports;
    const socket = `${place.dir}/mq.sock`;
    jail.serve('mq', ['socat', `UNIX-LISTEN:${socket},fork,unlink-early`, `TCP:127.0.0.1:${rabbit}`]);
    await Promise.all(HOSTS.map((node, index) => this.#prepareNode(node, `10.99.0.${11 + index}`, socket)));
    // Neutron, should it find RabbitMQ not there yet, tries again only after 1, 3, 5, 7 s
    await server.answers(() => listens(rabbit));
  }

  async ready(client: Client): Promise<void> {
    this.#client = client;
    const agents = [...HOSTS.map(node => this.#agent('neutron-linuxbridge-agent', node))];
    agents.push(this.#agent('neutron-l3-agent', NETWORK_NODE));
    const alive = async (): Promise<boolean> => {
      for (const agent of agents) agent.check();
      const { agents: known } = await client.ok(
        'GET',
        '/agents?alive=true&fields=binary&fields=host',
        undefined,
        'admin',
      );
      return known.length === agents.length;
    };
    await until('the agents', alive, this.#edges.signal, { every: 200 });
  }

  #agent(binary: string, node: string): Service {
    const { jail, place } = this.#edges;
    const argv = [binary, '--config-file', `${place.dir}/etc/agent-${node}.conf`];
    return jail.serve(`${binary}-${node}`, argv, { netns: netnsOf(place, node), ownSys: true });
  }

  /** RabbitMQ is on the machine's loopback, which a namespace reaches through a unix socket: no route leads out of it. */
  async #prepareNode(node: string, address: string, socket: string): Promise<void> {
    const { jail, place, signal } = this.#edges;
    const netns = netnsOf(place, node);
    const script = `
      ip -n "$1" addr add "$2/24" dev eth0
      ip netns exec "$1" sh -euc 'cd /proc/sys/net/bridge; for each in ip ip6 arp; do echo 1 >bridge-nf-call-\${each}tables; done'`;
    await shell(script, [netns, address], signal);
    const listen = `TCP-LISTEN:${place.ports.rabbit},bind=127.0.0.1,fork,reuseaddr`;
    jail.serve(`mq-${node}`, ['socat', listen, `UNIX-CONNECT:${socket}`], { netns });
    mkdirSync(`${place.dir}/${node}/lock`, { recursive: true });
    writeFileSync(`${place.dir}/etc/agent-${node}.conf`, this.#agentConf(node, address));
  }

  #agentConf(node: string, address: string): string {
    const { dir } = this.#edges.place;
    const helper = `privsep-helper --config-file ${dir}/etc/agent-${node}.conf`;
    return ini({
      DEFAULT: {
        host: node,
        transport_url: this.#transport,
        state_path: `${dir}/${node}`,
        core_plugin: 'ml2',
        interface_driver: 'linuxbridge',
        enable_metadata_proxy: false,
      },
      oslo_concurrency: { lock_path: `${dir}/${node}/lock` },
      experimental: { linuxbridge: true },
      agent: { root_helper: '', report_interval: 10, polling_interval: 1, extensions: '' },
      linux_bridge: { physical_interface_mappings: '' },
      vxlan: { enable_vxlan: true, local_ip: address, vxlan_group: '239.1.1.1', l2_population: false },
      securitygroup: { enable_security_group: true, enable_ipset: true, firewall_driver: 'iptables' },
      ...Object.fromEntries(PRIVSEP.map(context => [`privsep${context}`, { helper_command: helper }])),
    });
  }

  /** Nova puts the TAP into the network's bridge, which it makes if the agent has not: the agent leaves its ports to it. */
  async connect(host: Host, device: string, { id, networkId }: BoundPort): Promise<void> {
    const { place, signal } = this.#edges;
    const script = `
      ip -n "$1" link add "$3" type bridge forward_delay 0 stp_state 0 mcast_snooping 0 2>/dev/null || true
      ip -n "$1" link set "$3" up
      ip -n "$1" link set "$2" master "$3" up`;
    await shell(script, [netnsOf(place, host), device, `brq${networkId.slice(0, 11)}`], signal);
    await this.#active(`id=${id}`);
  }

  /** The l3 agent works its updates off one by one. */
  async routed(routerId: string): Promise<void> {
    await this.#active(`device_id=${routerId}`);
  }

  /** Waits until Neutron calls all the ports that a query finds ACTIVE. */
  async #active(query: string): Promise<void> {
    const ask = async (): Promise<boolean> => {
      const answer = await this.#client?.ok('GET', `/ports?${query}&fields=status`, undefined, 'admin');
      return answer?.ports.every((port: { status: string }) => port.status === 'ACTIVE');
    };
    await until(`ports of ${query} ACTIVE`, ask, this.#edges.signal, { every: 100 });
  }

  async disconnect(): Promise<void> {
    // the agent notices that the device is gone
  }
}

/** Whether anything accepts connections on a port of the machine's loopback. */
const listens = (port: number): Promise<boolean> =>
  new Promise(resolve => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
