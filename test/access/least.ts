/** What the credential that `kuryr credential` makes can do, and cannot, on a real Keystone and Neutron. */
import assert from 'node:assert/strict';
import { before, describe, it, type TestContext } from 'node:test';
import { isKuryrError } from '../../src/errors/kuryr-error.ts';
import type { Port } from '../../src/openstack/neutron.ts';
import type { Bench, Opened } from './bench.ts';

export function leastTests(bench: () => Bench): void {
  const make = async (fields: object = {}): Promise<string> =>
    (await bench().lab.ok('POST', '/ports', { port: { network_id: bench().network.id, ...fields } })).port.id;

  /** A request with the credential's token as a thief would send it, and what it is answered. */
  const asking = async (of: Opened) => {
    const { token, endpoint, userId = '', projectId = '' } = await of.authorization(bench().signal);
    const headers = { 'x-auth-token': token.reveal(), 'content-type': 'application/json' };
    const ask = async (base: string, method: string, path: string, body?: object) => {
      const content = body === undefined ? {} : { body: JSON.stringify(body) };
      const answer = await fetch(`${base}${path}`, { method, headers, signal: bench().signal, ...content });
      return { status: answer.status, text: await answer.text() };
    };
    return {
      ...{ userId, projectId, token: token.reveal() },
      neutron: (method: string, path: string, body?: object) => ask(endpoint, method, path, body),
      keystone: (method: string, path: string, body?: object) => ask(bench().lab.authUrl, method, path, body),
    };
  };

  for (const [shape, count] of [
    ['one VM', 1],
    ['a fleet', 2],
  ] as const)
    describe(`the least credential for ${shape}`, () => {
      let own: readonly string[];
      let other: string;
      before(async () => {
        own = await Promise.all(Array.from({ length: count }, () => make()));
        other = await make();
      });
      const holder = (t: TestContext) => bench().least(t, own);

      it(`does all that Kuryr needs, for ${shape}`, async t => {
        const { signal } = bench();
        const { neutron } = await holder(t);
        await Promise.all([neutron.extensions(signal), neutron.networks({}, signal), neutron.subnets({}, signal)]);
        for (const id of own) {
          const reserved = await neutron.createPort(bench().reservation(), signal);
          const pairs = reserved.fixed_ips.map(({ ip_address }) => ({ ip_address }));
          const { revision_number } = await neutron.port(id, signal);
          await neutron.updatePort(id, { allowed_address_pairs: pairs }, revision_number, signal);
          const { allowed_address_pairs: written } = await neutron.port(id, signal);
          assert.deepEqual(
            written.map(({ ip_address }) => ip_address),
            pairs.map(({ ip_address }) => ip_address),
          );
          assert.equal((await neutron.ports({ name: reserved.name }, signal)).length, 1);
          await neutron.deletePort(reserved.id, signal);
        }
      });

      it(`is refused ten things that Kuryr does not need, for ${shape}`, async t => {
        const { network, demo } = bench();
        const { neutron } = await asking(await holder(t));
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
          ['GET', `/quotas/${demo.projectId}`],
        ] as const)
          assert.equal((await neutron(method, path, body)).status, 401, `${method} ${path}`);
        assert.equal((await neutron('GET', `/ports/${own[0]}`)).status, 200, 'the token is good');
      });
    });

  describe('a token of the credential', () => {
    it('serves as well where it is given alone, and a rule that is missing is told', async t => {
      const [own, other] = [await make(), await make()];
      const { token } = await asking(await bench().least(t, [own]));
      const env = { OS_AUTH_URL: bench().lab.authUrl, OS_AUTH_TYPE: 'v3token', OS_TOKEN: token };
      const { neutron } = await bench().open(t, { env });
      await neutron.updatePort(own, { description: 'x' }, undefined, bench().signal);
      await assert.rejects(neutron.updatePort(other, { description: 'x' }, undefined, bench().signal), error =>
        isKuryrError(error, 'ACCESS_RULE_MISSING'),
      );
    });
  });

  describe('a thief of the credential', () => {
    it('makes no further credential of it, of no kind, and takes none of the user away', async t => {
      const mine = await bench().credential('another of the user');
      const thief = await bench().least(t, [await make()]);
      await assert.rejects(
        thief.createCredential({ name: 'more', description: '', roles: ['member'], rules: [] }, bench().signal),
        error => isKuryrError(error, 'CREDENTIAL_FORBIDDEN'),
      );
      const { keystone, userId, projectId } = await asking(thief);
      const user = { trustor_user_id: userId, trustee_user_id: userId, project_id: projectId };
      const trust = { ...user, impersonation: true, roles: [{ name: 'member' }] };
      const password = { original_password: 'a guess', password: 'hunter2' };
      const answers: string[] = [];
      for (const [method, path, body] of [
        ['DELETE', `/users/${userId}/application_credentials/${mine.id}`],
        ['POST', `/users/${userId}/credentials/OS-EC2`, { tenant_id: projectId }],
        ['POST', '/OS-TRUST/trusts', { trust }],
        ['POST', `/users/${userId}/password`, { user: password }],
        ['PATCH', `/users/${userId}`, { user: { password: 'hunter2' } }],
      ] as const) {
        const { status } = await keystone(method, path, body);
        answers.push(`${method} ${path.replace(userId, 'ID').replace(mine.id, 'ID')} ${status}`);
      }
      assert.deepEqual(answers, [
        'DELETE /users/ID/application_credentials/ID 403',
        'POST /users/ID/credentials/OS-EC2 403',
        'POST /OS-TRUST/trusts 403',
        'POST /users/ID/password 401',
        'PATCH /users/ID 403',
      ]);
    });

    it("reads what the user's application credentials are called and may, and none of their secrets", async t => {
      const mine = await bench().credential('a third of the user');
      const { keystone, userId } = await asking(await bench().least(t, [await make()]));
      const { status, text } = await keystone('GET', `/users/${userId}/application_credentials`);
      assert.deepEqual([status, text.includes(mine.id), text.includes(mine.secret)], [200, true, false]);
    });

    it('gets no other token with its token, of whatever scope', async t => {
      const { keystone, token, projectId } = await asking(await bench().least(t, [await make()]));
      const identity = { methods: ['token'], token: { id: token } };
      for (const scope of [{ project: { id: projectId } }, 'unscoped'] as const) {
        const { status, text } = await keystone('POST', '/auth/tokens', { auth: { identity, scope } });
        assert.equal(status, 404, text);
        assert.match(text, /Failed to validate token/);
      }
    });

    it('reaches nothing of another project', async t => {
      const { lab, signal } = bench();
      const theirs = await lab.createNetwork({ name: 'of-others', v4: { cidr: '10.34.0.0/24' }, user: 'demo2' });
      const { port } = await lab.ok('POST', '/ports', { port: { network_id: theirs.id } }, 'demo2');
      const thief = await bench().least(t, [await make(), port.id]);
      assert.deepEqual(await thief.neutron.networks({ id: theirs.id }, signal), []);
      assert.deepEqual(await thief.neutron.ports({ id: port.id }, signal), []);
      const { neutron } = await asking(thief);
      for (const [method, path, body] of [
        ['GET', `/ports/${port.id}`],
        ['PUT', `/ports/${port.id}`, { port: { name: 'x' } }],
        ['DELETE', `/ports/${port.id}`],
        ['POST', '/ports', { port: { network_id: theirs.id } }],
      ] as const)
        assert.equal((await neutron(method, path, body)).status, 404, `${method} ${path}`);
      await lab.ok('GET', `/ports/${port.id}`, undefined, 'demo2');
    });

    it('is not kept from what a rule cannot tell apart: all ports of the project, and everything of its own', async t => {
      const { lab, signal, network } = bench();
      const [own, victim] = [await make(), await make({ name: 'victim' })];
      const { neutron } = await bench().least(t, [own]);
      const seen = await neutron.port(victim, signal);
      assert.equal(seen.name, 'victim');
      await neutron.deletePort(victim, signal);
      assert.equal((await lab.api('GET', `/ports/${victim}`)).status, 404);
      const free = seen.fixed_ips.map(({ ip_address }) => ({ ip_address }));
      const port: Port = await neutron.updatePort(own, { allowed_address_pairs: free }, undefined, signal);
      assert.deepEqual(
        port.allowed_address_pairs.map(({ ip_address }) => ip_address),
        free.map(({ ip_address }) => ip_address),
        "it takes over another's address",
      );
      const open = { port_security_enabled: false, security_groups: [], allowed_address_pairs: [] };
      await neutron.updatePort(own, open, undefined, signal);
      assert.equal((await neutron.port(own, signal)).port_security_enabled, false);
      await lab.ok('PUT', `/quotas/${bench().demo.projectId}`, { quota: { port: 0 } }, 'admin');
      t.after(() => lab.ok('DELETE', `/quotas/${bench().demo.projectId}`, undefined, 'admin'));
      await assert.rejects(neutron.createPort(bench().reservation({ network_id: network.id }), signal), error =>
        isKuryrError(error, 'NEUTRON_QUOTA'),
      );
    });
  });
}
