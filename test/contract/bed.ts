/** What the cases of a cloud share, so that a refusal costs one request. Made once; no case changes it. */
import type { Answer } from '../lab/cloud/client.ts';
import type { Target } from './target.ts';

type Body = Answer['body'];

export interface Bed {
  readonly network: Body;
  /** 10.60.0.0/24; addresses below .100 are not given out by themselves: cases choose them, each its own. */
  readonly subnet4: Body;
  /** fd60::/64 */
  readonly subnet6: Body;
  /** With 10.63.0.0/24 and the SLAAC prefix fd63::/64; cases make ports on it. */
  readonly auto: { readonly network: Body; readonly v4: Body; readonly v6: Body };
  /** Of demo's, and for all to use, with 10.64.0.0/24. */
  readonly shared: { readonly network: Body; readonly subnet: Body };
  /** Where cases put subnets, each of a prefix of its own. */
  readonly yard: Body;
  /** With an address of each family. */
  readonly port: Body;
  /** The default security group of demo's project. */
  readonly group: Body;
  readonly projectId: string;
  /** Of demo2. */
  readonly foreignProjectId: string;
}

/** What cases of demo's make in numbers; demo2's project keeps the quotas that every new project has. */
const PLENTY = {
  network: -1,
  subnet: -1,
  port: -1,
  security_group: -1,
  security_group_rule: -1,
  trunk: -1,
  subnetpool: -1,
};

export async function makeBed(target: Target): Promise<Bed> {
  const make = async (kind: string, fields: object): Promise<Body> => {
    const answer = await target.api('POST', `/${kind}s`, { [kind]: fields });
    if (answer.status !== 201) throw new Error(`the bed's ${kind}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body[kind];
  };
  const network = await make('network', { name: 'bed' });
  const quota = await target.api('PUT', `/quotas/${network.project_id}`, { quota: PLENTY }, { user: 'admin' });
  if (quota.status !== 200) throw new Error(`the bed's quota: ${quota.status} ${JSON.stringify(quota.body)}`);
  const allocation_pools = [{ start: '10.60.0.100', end: '10.60.0.254' }];
  const v4 = { ip_version: 4, cidr: '10.60.0.0/24', allocation_pools, name: 'bed-4' };
  const subnet4 = await make('subnet', { network_id: network.id, ...v4 });
  const subnet6 = await make('subnet', { network_id: network.id, ip_version: 6, cidr: 'fd60::/64', name: 'bed-6' });
  const fixed_ips = [
    { subnet_id: subnet4.id, ip_address: '10.60.0.11' },
    { subnet_id: subnet6.id, ip_address: 'fd60::11' },
  ];
  const port = await make('port', { network_id: network.id, fixed_ips, name: 'bed' });
  const subnetOf = (of: Body, cidr: string, fields: object = {}): Promise<Body> =>
    make('subnet', { network_id: of.id, ip_version: cidr.includes(':') ? 6 : 4, cidr, ...fields });
  const auto = await make('network', { name: 'bed-auto' });
  const slaac = { ipv6_ra_mode: 'slaac', ipv6_address_mode: 'slaac' };
  const shared = await make('network', { name: 'bed-shared' });
  const share = await target.api('PUT', `/networks/${shared.id}`, { network: { shared: true } }, { user: 'admin' });
  if (share.status !== 200) throw new Error(`the bed's shared network: ${share.status} ${JSON.stringify(share.body)}`);
  const rest = {
    auto: {
      network: auto,
      v4: await subnetOf(auto, '10.63.0.0/24'),
      v6: await subnetOf(auto, 'fd63::/64', slaac),
    },
    shared: { network: share.body.network, subnet: await subnetOf(shared, '10.64.0.0/24') },
    yard: await make('network', { name: 'bed-yard' }),
  };
  const groups = await target.api('GET', '/security-groups?name=default');
  const foreign = await target.api('GET', '/security-groups?name=default', undefined, { user: 'demo2' });
  const [group] = groups.body.security_groups;
  const foreignProjectId = foreign.body.security_groups[0].project_id;
  return { network, subnet4, subnet6, port, group, projectId: network.project_id, foreignProjectId, ...rest };
}
