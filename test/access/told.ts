/** What doctor says of a credential, on a real Keystone and Neutron; src/cli/credential-doctor.test.ts asks the same of the embedded cloud. */
import { before, describe } from 'node:test';
import { toldApart, toldUnaware, type VmOf } from '../../src/doctor/credential-told.ts';
import type { Network } from '../lab/cloud/networks.ts';
import { type Bench, CLOUDS } from './bench.ts';

export function toldTests(bench: () => Bench): void {
  let shared: Network;
  before(async () => {
    const { lab } = bench();
    shared = await lab.createNetwork({ name: 'for-all', v4: { cidr: '10.33.0.0/24' }, user: 'demo2' });
    await lab.ok('PUT', `/networks/${shared.id}`, { network: { shared: true } }, 'admin');
  });

  /** VMs whose clouds.yaml says where Neutron is, where `endpoint` does. */
  const vmsOf =
    (endpoint?: () => Promise<string>): VmOf =>
    async (t, on = 'own') => {
      const { lab, network, signal } = bench();
      const network_id = on === 'own' ? network.id : shared.id;
      const { port } = await lab.ok('POST', '/ports', { port: { network_id } });
      const override = endpoint === undefined ? {} : { network_endpoint_override: await endpoint() };
      const user = await bench().open(t, bench().clouds(override));
      const open = (yaml: string) => bench().open(t, { files: { [CLOUDS]: yaml } });
      return { user, open, port: await user.neutron.port(port.id, signal) };
    };

  describe('doctor tells apart', () => toldApart(vmsOf()));
  describe('doctor tells apart, where Neutron has no service_type', () =>
    toldUnaware(vmsOf(() => bench().lab.unawareNeutronUrl())));
}
