/** The hosts' network namespaces and the wire between them: a Linux bridge in a namespace of its own. */
import type { BackendEdges } from './backend.ts';
import { netnsOf } from './backend.ts';
import { shell } from './run.ts';

/** Room for the tunnels' headers around frames of 1500 bytes. */
export const FABRIC_MTU = 1600;

/** Makes a namespace for each host, whose eth0 is on the fabric, up and without an address. */
export async function makeFabric({ place, signal }: BackendEdges, hosts: readonly string[]): Promise<void> {
  const script = `
    fabric=$1; shift
    ip netns add "$fabric"
    ip -n "$fabric" link set lo up
    ip -n "$fabric" link add br0 type bridge mcast_snooping 0
    ip -n "$fabric" link set br0 mtu ${FABRIC_MTU} up
    for ns; do
      ip netns add "$ns"
      ip -n "$ns" link set lo up
      ip -n "$fabric" link add "f-\${ns##*-}" mtu ${FABRIC_MTU} type veth peer name eth0 mtu ${FABRIC_MTU} netns "$ns"
      ip -n "$fabric" link set "f-\${ns##*-}" master br0 up
      ip -n "$ns" link set eth0 up
    done`;
  await shell(
    script,
    ['fab', ...hosts].map(host => netnsOf(place, host)),
    signal,
  );
}
