/** Revision numbers, `If-Match`, and what happens to requests that come at the same moment. */
import assert from 'node:assert/strict';
import { type Case, refused, status, type Trial } from '../trial.ts';

const match = (value: string) => ({ headers: { 'if-match': value } });
const shown = async (t: Trial, { id }: { id: string }) => (await t.get(`/ports/${id}`)).port;
const pair = (ip_address: string) => ({ allowed_address_pairs: [{ ip_address }] });

export const revisions: readonly Case[] = [
  {
    name: 'a write with the revision of a GET is carried out, and the next GET shows a higher one',
    run: async t => {
      const port = await shown(t, await t.bare());
      status(await t.put(port, pair('10.60.0.50'), match(`revision_number=${port.revision_number}`)), 200);
      const after = await shown(t, port);
      assert.ok(after.revision_number > port.revision_number);
      status(await t.put(port, pair('10.60.0.51'), match(`revision_number=${after.revision_number}`)), 200);
    },
  },
  {
    name: 'a write with an old revision is refused and changes nothing',
    run: async t => {
      const port = await t.bare();
      status(await t.put(port, pair('10.60.0.50')), 200);
      const now = await shown(t, port);
      for (const fields of [pair('10.60.0.51'), { name: 'x' }, { admin_state_up: false }]) {
        const answer = await t.put(port, fields, match(`revision_number=${port.revision_number}`));
        const message = `Constrained to ${port.revision_number}, but current revision is ${now.revision_number}`;
        refused(answer, 412, 'RevisionNumberConstraintFailed', message);
      }
      assert.deepEqual(await shown(t, port), now);
    },
  },
  {
    name: 'a deletion with an old revision is refused',
    run: async t => {
      const port = await t.bare();
      status(await t.put(port, { name: 'x' }), 200);
      const answer = await t.api('DELETE', `/ports/${port.id}`, undefined, match('revision_number=0'));
      status(answer, 412);
      const { revision_number } = await shown(t, port);
      status(await t.api('DELETE', `/ports/${port.id}`, undefined, match(`revision_number=${revision_number}`)), 204);
    },
  },
  {
    name: 'networks and subnets have revisions too',
    run: async t => {
      const { network, subnet } = await t.net('10.47.0.0/24');
      for (const [kind, { id }] of [
        ['network', network],
        ['subnet', subnet],
      ] as const) {
        const path = `/${kind}s/${id}`;
        const stale = await t.api('PUT', path, { [kind]: { name: 'x' } }, match('revision_number=99'));
        status(stale, 412);
        assert.equal(stale.body.NeutronError.type, 'RevisionNumberConstraintFailed');
        const { revision_number } = (await t.get(path))[kind];
        status(await t.api('PUT', path, { [kind]: { name: 'x' } }, match(`revision_number=${revision_number}`)), 200);
      }
    },
  },
  {
    name: 'an If-Match in quotes holds as well',
    run: async t => {
      const port = await t.bare();
      status(await t.put(port, { name: 'x' }, match('"revision_number=0"')), 412);
      status(await t.put(port, { name: 'x' }, match(`"revision_number=${port.revision_number}"`)), 200);
    },
  },
  {
    name: 'an If-Match of another form is ignored',
    run: async t => {
      const port = await t.bare();
      for (const value of ['*', '"0"', '0', 'W/"0"']) status(await t.put(port, { name: value }, match(value)), 200);
    },
  },
  {
    name: 'a revision is a number',
    run: async t => {
      const answer = await t.put(t.bed.port, { name: 'x' }, match('revision_number=abc'));
      const message = 'Bad if-match request: Revision number etag must be in the format of revision_number=<int>.';
      refused(answer, 400, 'BadRequest', message);
    },
  },
  {
    name: 'a subnet that comes or goes changes the revision of its network',
    run: async t => {
      const network = await t.network();
      const { id } = await t.subnet(network.id, '10.47.0.0/24');
      const more = (await t.get(`/networks/${network.id}`)).network.revision_number;
      assert.ok(more > network.revision_number);
      status(await t.api('DELETE', `/subnets/${id}`), 204);
      assert.ok((await t.get(`/networks/${network.id}`)).network.revision_number > more);
    },
  },
  {
    name: 'a tag changes the revision of its port',
    run: async t => {
      const port = await t.bare();
      status(await t.api('PUT', `/ports/${port.id}/tags/red`), 201);
      assert.ok((await shown(t, port)).revision_number > port.revision_number);
    },
  },
  {
    name: 'what is old by the clock comes out of created_at and updated_at',
    run: async t => {
      const port = await t.bare();
      assert.equal(port.created_at <= port.updated_at, true);
      status(await t.put(port, { name: 'x' }), 200);
      const now = await shown(t, port);
      assert.equal(now.created_at, port.created_at);
      assert.equal(now.updated_at >= port.updated_at, true);
    },
  },
];

