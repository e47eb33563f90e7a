/**
 * The second NIC of a guest, over which it reaches the cloud's API. The API stays on the machine's loopback: unix
 * sockets carry it into the host's namespace, and a forward of the guest's own loopback keeps the catalogue's URLs
 * true there.
 */
import { mkdirSync } from 'node:fs';
import { type Host, netnsOf } from './backend.ts';
import type { Jail } from './jail.ts';
import type { Place } from './place.ts';
import { shell } from './run.ts';
import type { Traffic } from './traffic.ts';

export interface Management {
  netns: string;
  /** The TAP; with `vm`, eth1 of that namespace. */
  tap: string;
  mac: string;
  hostIp: string;
  /** With its prefix length. */
  guestIp: string;
  /** For the guest's shell, once the NIC is up: starts the forwards of its loopback in the background. */
  command: string;
  /** Makes a unix socket on the machine whose connections go to a port of the guest's second NIC; gives its path. */
  entrance(port: number): string;
}

export interface ManagementEdges {
  place: Place;
  jail: Jail;
  traffic: Traffic;
  signal: AbortSignal;
}

/**
 * Makes the NIC for the guest called `name`, the `index`-th of the lab (from 1). With `vm`, that namespace stands for
 * the guest: it gets the NIC as eth1, with its address, and the forwards run already.
 */
export async function makeManagement(
  { place, jail, traffic, signal }: ManagementEdges,
  { name, host, index, vm }: { name: string; host: Host; index: number; vm?: string },
): Promise<Management> {
  const netns = netnsOf(place, host);
  const net = `192.168.${70 + index}`;
  const hostIp = `${net}.1`;
  const mac = `02:00:00:00:77:${index.toString(16).padStart(2, '0')}`;
  const tap = `mg${index}`;
  const script =
    vm === undefined
      ? 'ip netns exec "$1" ip tuntap add dev "$2" mode tap vnet_hdr'
      : `ip -n "$1" link add "$2" type veth peer name eth1 netns "$5" address "$6"
         ip -n "$5" addr add "$4" dev eth1; ip -n "$5" link set eth1 up`;
  const up = 'ip -n "$1" addr add "$3/24" dev "$2"; ip -n "$1" link set "$2" up';
  await shell(`${script}\n${up}`, [netns, tap, hostIp, `${net}.2/24`, vm ?? '', mac], signal);

  const folder = `${place.dir}/api`;
  mkdirSync(folder, { recursive: true });
  const { keystone, shortKeystone, neutron } = place.ports;
  const ports = [keystone, shortKeystone, neutron];
  for (const port of ports) {
    const socket = `${folder}/${index}-${port}`;
    await traffic.listen(socket, name, port === neutron ? 'neutron' : 'keystone', port);
    const listen = `TCP-LISTEN:${port},bind=${hostIp},fork,reuseaddr`;
    jail.serve(`api-${index}-${port}`, ['socat', listen, `UNIX-CONNECT:${socket}`], { netns });
  }
  const forward = (port: number): string[] => [
    'socat',
    `TCP-LISTEN:${port},bind=127.0.0.1,fork,reuseaddr`,
    `TCP:${hostIp}:${port}`,
  ];
  if (vm !== undefined) for (const port of ports) jail.serve(`guest-${index}-${port}`, forward(port), { netns: vm });
  const command = ports.map(port => `(${forward(port).join(' ')} </dev/null >/dev/null 2>&1 &)`).join('; ');
  const entrance = (port: number): string => {
    const socket = `${folder}/into-${index}-${port}`;
    const listen = `UNIX-LISTEN:${socket},fork,unlink-early`;
    jail.serve(`into-${index}-${port}`, ['socat', listen, `TCP:${net}.2:${port}`], { netns });
    return socket;
  };
  return { netns, tap, mac, hostIp, guestIp: `${net}.2/24`, command, entrance };
}
