import assert from 'node:assert/strict';
import type { Lab } from '../lab/lab.ts';
import { Bed } from './bed.ts';
import { assertReach } from './traffic.ts';

/** VMs with a NIC on the lab's network and one on a network of two IPv4 subnets whose router advertises an IPv6 one. */
export class SecondNic {
  /** The beds of the first and the second NIC. */
  readonly #first: Bed;
  readonly #second: Bed;

  private constructor(first: Bed, second: Bed) {
    this.#first = first;
    this.#second = second;
  }

  static async up(lab: Lab): Promise<SecondNic> {
    const network = await lab.cloud.createNetwork({
      name: 'second',
      v4: { cidr: '10.40.0.0/24' },
      v6: { cidr: '2001:db8:40::/64', mode: 'slaac' },
      router: true,
    });
    const networks = [lab.network, network];
    const [a, b] = await lab.addVms({ name: 'sa', host: 'h1', networks }, { name: 'sb', host: 'h2', networks });
    const subnet = { network_id: network.id, ip_version: 4, cidr: '10.41.0.0/24', name: 'more' };
    await lab.cloud.ok('POST', '/subnets', { subnet });
    return new SecondNic(new Bed(lab, a, b), new Bed(lab, a, b, 1));
  }

  /** The containers' IPv6 addresses are those that their reservations' MACs make; nobody can choose one. */
  async slaac(): Promise<void> {
    const bed = this.#second;
    const name = await bed.network('--network second --subnet 10.40.0.0/24 --ipv6');
    const [one, other] = await bed.pair(name);
    await assertReach(one, other);
    const { stdout } = await bed.a.run(`docker exec ${one.name} ip -6 addr show eth0`);
    const addresses = [...stdout.matchAll(/inet6 ([0-9a-f:]+)\//g)].map(match => match[1]);
    assert.deepEqual(addresses, [one.v6], 'no address of its own making, advertised or link-local');
    const refused = await bed.a.run(`docker run --rm --network ${name} --ip6 2001:db8:40::77 bb true`, 120);
    assert.match(refused.stderr, /ADDRESS_NOT_CHOOSABLE/);
    await bed.remove(one);
    await bed.leaveNetwork();
  }

  /** Each network is served by the NIC that is on it, and the one of the default route is taken where none is named. */
  async subnetsAndNics(): Promise<void> {
    const [first, second] = [this.#first, this.#second];
    const [usual, more] = [await first.network(), await second.network('--subnet more')];
    const [one, other] = await first.pair(usual);
    const [third, fourth] = await second.pair(more);
    assert.match(third.v4, /^10\.41\.0\./);
    await assertReach(one, other);
    await assertReach(third, fourth);
    const addressesOf = async (bed: Bed) => (await bed.pairs(bed.a)).map(({ ip_address }) => ip_address);
    assert.deepEqual([await addressesOf(first), await addressesOf(second)], [[one.v4], [third.v4]]);
    const { stderr } = await first.a.run('kuryr network create no --subnet 10.99.0.0/24');
    assert.match(stderr, /SUBNET_UNKNOWN/);
    await first.remove(one, third);
    await first.leaveNetwork();
    await second.leaveNetwork();
  }

  async down(): Promise<void> {
    await Promise.all(this.#first.both.map(vm => vm.guest.kill()));
  }
}
