/** An application credential that may do little: what a VM should be given. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { vmCloudsYaml } from '../../src/credential/clouds-yaml.ts';
import { accessRules } from '../../src/credential/rules.ts';
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
        assert.ok(isKuryrError(error, 'NEUTRON_UNAUTHORIZED'), String(error));
        assert.match(error.message, /access rules: they must allow the call.*service_type = network/);
        const sent = calls.slice(before).map(call => `${call.method} ${call.route} ${call.status}`);
        assert.equal(sent.filter(line => line.endsWith(' 401')).length, 2, sent.join());
      }
      assert.ok(!shown().includes(secret));
      await neutron.port(own, signal);
    });

    it('that kuryr credential makes does all that Kuryr needs, and ten things that it does not need are refused', async t => {
      const { signal, lab, network } = bench();
      const port = async (): Promise<string> =>
        (await lab.ok('POST', '/ports', { port: { network_id: network.id } })).port.id;
      const [own, other] = [await port(), await port()];
      const user = await bench().open(t, bench().clouds());
      const { endpoint, roles } = await user.authorization(signal);
      assert.ok(roles.includes('member'));
      const made = await user.createCredential(
        { name: 'least', description: 'one VM', roles: ['member'], rules: accessRules(endpoint, [own]) },
        signal,
      );
      const vm = await bench().open(t, { files: { [CLOUDS]: vmCloudsYaml(user.config, made) } });
      const { neutron } = vm;

      await Promise.all([neutron.extensions(signal), neutron.networks({}, signal), neutron.subnets({}, signal)]);
      const reserved = await neutron.createPort(bench().reservation(), signal);
      const pairs = reserved.fixed_ips.map(({ ip_address }) => ({ ip_address }));
      const { revision_number } = await neutron.port(own, signal);
      await neutron.updatePort(own, { allowed_address_pairs: pairs }, revision_number, signal);
      await neutron.ports({ device_id: reserved.device_id }, signal);
      await neutron.deletePort(reserved.id, signal);

      const { token } = await vm.authorization(signal);
      const ask = async (method: string, path: string, body?: object) => {
        const headers = { 'x-auth-token': token.reveal(), 'content-type': 'application/json' };
        const answer = await fetch(`${endpoint}${path}`, {
          ...{ method, headers, signal },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        });
        return `${method} ${path} ${answer.status}`;
      };
      for (const [method, path, body] of [
        ['PUT', `/ports/${other}`, { port: { name: 'x' } }],
        ['POST', '/networks', { network: { name: 'x' } }],
        ['PUT', `/networks/${network.id}`, { network: { name: 'x' } }],
        ['DELETE', `/networks/${network.id}`],
        ['PUT', `/subnets/${network.v4?.id}`, { subnet: { name: 'x' } }],
        ['GET', '/security-groups'],
        ['POST', '/security-groups', { security_group: { name: 'x' } }],
        ['POST', '/routers', { router: { name: 'x' } }],
        ['POST', '/floatingips', { floatingip: { floating_network_id: network.id } }],
        ['GET', `/quotas/${bench().demo.projectId}`],
      ] as const)
        assert.equal(await ask(method, path, body), `${method} ${path} 401`);
      assert.match(await ask('GET', `/ports/${own}`), / 200$/, 'the token is good');
      await assert.rejects(
        vm.createCredential({ name: 'more', description: '', roles: ['member'], rules: [] }, signal),
        error => isKuryrError(error, 'CREDENTIAL_FORBIDDEN'),
      );
    });
  });
}
