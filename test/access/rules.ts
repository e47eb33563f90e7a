/** An application credential that may do little: what a VM should be given. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isKuryrError } from '../../src/errors/kuryr-error.ts';
import { type Bench, CLOUDS } from './bench.ts';

export function accessRuleTests(bench: () => Bench): void {
  describe('an application credential with access rules', () => {
    it('may write the VM port that a rule names, and is told why it may not write another', async t => {
      const make = async (): Promise<string> =>
        (await bench().lab.ok('POST', '/ports', { port: { network_id: bench().network.id } })).port.id;
      const own = await make();
      const other = await make();
      const rule = (method: string, path: string) => ({ service: 'network', method, path: `/v2.0${path}` });
      const rules = [
        rule('GET', '/ports'),
        rule('GET', '/ports/*'),
        rule('PUT', `/ports/${own}`),
        rule('POST', '/ports'),
      ];
      const { id, secret } = await bench().credential('ruled', { access_rules: rules });
      const auth = {
        ...{ auth_url: bench().lab.authUrl, application_credential_id: id, application_credential_secret: secret },
      };
      const { neutron, calls, shown } = await bench().open(t, { files: { [CLOUDS]: { clouds: { lab: { auth } } } } });
      const { signal } = bench();

      const ports = await neutron.ports({ network_id: bench().network.id }, signal);
      assert.ok(ports.some(port => port.id === own));
      const { revision_number } = await neutron.port(own, signal);
      const pairs = [{ ip_address: '10.30.0.200' }];
      const written = await neutron.updatePort(own, { allowed_address_pairs: pairs }, revision_number, signal);
      assert.deepEqual(
        written.allowed_address_pairs.map(pair => pair.ip_address),
        ['10.30.0.200'],
      );
      const made = await neutron.createPort(bench().reservation(), signal);

      for (const refused of [
        () => neutron.updatePort(other, { description: 'x' }, undefined, signal),
        () => neutron.deletePort(made.id, signal),
        () => neutron.networks({}, signal),
      ]) {
        const before = calls.length;
        const error = await refused().catch((thrown: unknown) => thrown);
        assert.ok(isKuryrError(error, 'ACCESS_RULE_MISSING'), String(error));
        const sent = calls.slice(before).map(call => `${call.method} ${call.route} ${call.status}`);
        assert.equal(sent.filter(line => line.endsWith(' 401')).length, 2, sent.join());
      }
      assert.ok(!shown().includes(secret));
      await neutron.port(own, signal);
    });
  });
}
