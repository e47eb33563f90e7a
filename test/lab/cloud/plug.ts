/** Plugging a NIC: what Nova's API, its agent on the host and os-vif do for a server's port. */
import { type Backend, type BoundPort, type Host, netnsOf, type PlugKind } from './backend.ts';
import type { Client } from './client.ts';
import type { Jail } from './jail.ts';
import type { Place } from './place.ts';
import { shell } from './run.ts';

export interface PlugRequest {
  portId: string;
  host: Host;
  /** The server's name, which is also its device_id unless that is given. */
  name: string;
  /** tap unless said otherwise. */
  kind?: PlugKind;
  deviceId?: string;
}

/** A NIC that is plugged. */
export interface Plugged {
  portId: string;
  host: Host;
  kind: PlugKind;
  /** The host's network namespace, in which the TAP stands. */
  netns: string;
  /** The TAP (or the host's end of the veth). */
  tap: string;
  /** With kind veth: the network namespace that stands for the VM; its NIC is eth0. */
  vm?: string;
  mac: string;
  mtu: number;
  /** The port's addresses with their prefix lengths, as CIDR. */
  ips: string[];
}

export class Plugs {
  readonly #place: Place;
  readonly #jail: Jail;
  readonly #backend: Backend;
  readonly #client: Client;
  readonly #signal: AbortSignal;

  constructor(place: Place, jail: Jail, backend: Backend, client: Client, signal: AbortSignal) {
    this.#place = place;
    this.#jail = jail;
    this.#backend = backend;
    this.#client = client;
    this.#signal = signal;
  }

  /** Binds the port to the host, makes the device, and returns when the host's agents have programmed it. */
  async plug({ portId, host, name, kind = 'tap', deviceId = name }: PlugRequest): Promise<Plugged> {
    const binding = { 'binding:host_id': host, device_owner: 'compute:nova', device_id: deviceId };
    const { port } = await this.#client.ok('PUT', `/ports/${portId}`, { port: binding }, 'admin');
    if (port['binding:vif_type'] === 'binding_failed') throw new Error(`Neutron did not bind ${portId} to ${host}`);
    const { network } = await this.#client.ok('GET', `/networks/${port.network_id}`, undefined, 'admin');
    const { subnets } = await this.#client.ok('GET', `/subnets?network_id=${port.network_id}`, undefined, 'admin');
    const prefix = new Map<string, string>(subnets.map((each: Subnet) => [each.id, each.cidr.split('/')[1]]));
    const ips = (port.fixed_ips as FixedIp[]).map(ip => `${ip.ip_address}/${prefix.get(ip.subnet_id)}`);
    const bound: BoundPort = { id: portId, networkId: port.network_id, mac: port.mac_address, mtu: network.mtu };
    const netns = netnsOf(this.#place, host);
    const tap = `tap${portId.slice(0, 11)}`;
    const plugged: Plugged = { portId, host, kind, netns, tap, mac: bound.mac, mtu: bound.mtu, ips };
    if (kind === 'veth') plugged.vm = await this.#makeVm(name, plugged);
    else
      await shell(
        'ip netns exec "$1" ip tuntap add dev "$2" mode tap vnet_hdr; ip -n "$1" link set "$2" mtu "$3" up',
        [netns, tap, `${bound.mtu}`],
        this.#signal,
      );
    await this.#backend.connect(host, tap, bound, kind);
    return plugged;
  }

  /** Removes the device and unbinds the port, as when the server is shut off and moved away. The port stays. */
  async unplug({ portId, host, netns, tap, mac, mtu, vm }: Plugged): Promise<void> {
    await this.#backend.disconnect(host, tap, { id: portId, networkId: '', mac, mtu });
    await shell('ip -n "$1" link del "$2"', [netns, tap], this.#signal);
    if (vm !== undefined) await shell('ip netns del "$1"', [vm], this.#signal);
    await this.#client.ok(
      'PUT',
      `/ports/${portId}`,
      { port: { 'binding:host_id': '', device_owner: '', device_id: '' } },
      'admin',
    );
  }

  /** A namespace for a VM. Checksums must be complete: OVS' userspace datapath reads frames as they are. */
  async #makeVm(name: string, { netns, tap, mac, mtu, ips }: Plugged): Promise<string> {
    const vm = netnsOf(this.#place, `vm-${name}`);
    const script = `
      ns=$1 tap=$2 vm=$3 mac=$4 mtu=$5; shift 5
      ip netns add "$vm"
      ip -n "$vm" link set lo up
      ip netns exec "$vm" sh -c 'for each in all default; do echo 0 >/proc/sys/net/ipv6/conf/$each/accept_ra; done'
      ip -n "$ns" link add "$tap" mtu "$mtu" type veth peer name eth0 netns "$vm" address "$mac" mtu "$mtu"
      for ip; do case $ip in *:*) ip -n "$vm" addr add "$ip" dev eth0 nodad;; *) ip -n "$vm" addr add "$ip" dev eth0;; esac; done`;
    await shell(script, [netns, tap, vm, mac, `${mtu}`, ...ips], this.#signal);
    await this.#jail.run(['ethtool', '-K', 'eth0', 'tx', 'off'], { netns: vm });
    await shell('ip -n "$2" link set eth0 up; ip -n "$1" link set "$3" up', [netns, vm, tap], this.#signal);
    return vm;
  }
}

interface Subnet {
  id: string;
  cidr: string;
}

interface FixedIp {
  subnet_id: string;
  ip_address: string;
}
