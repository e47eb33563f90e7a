import assert from 'node:assert/strict';
import type { Lab } from '../lab/lab.ts';
import { Bed } from './bed.ts';
import { assertReach } from './traffic.ts';

/** VMs on a network whose router advertises, and containers whose IPv6 addresses make themselves of their ports' MACs. */
export async function slaacRow(lab: Lab, engine: string): Promise<void> {
  const network = await lab.cloud.createNetwork({
    name: 'slaac',
    v4: { cidr: '10.40.0.0/24' },
    v6: { cidr: '2001:db8:40::/64', mode: 'slaac' },
    router: true,
  });
  const [a, b] = await lab.addVms(
    { name: 'sa', host: 'h1', networks: [network] },
    { name: 'sb', host: 'h2', networks: [network] },
  );
  const bed = new Bed(lab, a, b, engine);
  const name = await bed.network('--ipv6');
  const [one, other] = await bed.pair(name);
  await assertReach(one, other);
  const { stdout } = await a.run(`docker exec ${one.name} ip -6 addr show eth0`);
  const addresses = [...stdout.matchAll(/inet6 ([0-9a-f:]+)\//g)].map(match => match[1]);
  assert.deepEqual(addresses, [one.v6], 'no address of its own making, advertised or link-local');
  const refused = await a.run(`docker run --rm --network ${name} --ip6 2001:db8:40::77 bb true`, 120);
  assert.match(refused.stderr, /ADDRESS_NOT_CHOOSABLE/);
  await bed.remove(one, other);
  await bed.removeNetwork(name);
  await bed.assertClean();
  await Promise.all([a, b].map(vm => vm.guest.kill()));
}
