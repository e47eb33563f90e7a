import assert from 'node:assert/strict';
import type { Network } from '../lab/cloud/networks.ts';
import type { Lab } from '../lab/lab.ts';
import type { Bed } from './bed.ts';
import { assertReach } from './traffic.ts';

/** The network of the VMs' second NIC: its router advertises an IPv6 subnet. */
export function secondNetwork(lab: Lab): Promise<Network> {
  return lab.cloud.createNetwork({
    name: 'second',
    v4: { cidr: '10.40.0.0/24' },
    v6: { cidr: '2001:db8:40::/64', mode: 'slaac' },
    router: true,
  });
}

/** The containers' IPv6 addresses are those that their reservations' MACs make; nobody can choose one. */
export async function slaac(second: Bed): Promise<void> {
  const network = await second.network('--network second --ipv6');
  const [one, other] = await second.pair(network);
  await assertReach(one, other);
  const { stdout } = await second.a.run(`docker exec ${one.name} ip -6 addr show eth0`);
  const addresses = [...stdout.matchAll(/inet6 ([0-9a-f:]+)\//g)].map(match => match[1]);
  assert.deepEqual(addresses, [one.v6], 'no address of its own making, advertised or link-local');
  const refused = await second.a.run(`docker run --rm --network ${network} --ip6 2001:db8:40::77 bb true`, 120);
  assert.match(refused.stderr, /ADDRESS_NOT_CHOOSABLE/);
  await second.remove(one);
  await second.leaveNetwork();
}

/** Each network is served by the NIC that is on it, and that of the default route is taken where none is named. */
export async function subnetsAndNics(first: Bed, second: Bed, network: Network): Promise<void> {
  const subnet = { network_id: network.id, ip_version: 4, cidr: '10.41.0.0/24', name: 'more' };
  await first.lab.cloud.ok('POST', '/subnets', { subnet });
  const [usual, more] = [await first.network(), await second.network('--subnet more')];
  const [one, other] = await first.pair(usual);
  const [third, fourth] = await second.pair(more);
  assert.match(third.v4, /^10\.41\.0\./);
  await assertReach(one, other);
  await assertReach(third, fourth);
  const addressesOf = async (bed: Bed) => (await bed.pairs(bed.a)).map(({ ip_address }) => ip_address);
  assert.deepEqual([await addressesOf(first), await addressesOf(second)], [[one.v4], [third.v4]]);
  const ambiguous = await first.a.run('kuryr network create no --network second');
  assert.match(ambiguous.stderr, /SUBNET_AMBIGUOUS/);
  const unknown = await first.a.run('kuryr network create no --subnet 10.99.0.0/24');
  assert.match(unknown.stderr, /SUBNET_UNKNOWN/);
  await first.remove(one, third);
  await first.leaveNetwork();
  await second.leaveNetwork();
}
