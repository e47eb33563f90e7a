/** Every way to say who one is and which cloud is meant. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isKuryrError } from '../../src/errors/kuryr-error.ts';
import { type Bench, CLOUDS, type Opened, SECURE, type Written } from './bench.ts';

const domains = { user_domain_name: 'Default', project_domain_name: 'Default' };

export function authenticationTests(bench: () => Bench): void {
  /** That the client lists demo's network, and in which project it is. */
  const works = async ({ neutron, authorization }: Opened) => {
    const { signal, network, demo } = bench();
    const found = await neutron.networks({ name: 'access' }, signal);
    assert.deepEqual(
      found.map(each => each.id),
      [network.id],
    );
    assert.equal((await authorization(signal)).projectId, demo.projectId);
  };

  describe('a user', () => {
    it('gives a password with names in clouds.yaml', async t => {
      await works(await bench().open(t, bench().clouds()));
    });

    it('gives a password with names of domains, apart in secure.yaml, and chooses by OS_CLOUD', async t => {
      const { password, user_domain_id, project_domain_id, ...auth } = bench().password();
      const files = {
        [CLOUDS]: { clouds: { other: { auth: {} }, lab: { auth: { ...auth, ...domains }, region_name: 'RegionOne' } } },
        [SECURE]: { clouds: { lab: { auth: { password } } } },
      };
      await works(await bench().open(t, { files, env: { OS_CLOUD: 'lab' } }));
    });

    it('gives a password with ids', async t => {
      const { userId, projectId } = bench().demo;
      const auth = { auth_url: bench().lab.authUrl, user_id: userId, password: 'demopw', project_id: projectId };
      await works(await bench().open(t, { files: { [CLOUDS]: { clouds: { lab: { auth } } } } }));
    });

    it('gives the OS_* variables of an openrc file alone', async t => {
      const { authUrl } = bench().lab;
      const env = {
        ...{ OS_AUTH_URL: authUrl.replace('/v3', ''), OS_USERNAME: 'demo', OS_PASSWORD: 'demopw' },
        ...{ OS_PROJECT_NAME: 'demo', OS_USER_DOMAIN_NAME: 'Default', OS_PROJECT_DOMAIN_ID: 'default' },
        ...{ OS_REGION_NAME: 'RegionOne', OS_INTERFACE: 'public', OS_IDENTITY_API_VERSION: '3' },
      };
      await works(await bench().open(t, { env }));
    });

    it('takes the clouds.yaml that the lab writes for the openstack client', async t => {
      await works(await bench().open(t, { files: { [CLOUDS]: bench().lab.cloudsYaml('demo') } }));
    });

    it('gives a token, with and without a project to scope it to', async t => {
      const token = await bench().lab.token('demo');
      const env = { OS_AUTH_URL: bench().lab.authUrl, OS_AUTH_TYPE: 'v3token', OS_TOKEN: token };
      await works(await bench().open(t, { env }));
      await works(await bench().open(t, { env: { ...env, OS_PROJECT_ID: bench().demo.projectId } }));
    });

    it('gives an application credential by id, and by its name and user', async t => {
      const { id, name, secret } = await bench().credential('plain');
      const base = { auth_url: bench().lab.authUrl, application_credential_secret: secret };
      const open = (auth: object) =>
        bench().open(t, {
          files: {
            [CLOUDS]: { clouds: { lab: { auth_type: 'v3applicationcredential', auth: { ...base, ...auth } } } },
          },
        });
      await works(await open({ application_credential_id: id }));
      const user = { username: 'demo', user_domain_name: 'Default' };
      await works(await open({ application_credential_name: name, ...user }));
      await works(await open({ application_credential_name: name, user_id: bench().demo.userId }));
    });

    it('is told which of them Keystone refuses, and never sees the secret again', async t => {
      const secret = 'wrong-Zq7';
      const { id } = await bench().credential('refused');
      const { authUrl } = bench().lab;
      const cloud = (more: object): Written => ({ files: { [CLOUDS]: { clouds: { lab: more } } } });
      const ways: Record<string, Written> = {
        password: cloud({ auth: { ...bench().password(), password: secret } }),
        token: cloud({ auth_type: 'token', auth: { auth_url: authUrl, token: secret } }),
        'application credential': cloud({
          auth: { auth_url: authUrl, application_credential_id: id, application_credential_secret: secret },
        }),
      };
      for (const [kind, written] of Object.entries(ways)) {
        const opened = await bench().open(t, written);
        const error = await opened.neutron.networks({}, bench().signal).catch((thrown: unknown) => thrown);
        assert.ok(isKuryrError(error, 'KEYSTONE_UNAUTHORIZED'), String(error));
        assert.equal(error.details['kind'], kind);
        assert.match(error.message, /refuses the .* in cloud "lab" in .*clouds\.yaml.* Request id: req-/);
        assert.ok(!`${opened.shown()} ${error.stack} ${JSON.stringify(error)}`.includes(secret), 'the secret is shown');
        assert.equal(opened.calls.length, 1, 'a refusal is final');
      }
    });
  });

  describe('the catalogue', () => {
    it('is read by region and interface, and asks for a choice where there are several', async t => {
      const { neutronUrl } = bench().lab;
      const { services } = await bench().keystone('GET', '/services?type=network');
      await bench().keystone('POST', '/regions', { region: { id: 'Elsewhere' } });
      const sides = { public: 'http://127.0.0.1:9/net', internal: `${neutronUrl}/v2.0/`, admin: neutronUrl };
      const made: string[] = [];
      for (const [side, url] of Object.entries(sides)) {
        const endpoint = { service_id: services[0].id, region_id: 'Elsewhere', interface: side, url };
        made.push((await bench().keystone('POST', '/endpoints', { endpoint })).endpoint.id);
      }
      t.after(async () => {
        for (const id of made) await bench().keystone('DELETE', `/endpoints/${id}`);
        await bench().keystone('DELETE', '/regions/Elsewhere');
      });
      const endpoint = async (more: object, env = {}) => {
        const opened = await bench().open(t, { ...bench().clouds(more), env });
        return (await opened.authorization(bench().signal)).endpoint;
      };
      assert.equal(await endpoint({}), `${neutronUrl}/v2.0`);
      assert.equal(await endpoint({ region_name: 'Elsewhere' }), 'http://127.0.0.1:9/net/v2.0');
      assert.equal(await endpoint({}, { OS_REGION_NAME: 'Elsewhere' }), 'http://127.0.0.1:9/net/v2.0');
      assert.equal(await endpoint({ region_name: 'Elsewhere', interface: 'internal' }), `${neutronUrl}/v2.0`);
      const none = await endpoint({ region_name: null }).catch((thrown: unknown) => thrown);
      assert.ok(isKuryrError(none, 'KEYSTONE_NO_ENDPOINT'), String(none));
      assert.match(none.message, /public in RegionOne.*public in Elsewhere|public in Elsewhere.*public in RegionOne/);
      const wrong = await endpoint({ region_name: 'Regionone' }).catch((thrown: unknown) => thrown);
      assert.ok(isKuryrError(wrong, 'KEYSTONE_NO_ENDPOINT'), String(wrong));
    });
  });
}
