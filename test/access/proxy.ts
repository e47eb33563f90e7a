/** Clouds that are reached through a proxy only. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it, type TestContext } from 'node:test';
import { isKuryrError } from '../../src/errors/kuryr-error.ts';
import type { Bench, Opened } from './bench.ts';
import { type Certificates, makeCertificates } from './certificates.ts';
import { type CompanyProxy, type Front, startProxy, tlsFront } from './fronts.ts';

/** Only the proxy knows this name. */
const HOST = 'cloud.test';

export function proxyTests(bench: () => Bench): void {
  describe('a cloud behind a proxy', () => {
    let certificates: Certificates;
    let keystone: Front;
    let neutron: Front;
    let proxy: CompanyProxy;
    let proxyUrl: string;
    const portOf = (url: string): number => Number(new URL(url).port);

    before(async () => {
      const { lab } = bench();
      certificates = await makeCertificates(lab, `IP:127.0.0.1,DNS:${HOST}`);
      keystone = await tlsFront(certificates, portOf(lab.authUrl));
      neutron = await tlsFront(certificates, portOf(lab.neutronUrl));
      proxy = await startProxy([HOST], [keystone.port, neutron.port]);
      proxyUrl = `http://127.0.0.1:${proxy.port}`;
    });
    after(() => Promise.all([keystone?.close(), neutron?.close(), proxy?.close()]));
    beforeEach(() => {
      proxy.seen.length = 0;
      proxy.credentials.clear();
      proxy.refuse = undefined;
    });

    const openPlain = (t: TestContext, host: string, env: Record<string, string>) => {
      const { lab } = bench();
      const override = { network_endpoint_override: `http://${host}:${portOf(lab.neutronUrl)}` };
      return bench().open(t, { ...bench().clouds(override, `http://${host}:${portOf(lab.authUrl)}/v3`), env });
    };
    const openSecure = (t: TestContext, host: string, env: Record<string, string>) => {
      const override = { network_endpoint_override: `https://${host}:${neutron.port}`, cacert: 'ca.pem' };
      const { files } = bench().clouds(override, `https://${host}:${keystone.port}/v3`);
      return bench().open(t, { files: { ...files, 'ca.pem': certificates.ca }, env });
    };
    const works = async ({ neutron: client }: Opened) =>
      assert.equal((await client.networks({ name: 'access' }, bench().signal)).length, 1);
    const refused = async ({ neutron: client }: Opened): Promise<string> => {
      const error = await client.networks({}, bench().signal).catch((thrown: unknown) => thrown);
      assert.ok(isKuryrError(error, 'CLOUD_UNREACHABLE'), String(error));
      return error.message;
    };

    for (const variable of ['HTTPS_PROXY', 'https_proxy', 'ALL_PROXY', 'all_proxy']) {
      it(`asks ${variable} for tunnels to an API with TLS, whose name it need not know`, async t => {
        await works(await openSecure(t, HOST, { [variable]: proxyUrl }));
        assert.deepEqual(proxy.seen, [`CONNECT ${HOST}:${keystone.port}`, `CONNECT ${HOST}:${neutron.port}`]);
      });
    }

    for (const variable of ['HTTP_PROXY', 'http_proxy']) {
      it(`asks ${variable} for the documents of an API without TLS`, async t => {
        const { lab } = bench();
        await works(await openPlain(t, HOST, { [variable]: proxyUrl }));
        assert.equal(proxy.seen[0], `POST http://${HOST}:${portOf(lab.authUrl)}/v3/auth/tokens`);
        assert.match(proxy.seen[1] ?? '', new RegExp(`^GET http://${HOST}:${portOf(lab.neutronUrl)}/v2\\.0/networks`));
        assert.equal(proxy.seen.length, 2);
      });
    }

    for (const [variable, value] of [
      ['NO_PROXY', '127.0.0.1'],
      ['no_proxy', 'example.org, 127.0.0.1'],
      ['no_proxy', '127.0.0.0/8'],
      ['no_proxy', '*'],
    ] as const) {
      it(`goes past the proxy where ${variable} is ${value}`, async t => {
        const both = { HTTP_PROXY: proxyUrl, https_proxy: proxyUrl, [variable]: value };
        await works(await openPlain(t, '127.0.0.1', both));
        await works(await openSecure(t, '127.0.0.1', both));
        assert.deepEqual(proxy.seen, []);
      });
    }

    it('goes past it for one port, and through it for the other', async t => {
      await works(await openSecure(t, '127.0.0.1', { HTTPS_PROXY: proxyUrl, NO_PROXY: `127.0.0.1:${neutron.port}` }));
      assert.deepEqual(proxy.seen, [`CONNECT 127.0.0.1:${keystone.port}`]);
    });

    it('goes through it where no_proxy names others', async t => {
      await works(await openSecure(t, HOST, { HTTPS_PROXY: proxyUrl, NO_PROXY: 'localhost,.example.org,10.0.0.0/8' }));
      assert.equal(proxy.seen.length, 2);
    });

    it("gives the proxy the URL's user and password, and shows them nowhere", async t => {
      const env = { HTTPS_PROXY: `http://user:pass-Zq7@127.0.0.1:${proxy.port}` };
      const opened = await openSecure(t, HOST, env);
      await works(opened);
      const sent = `Basic ${Buffer.from('user:pass-Zq7').toString('base64')}`;
      assert.deepEqual([...proxy.credentials], [sent]);
      proxy.refuse = 407;
      const again = await openSecure(t, HOST, env);
      const message = await refused(again);
      assert.match(message, /proxy.*407/);
      assert.ok(!`${message} ${opened.shown()} ${again.shown()}`.includes('pass-Zq7'));
    });

    it('names the proxy that does not answer, for both kinds of API', async t => {
      const gone = await startProxy([], []);
      await gone.close();
      const where = `127.0.0.1:${gone.port}`;
      const env = { HTTPS_PROXY: `http://user:pass-Zq7@${where}`, HTTP_PROXY: `http://${where}` };
      for (const message of [
        await refused(await openSecure(t, HOST, env)),
        await refused(await openPlain(t, HOST, env)),
      ]) {
        assert.match(message, new RegExp(`the proxy http://${where.replaceAll('.', '\\.')}`));
        assert.ok(!message.includes('pass-Zq7'));
      }
    });

    it('says that it was the proxy that refused', async t => {
      proxy.refuse = 403;
      assert.match(await refused(await openSecure(t, HOST, { HTTPS_PROXY: proxyUrl })), /proxy.*403/);
    });
  });
}
