/** Tokens that end: by age, by revocation, by being no tokens. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isKuryrError } from '../../src/errors/kuryr-error.ts';
import type { HttpClient } from '../../src/openstack/http.ts';
import { until } from '../lab/cloud/run.ts';
import { authentications, type Bench, CLOUDS, type Written } from './bench.ts';

const LIFE_MS = 3_000;
const BUSY_MS = 8_000;

export function expiryTests(bench: () => Bench): void {
  /** Two callers without pause for 8 s and four tokens at least. */
  const keepBusy = async (t: Parameters<Bench['open']>[0], written: Written) => {
    const { neutron, calls } = await bench().open(t, { ...written, deadlineMs: 300_000 });
    const start = performance.now();
    const caller = async () => {
      while (performance.now() - start < BUSY_MS || authentications(calls) < 4)
        await neutron.networks({ id: bench().network.id }, bench().signal);
    };
    await Promise.all(Array.from({ length: 2 }, caller));
    const ms = performance.now() - start;
    const count = (status: number) => calls.filter(call => call.service === 'network' && call.status === status).length;
    const seen = authentications(calls);
    t.diagnostic(`${count(200)} answered and ${count(401)} refused in ${Math.round(ms)} ms, ${seen} authentications`);
    // Each token lives 3 s from before Keystone was asked, and is renewed at four fifths of that.
    assert.ok(seen <= Math.ceil(ms / (LIFE_MS * 0.6)) + 1, `${seen} authentications`);
  };

  describe('tokens of 3 seconds', () => {
    it('are renewed before they end, so that no call of many over 8 s sees a failure', async t => {
      await keepBusy(t, bench().clouds({}, await bench().lab.shortAuthUrl()));
    });

    it('that an application credential gave are renewed as well', async t => {
      const { id, secret } = await bench().credential('short');
      const auth = { application_credential_id: id, application_credential_secret: secret };
      const authUrl = await bench().lab.shortAuthUrl();
      await keepBusy(t, { files: { [CLOUDS]: { clouds: { lab: { auth: { auth_url: authUrl, ...auth } } } } } });
    });

    for (const scoped of [false, true]) {
      it(`that a user gave ${scoped ? 'to be scoped' : 'as they are'} end, and the error says so`, async t => {
        const authUrl = await bench().lab.shortAuthUrl();
        let given = {};
        // On a machine that is very busy a token may end before it is first used.
        const inUse = async () => {
          const { token } = await (await bench().open(t, bench().clouds({}, authUrl))).authorization(bench().signal);
          const auth = { OS_AUTH_URL: authUrl, OS_AUTH_TYPE: 'token', OS_TOKEN: token.reveal() };
          given = { ...auth, ...(scoped ? { OS_PROJECT_ID: bench().demo.projectId } : {}) };
          const opened = await bench().open(t, { env: given });
          await opened.authorization(bench().signal);
          return opened;
        };
        const { neutron, calls } = await until('a token in use', inUse, bench().signal);
        const ended = async () => {
          return await neutron.networks({}, bench().signal).then(
            () => undefined,
            (thrown: unknown) => thrown,
          );
        };
        const error = await until('the end of the token', ended, bench().signal);
        assert.ok(isKuryrError(error, 'KEYSTONE_TOKEN_EXPIRED'), String(error));
        assert.match(error.message, /expired at 20\d\d-.* application credential/);
        assert.ok(authentications(calls) <= 2, `${authentications(calls)} authentications`);
        const late = await bench().open(t, { env: given });
        await assert.rejects(late.neutron.networks({}, bench().signal), /refuses the token/);
      });
    }
  });

  describe('a token that Neutron refuses', () => {
    it('because it was revoked is replaced once for all calls that were under way', async t => {
      const { neutron, authorization, calls } = await bench().open(t, bench().clouds());
      const { token } = await authorization(bench().signal);
      await bench().keystone('DELETE', '/auth/tokens', undefined, { 'x-subject-token': token.reveal() });
      await Promise.all(Array.from({ length: 6 }, () => neutron.networks({}, bench().signal)));
      const refused = calls.filter(call => call.status === 401).length;
      t.diagnostic(`${refused} of 6 calls met the revoked token`);
      assert.ok(refused >= 1);
      assert.equal(authentications(calls), 2);
      assert.equal(calls.filter(call => call.status === 200).length, 6);
    });

    it('because it is garbage is replaced once, also before a write', async t => {
      let spoil = false;
      const wrapHttp = (http: HttpClient): HttpClient => ({
        request: (request, signal) => {
          const given = request.headers['x-auth-token'];
          if (!spoil || given === undefined) return http.request(request, signal);
          spoil = false;
          return http.request({ ...request, headers: { ...request.headers, 'x-auth-token': 'garbage' } }, signal);
        },
        close: () => http.close(),
      });
      const { neutron, calls } = await bench().open(t, { ...bench().clouds(), wrapHttp });
      await neutron.networks({}, bench().signal);
      spoil = true;
      await neutron.createPort(bench().reservation(), bench().signal);
      const sent = calls.map(call => `${call.method} ${call.route} ${call.status}`);
      assert.deepEqual(sent.slice(2), ['POST /ports 401', 'POST /auth/tokens 201', 'POST /ports 201']);
    });
  });
}
