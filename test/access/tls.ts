/** An API behind TLS whose certificate an own authority has signed. */
import assert from 'node:assert/strict';
import { after, before, describe, it, type TestContext } from 'node:test';
import { isKuryrError, type KuryrError } from '../../src/errors/kuryr-error.ts';
import { authentications, type Bench } from './bench.ts';
import { type Certificates, makeCertificates } from './certificates.ts';
import { type Front, tlsFront } from './fronts.ts';

export function tlsTests(bench: () => Bench): void {
  describe('an API behind TLS with an authority of its own', () => {
    let certificates: Certificates;
    let keystone: Front;
    let neutron: Front;
    /** A region of the catalogue that names the front of Neutron. */
    const region = 'Secure';
    let endpointId: string;

    before(async () => {
      const { lab } = bench();
      certificates = await makeCertificates(lab, 'IP:127.0.0.1,DNS:cloud.test');
      keystone = await tlsFront(certificates, Number(new URL(lab.authUrl).port));
      neutron = await tlsFront(certificates, Number(new URL(lab.neutronUrl).port));
      const { services } = await bench().keystone('GET', '/services?type=network');
      await bench().keystone('POST', '/regions', { region: { id: region } });
      const url = `https://127.0.0.1:${neutron.port}`;
      const endpoint = { service_id: services[0].id, region_id: region, interface: 'public', url };
      endpointId = (await bench().keystone('POST', '/endpoints', { endpoint })).endpoint.id;
    });
    after(async () => {
      await Promise.all([keystone?.close(), neutron?.close()]);
      if (endpointId === undefined) return;
      await bench().keystone('DELETE', `/endpoints/${endpointId}`);
      await bench().keystone('DELETE', `/regions/${region}`);
    });

    const open = (t: TestContext, more: object, { host = '127.0.0.1', env = {} } = {}) => {
      const { files } = bench().clouds({ region_name: region, ...more }, `https://${host}:${keystone.port}/v3`);
      return bench().open(t, { files: { ...files, 'ca.pem': certificates.ca, 'empty.pem': 'none' }, env });
    };
    /** The error of a cloud that does not trust; that it comes of one try, since another would end the same. */
    const distrust = async (t: TestContext, more: object, host?: string): Promise<KuryrError> => {
      const { neutron, calls } = await open(t, more, host === undefined ? {} : { host });
      const error = await neutron.networks({}, bench().signal).catch((thrown: unknown) => thrown);
      assert.ok(isKuryrError(error, 'CLOUD_UNTRUSTED'), String(error));
      assert.equal(authentications(calls), 1);
      return error;
    };

    it('is trusted with cacert, at the https URL of the catalogue', async t => {
      const { neutron: client, authorization } = await open(t, { cacert: 'ca.pem' });
      assert.equal((await authorization(bench().signal)).endpoint, `https://127.0.0.1:${neutron.port}/v2.0`);
      const port = await client.createPort(bench().reservation(), bench().signal);
      await client.deletePort(port.id, bench().signal);
    });

    it('is trusted with OS_CACERT, at the URL of an override', async t => {
      const { user_domain_id: _, project_domain_id: __, ...auth } = bench().password();
      const env = {
        ...{ OS_AUTH_URL: `https://127.0.0.1:${keystone.port}`, OS_DEFAULT_DOMAIN: 'default', OS_CACERT: 'ca.pem' },
        ...{ OS_USERNAME: auth['username'] ?? '', OS_PASSWORD: 'demopw', OS_PROJECT_NAME: 'demo' },
        OS_NETWORK_ENDPOINT_OVERRIDE: `https://127.0.0.1:${neutron.port}`,
      };
      const { neutron: client } = await bench().open(t, { env, files: { 'ca.pem': certificates.ca } });
      assert.equal((await client.networks({ name: 'access' }, bench().signal)).length, 1);
    });

    it('is not trusted without cacert, and the error says which key to set', async t => {
      const error = await distrust(t, {});
      assert.match(error.message, /127\.0\.0\.1.*cacert.*OS_CACERT/);
    });

    it('is not trusted where only Neutron has a certificate that is not known', async t => {
      const override = { network_endpoint_override: `https://127.0.0.1:${neutron.port}`, region_name: 'RegionOne' };
      const { files } = bench().clouds(override);
      const { neutron: client, calls } = await bench().open(t, { files: files ?? {} });
      for (const call of [
        () => client.networks({}, bench().signal),
        () => client.createPort(bench().reservation(), bench().signal),
      ]) {
        const error = await call().catch((thrown: unknown) => thrown);
        assert.ok(isKuryrError(error, 'CLOUD_UNTRUSTED'), String(error));
        assert.match(error.message, new RegExp(`https://127\\.0\\.0\\.1:${neutron.port}`));
      }
      assert.equal(calls.filter(call => call.service === 'network').length, 2, 'tried again in vain');
    });

    it('is not trusted under a name that its certificate lacks, and the error names both', async t => {
      const error = await distrust(t, { cacert: 'ca.pem' }, 'localhost');
      assert.match(error.message, /localhost.*cloud\.test/);
    });

    it('is used unverified where clouds.yaml says verify: false', async t => {
      const { neutron: client } = await open(t, { verify: false }, { host: 'localhost' });
      assert.equal((await client.networks({ name: 'access' }, bench().signal)).length, 1);
    });

    it('is not begun with where the file of cacert is missing or holds no certificate', async t => {
      await assert.rejects(open(t, { cacert: 'nowhere.pem' }), /CLOUD_CONFIG_INVALID/);
      await assert.rejects(open(t, { cacert: 'empty.pem' }), /CLOUD_CONFIG_INVALID/);
    });
  });
}
