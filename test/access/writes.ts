/**
 * Every write that Kuryr makes, once on the real Neutron, and what becomes of its refusals. The ports that are made go
 * away with the lab.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it, type TestContext } from 'node:test';
import { isKuryrError, type KuryrError } from '../../src/errors/kuryr-error.ts';
import type { ErrorCode } from '../../src/errors/table.ts';
import type { HttpClient } from '../../src/openstack/http.ts';
import type { Port } from '../../src/openstack/neutron.ts';
import { Traffic, type Verdict } from '../lab/cloud/traffic.ts';
import type { Bench } from './bench.ts';
import { type Front, unixFront } from './fronts.ts';

export function writeTests(bench: () => Bench): void {
  /** The error of that code which the work must end with. */
  const refused = async (code: ErrorCode, work: Promise<unknown>): Promise<KuryrError> => {
    const error = await work.then(
      () => 'no error',
      (thrown: unknown) => thrown,
    );
    assert.ok(isKuryrError(error, code), `${code} expected: ${error}`);
    return error;
  };
  const named = async (name: string): Promise<readonly { id: string }[]> =>
    (await bench().lab.ok('GET', `/ports?name=${name}`)).ports;
  const makePort = async (fields: object = {}): Promise<string> => {
    const { lab, network } = bench();
    const { port } = await lab.ok('POST', '/ports', { port: { network_id: network.id, ...fields } });
    return port.id;
  };

  describe('a write whose answer is lost', () => {
    const traffic = new Traffic();
    let front: Front;

    before(async () => {
      const socket = `${bench().lab.place.dir}/access-api`;
      await traffic.listen(socket, 'access', 'neutron', Number(new URL(bench().lab.neutronUrl).port));
      front = await unixFront(socket);
    });
    after(async () => {
      traffic.close();
      await front?.close();
    });

    /** A client behind the front, which gives the next requests of a method these verdicts; a late one is answered. */
    const behind = async (t: TestContext, method: string, verdicts: Verdict[]) => {
      traffic.calls.length = 0;
      traffic.gate = call => (call.method === method ? verdicts.shift() : undefined) ?? 'pass';
      const opened = await bench().open(
        t,
        bench().clouds({ network_endpoint_override: `http://127.0.0.1:${front.port}` }),
      );
      const asked = () => traffic.calls.map(call => `${call.method} ${call.status ?? 'lost'}`);
      return { neutron: opened.neutron, asked };
    };

    const gateway = { status: 504, body: { message: 'the load balancer gave up' } };
    for (const [what, verdicts, asked] of [
      ['after Neutron made the port', ['cut'], ['POST lost', 'GET 200']],
      ['before Neutron heard of it', ['refuse'], ['POST lost', 'GET 200', 'POST 201', 'GET 200']],
      ['twice, before and after', ['refuse', 'cut'], ['POST lost', 'GET 200', 'POST lost', 'GET 200']],
      ['with a 504 of a load balancer', [gateway], ['POST 504', 'GET 200', 'POST 201', 'GET 200']],
    ] as [string, Verdict[], string[]][]) {
      it(`makes exactly one port: ${what}`, async t => {
        const client = await behind(t, 'POST', [...verdicts]);
        const body = bench().reservation();
        const port = await client.neutron.createPort(body, bench().signal);
        assert.deepEqual(client.asked(), asked);
        assert.deepEqual(
          (await named(body.name)).map(each => each.id),
          [port.id],
        );
        assert.equal(port.fixed_ips.length, 1);
      });
    }

    it('with a revision is left to the caller, who reads again; without one is sent again', async t => {
      const id = await makePort();
      const { revision_number } = await (await behind(t, 'PUT', [])).neutron.port(id, bench().signal);
      const { neutron, asked } = await behind(t, 'PUT', ['cut', 'cut']);
      const fields = { allowed_address_pairs: [{ ip_address: '10.30.0.77' }] };
      await refused('NEUTRON_OUTCOME_UNKNOWN', neutron.updatePort(id, fields, revision_number, bench().signal));
      assert.deepEqual(asked(), ['PUT lost']);
      const now = await neutron.port(id, bench().signal);
      assert.ok(now.revision_number > revision_number && now.allowed_address_pairs.length === 1);
      await neutron.updatePort(id, { name: 'twice' }, undefined, bench().signal);
      assert.deepEqual(asked(), ['PUT lost', 'GET 200', 'PUT lost', 'PUT 200']);
    });

    it('deletes a port that is gone already', async t => {
      const { neutron, asked } = await behind(t, 'DELETE', ['cut']);
      const port = await neutron.createPort(bench().reservation(), bench().signal);
      await neutron.deletePort(port.id, bench().signal);
      assert.deepEqual(asked(), ['POST 201', 'DELETE lost', 'DELETE 404']);
      await neutron.deletePort(port.id, bench().signal);
    });
  });

  describe('a write of pairs', () => {
    it('with an old revision is refused as stale and changes nothing', async t => {
      const id = await makePort();
      const { neutron } = await bench().open(t, bench().clouds());
      const { signal } = bench();
      const first = await neutron.port(id, signal);
      const pairs = (...ips: string[]) => ({ allowed_address_pairs: ips.map(ip_address => ({ ip_address })) });
      await neutron.updatePort(id, pairs('10.30.0.81'), first.revision_number, signal);
      const stale = neutron.updatePort(id, pairs('10.30.0.82'), first.revision_number, signal);
      const error = await refused('NEUTRON_STALE', stale);
      assert.equal(error.details['status'], 412);
      const now = await neutron.port(id, signal);
      assert.deepEqual(
        now.allowed_address_pairs.map(pair => pair.ip_address),
        ['10.30.0.81'],
      );
    });

    it('past the limit is refused with the limit', async t => {
      const id = await makePort();
      const { neutron } = await bench().open(t, bench().clouds());
      const pairs = Array.from({ length: 11 }, (_, n) => ({ ip_address: `10.30.0.${100 + n}` }));
      const write = neutron.updatePort(id, { allowed_address_pairs: pairs }, undefined, bench().signal);
      assert.equal((await refused('PAIRS_EXHAUSTED', write)).details['limit'], 10);
    });

    it('on a port without port security is refused with that reason', async t => {
      const id = await makePort({ port_security_enabled: false, security_groups: [] });
      const { neutron } = await bench().open(t, bench().clouds());
      const pairs = { allowed_address_pairs: [{ ip_address: '10.30.0.90' }] };
      await refused('PORT_SECURITY_OFF', neutron.updatePort(id, pairs, undefined, bench().signal));
    });
  });

  describe('a reservation', () => {
    it('is refused with the reason: quota, taken, outside, no more addresses', async t => {
      const { lab, demo, signal } = bench();
      const { neutron } = await bench().open(t, bench().clouds());
      const small = await lab.createNetwork({
        name: 'small',
        v4: { cidr: '10.31.0.0/29', pool: { start: '10.31.0.2', end: '10.31.0.2' } },
      });
      const on = (ip_address?: string) =>
        bench().reservation({
          network_id: small.id,
          fixed_ips: [{ subnet_id: small.v4?.id ?? '', ...(ip_address === undefined ? {} : { ip_address }) }],
        });
      const port = await neutron.createPort(on(), signal);
      assert.deepEqual(
        port.fixed_ips.map(ip => ip.ip_address),
        ['10.31.0.2'],
      );
      await refused('SUBNET_EXHAUSTED', neutron.createPort(on(), signal));
      const taken = await refused('ADDRESS_IN_USE', neutron.createPort(on('10.31.0.2'), signal));
      assert.match(taken.message, /10\.31\.0\.2/);
      await refused('ADDRESS_OUTSIDE', neutron.createPort(on('10.99.0.1'), signal));
      await lab.ok('PUT', `/quotas/${demo.projectId}`, { quota: { port: 1 } }, 'admin');
      t.after(() => lab.ok('DELETE', `/quotas/${demo.projectId}`, undefined, 'admin'));
      const quota = await refused('NEUTRON_QUOTA', neutron.createPort(bench().reservation(), signal));
      assert.match(quota.message, /Quota exceeded for resources: \['port'\].*kuryr gc/);
    });

    it('on the network of another project is refused: not seen, or, where it is shared, forbidden', async t => {
      const { lab, demo, signal } = bench();
      const theirs = await lab.createNetwork({ name: 'theirs', v4: { cidr: '10.32.0.0/24' }, user: 'demo2' });
      const { neutron } = await bench().open(t, bench().clouds());
      const subnet_id = theirs.v4?.id ?? '';
      const free = bench().reservation({ network_id: theirs.id, fixed_ips: [{ subnet_id }] });
      await refused('NEUTRON_NOT_FOUND', neutron.createPort(free, signal));
      assert.deepEqual(await neutron.networks({ id: theirs.id }, signal), []);
      const share = { action: 'access_as_shared', object_type: 'network', object_id: theirs.id };
      const policy = { rbac_policy: { ...share, target_tenant: demo.projectId } };
      await lab.ok('POST', '/rbac-policies', policy, 'demo2');
      const chosen = bench().reservation({
        network_id: theirs.id,
        fixed_ips: [{ subnet_id, ip_address: '10.32.0.50' }],
      });
      const error = await refused('NEUTRON_FORBIDDEN', neutron.createPort(chosen, signal));
      assert.match(error.message, /policy/);
      await neutron.createPort({ ...free, name: `${free.name}-shared` }, signal);
    });
  });

  describe('a list of many pages', () => {
    const COUNT = 8;
    let ids: string[];
    before(async () => {
      const port = { network_id: bench().network.id, device_owner: 'kuryr:pages', admin_state_up: false };
      const made = await bench().lab.ok('POST', '/ports', { ports: Array.from({ length: COUNT }, () => port) });
      ids = made.ports.map((each: Port) => each.id).sort();
    });

    /** A client that asks for pages of three, and `between` done after the first page has come. */
    const small = async (t: TestContext, between?: (last: string) => Promise<unknown>) => {
      let pages = 0;
      const wrapHttp = (http: HttpClient): HttpClient => ({
        async request(request, signal) {
          const answer = await http.request({ ...request, url: request.url.replace('limit=500', 'limit=3') }, signal);
          if (!request.url.includes('limit=500') || ++pages !== 1) return answer;
          const { ports } = JSON.parse(answer.body) as { ports: Port[] };
          await between?.(ports.at(-1)?.id ?? '');
          return answer;
        },
        close: () => http.close(),
      });
      const opened = await bench().open(t, { ...bench().clouds(), wrapHttp });
      return { list: () => opened.neutron.ports({ device_owner: 'kuryr:pages' }, bench().signal), calls: opened.calls };
    };

    it('is read whole, page after page', async t => {
      const { list, calls } = await small(t);
      assert.deepEqual((await list()).map(port => port.id).sort(), ids);
      assert.equal(calls.filter(call => call.service === 'network').length, 3);
    });

    it('is read whole while the last port of a page is deleted', async t => {
      let gone = '';
      const { list } = await small(t, async last => {
        gone = last;
        await bench().lab.ok('DELETE', `/ports/${last}`);
      });
      const found = (await list()).map(port => port.id);
      assert.deepEqual(
        ids.filter(id => id !== gone && !found.includes(id)),
        [],
      );
    });
  });
}
