import type { Actor, Cast } from '../cast.ts';
import { measured, type Narrator } from '../narrator.ts';
import type { Stage } from '../stage.ts';

/** What the cloud and the VM hold of a container. */
export async function showPlaces(stage: Stage, cast: Cast, narrator: Narrator): Promise<void> {
  narrator.chapter('3. What makes this work: three small things for each container');
  for (const actor of [cast.web, cast.db]) await narrator.step(actor.name, () => placesOf(stage, actor));
}

async function placesOf({ fabric }: Stage, { vm, name, address }: Actor): Promise<string> {
  const { id, mac_address, allowed_address_pairs } = vm.port;
  const reservations = fabric.cloud.reservations(id);
  const reserved = reservations.filter(port => port.fixed_ips.some(({ ip_address }) => ip_address === address));
  measured(reserved.length === 1, `${reserved.length} Neutron ports reserve ${address}`);
  const pairs = allowed_address_pairs.map(({ ip_address }) => ip_address);
  measured(
    pairs.includes(address),
    `${address} is not among the pairs of ${vm.name}'s port: ${pairs.join(', ') || 'none'}`,
  );
  const link = await vm.inside(name, 'ip -d link show eth0');
  measured(/\bipvlan +mode l2\b/.test(link), `the container's eth0 is no ipvlan link: ${link}`);
  const mac = /link\/ether (\S+)/.exec(link)?.[1];
  measured(mac === mac_address, `eth0 of ${name} has MAC ${mac}, the VM's NIC ${mac_address}`);
  const bridges = await vm.ok('ip -o link show type bridge; ip -o link show type veth; ip -o link show type vxlan');
  const others = bridges.split('\n').filter(line => line !== '' && !/ eth0@/.test(line)).length;
  measured(others === 0, `${vm.name} has bridges, veth pairs or tunnels: ${bridges}`);
  return [
    `${name} ${address}`,
    `reserved   Neutron port ${reserved[0]?.id}, bound to no host, keeps the address from others`,
    `permitted  on the port of ${vm.name} (${vm.address}) it is an allowed address pair`,
    `linked     eth0 is an IPVLAN slave of the VM's NIC, with its MAC ${mac}; no bridge, veth or tunnel in ${vm.name}`,
  ].join('\n');
}