export const races: readonly Case[] = [
  {
    name: 'of eight that create one address one is answered 201, seven 409',
    run: async t => {
      const fixed_ips = [{ subnet_id: t.bed.subnet4.id, ip_address: '10.60.0.80' }];
      const body = { port: { network_id: t.bed.network.id, fixed_ips } };
      const answers = await Promise.all(Array.from({ length: 8 }, () => t.api('POST', '/ports', body)));
      for (const { status: code, body: made } of answers) {
        if (code === 201) t.defer(() => t.api('DELETE', `/ports/${made.port.id}`));
      }
      assert.deepEqual(answers.map(answer => answer.status).sort(), [201, 409, 409, 409, 409, 409, 409, 409]);
      const message = `IP address 10.60.0.80 already allocated in subnet ${t.bed.subnet4.id}`;
      for (const answer of answers) {
        if (answer.status === 409) refused(answer, 409, 'IpAddressAlreadyAllocated', message);
      }
    },
  },
  {
    name: 'writes of pairs at one moment with one If-Match are carried out side by side, and end as the union of their lists',
    run: async t => {
      const port = await t.bare();
      const asking = match(`revision_number=${port.revision_number}`);
      const asked = Array.from({ length: 6 }, (_, index) => `10.60.2.${index}`);
      const answers = await Promise.all(asked.map(ip_address => t.put(port, pair(ip_address), asking)));
      for (const answer of answers) assert.ok([200, 412].includes(answer.status), JSON.stringify(answer.body));
      const carried = asked.filter((_, index) => answers[index]?.status === 200);
      assert.ok(carried.length > 1, 'one write alone was carried out');
      const stand = (await shown(t, port)).allowed_address_pairs;
      assert.deepEqual(stand.map(({ ip_address }: { ip_address: string }) => ip_address).sort(), carried);
    },
  },
  {
    name: 'a port can be deleted by four at once',
    run: async t => {
      const port = await t.bare();
      const answers = await Promise.all(Array.from({ length: 4 }, () => t.api('DELETE', `/ports/${port.id}`)));
      for (const answer of answers) assert.ok([204, 404].includes(answer.status), JSON.stringify(answer.body));
      assert.ok(answers.some(answer => answer.status === 204));
      status(await t.api('GET', `/ports/${port.id}`), 404);
    },
  },
  {
    name: 'ports that are made at once get addresses of their own',
    run: async t => {
      const body = { port: { network_id: t.bed.network.id, fixed_ips: [{ subnet_id: t.bed.subnet4.id }] } };
      const answers = await Promise.all(Array.from({ length: 6 }, () => t.api('POST', '/ports', body)));
      const got = new Set<string>();
      for (const answer of answers) {
        status(answer, 201);
        t.defer(() => t.api('DELETE', `/ports/${answer.body.port.id}`));
        got.add(answer.body.port.fixed_ips[0].ip_address);
      }
      assert.equal(got.size, 6);
    },
  },
];
