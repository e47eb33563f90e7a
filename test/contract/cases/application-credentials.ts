/** Application credentials, with access rules and without: what a VM should be given. */
import assert from 'node:assert/strict';
import type { Answer } from '../../lab/cloud/client.ts';
import {
  byCredential,
  byToken,
  credential,
  DOMAIN,
  denied,
  issued,
  MALFORMED,
  type Self,
  self,
  unauthorized,
} from '../keystone.ts';
import { type Case, keys, status, type Trial } from '../trial.ts';

const KEYS = [
  ...['description', 'expires_at', 'id', 'links', 'name', 'project_id', 'roles', 'secret', 'system'],
  ...['unrestricted', 'user_id'],
];

const path = ({ id }: Self) => `/users/${id}/application_credentials`;
const as = (token: string) => ({ headers: { 'x-auth-token': token } });
const roleNames = (roles: readonly { name: string }[]) => roles.map(({ name }) => name).sort();

/** Asks Neutron with a token of the credential's. */
async function asking(t: Trial, { id, secret }: { id: string; secret: string }) {
  const { id: token } = await issued(t.target, byCredential({ id, secret }));
  return (method: string, path: string, body?: unknown): Promise<Answer> =>
    t.api(method, path, body, { user: 'none', ...as(token) });
}

const rule = (method: string, path: string) => ({ service: 'network', method, path: `/v2.0${path}` });

/** A creation that is refused, each a case. */
const refusedWith = (name: string, fields: object, code: number, title: string, message: string): Case => ({
  name,
  run: async t => {
    const me = await self(t);
    const body = { application_credential: { name: 'refused', ...fields } };
    denied(await t.target.keystone('POST', path(me), body, as(me.token)), code, title, message);
  },
});

export const applicationCredentials: readonly Case[] = [
  {
    name: 'a new one has these fields, and its secret is shown once',
    run: async t => {
      const me = await self(t);
      const made = await credential(t, me);
      assert.deepEqual(keys(made), KEYS);
      const { id, secret, name, roles, ...rest } = made;
      assert.match(id, /^[0-9a-f]{32}$/);
      assert.match(secret, /^[\w-]{86}$/);
      assert.deepEqual(rest, {
        description: null,
        user_id: me.id,
        project_id: me.projectId,
        system: null,
        expires_at: null,
        unrestricted: null,
        links: { self: `${t.target.authUrl}/application_credentials/${id}` },
      });
      assert.deepEqual(roleNames(roles), ['member', 'reader']);
      for (const role of roles) assert.deepEqual(keys(role), ['description', 'domain_id', 'id', 'name', 'options']);
      const { secret: _, ...without } = made;
      const shown = await t.target.keystone('GET', `${path(me)}/${id}`, undefined, as(me.token));
      assert.deepEqual(shown.body.application_credential, {
        ...without,
        unrestricted: shown.body.application_credential.unrestricted,
      });
      const listed = await t.target.keystone('GET', `${path(me)}?name=${name}`, undefined, as(me.token));
      assert.deepEqual(listed.body.application_credentials, [shown.body.application_credential]);
      const self_ = `${t.target.authUrl}${path(me)}?name=${name}`;
      assert.deepEqual(listed.body.links, { next: null, self: self_, previous: null });
    },
  },
  {
    name: 'secret, description, roles and end may be chosen',
    run: async t => {
      const fields = {
        secret: 's3cret',
        description: 'd',
        unrestricted: true,
        expires_at: '2036-01-01T00:00:00.000000',
      };
      const made = await credential(t, await self(t), { ...fields, roles: [{ name: 'reader' }] });
      for (const [key, value] of Object.entries(fields)) assert.equal(made[key], value, key);
      assert.deepEqual(roleNames(made.roles), ['reader']);
      const { token } = await issued(t.target, byCredential({ id: made.id, secret: 's3cret' }));
      assert.deepEqual(roleNames(token.roles), ['reader']);
    },
  },
  {
    name: 'its tokens are for its project, by id and by name',
    run: async t => {
      const me = await self(t);
      const { id, name, secret } = await credential(t, me);
      for (const how of [
        { id, secret },
        { name, secret, user: { name: 'demo', domain: DOMAIN } },
        { name, secret, user: { id: me.id } },
      ]) {
        const { token } = await issued(t.target, byCredential(how));
        assert.deepEqual(token.methods, ['application_credential']);
        assert.equal(token.project.id, me.projectId);
        assert.deepEqual(keys(token.application_credential), ['id', 'name', 'restricted']);
        assert.deepEqual(token.application_credential, { id, name, restricted: true });
        assert.ok(token.catalog.length > 0);
      }
    },
  },
  {
    name: 'its tokens serve at Neutron',
    run: async t => {
      const ask = await asking(t, await credential(t, await self(t)));
      status(await ask('GET', `/ports/${t.bed.port.id}`), 200);
    },
  },
  {
    name: 'a wrong secret is refused, an unknown id is not found',
    run: async t => {
      const { id, secret } = await credential(t, await self(t));
      const post = (body: object) => t.target.keystone('POST', '/auth/tokens', body);
      unauthorized(await post(byCredential({ id, secret: 'wrong' })));
      unauthorized(await post(byCredential({ id })));
      const message = 'Could not find Application Credential: nope.';
      denied(await post(byCredential({ id: 'nope', secret })), 404, 'Not Found', message);
    },
  },
  {
    name: 'it asks for no scope',
    run: async t => {
      const me = await self(t);
      const { id, secret } = await credential(t, me);
      const answer = await t.target.keystone(
        'POST',
        '/auth/tokens',
        byCredential({ id, secret }, { project: { id: me.projectId } }),
      );
      status(answer, 401);
      assert.equal(answer.body.error.title, 'Unauthorized');
      const message =
        'Error authenticating with application credential: Application credentials cannot request a scope.';
      assert.equal(answer.body.error.message, message);
    },
  },
  {
    name: 'a restricted one makes no others, and sees those of its user',
    run: async t => {
      const me = await self(t);
      const { id, secret } = await credential(t, me);
      const token = (await issued(t.target, byCredential({ id, secret }))).id;
      const body = { application_credential: { name: 'grandchild' } };
      const answer = await t.target.keystone('POST', path(me), body, as(token));
      const message =
        "You are not authorized to perform the requested action: Using method 'application_credential' is not allowed for managing additional application credentials..";
      denied(answer, 403, 'Forbidden', message);
      status(await t.target.keystone('GET', path(me), undefined, as(token)), 200);
    },
  },
  {
    name: 'a name stands once for a user',
    run: async t => {
      const me = await self(t);
      const { name } = await credential(t, me);
      const message = `Conflict occurred attempting to store application_credential - Duplicate entry found with name ${name}.`;
      const again = { application_credential: { name } };
      denied(await t.target.keystone('POST', path(me), again, as(me.token)), 409, 'Conflict', message);
    },
  },
  {
    name: 'when it is deleted its tokens are no tokens any more',
    run: async t => {
      const me = await self(t);
      const { id, secret } = await credential(t, me);
      const ask = await asking(t, { id, secret });
      const drop = () => t.target.keystone('DELETE', `${path(me)}/${id}`, undefined, as(me.token));
      status(await drop(), 204);
      const message = `Could not find Application Credential: ${id}.`;
      denied(await drop(), 404, 'Not Found', message);
      const post = await t.target.keystone('POST', '/auth/tokens', byCredential({ id, secret }));
      denied(post, 404, 'Not Found', message);
      status(await ask('GET', '/ports?limit=1'), 401);
    },
  },
  {
    name: 'those of another user are not shown',
    run: async t => {
      const [me, other] = [await self(t), await self(t, 'demo2')];
      const message = 'You are not authorized to perform the requested action: identity:list_application_credentials.';
      denied(await t.target.keystone('GET', path(me), undefined, as(other.token)), 403, 'Forbidden', message);
      const { id } = await credential(t, me);
      status(await t.target.keystone('GET', `${path(me)}/${id}`, undefined, as(other.token)), 403);
    },
  },
  {
    name: 'a token of a password can be had from a token',
    run: async t => {
      const me = await self(t);
      const { token } = await issued(t.target, byToken(me.token, { project: { id: me.projectId } }));
      assert.deepEqual(token.methods.toSorted(), ['password', 'token']);
    },
  },
  refusedWith(
    'a role that the user has not is refused',
    { roles: [{ name: 'admin' }] },
    400,
    'Bad Request',
    'Invalid application credential: Cannot create an application credential with unassigned role',
  ),
  refusedWith(
    'a role that is not there is not found',
    { roles: [{ name: 'nope' }] },
    404,
    'Not Found',
    'Role nope is not defined',
  ),
  refusedWith(
    'an end that has passed is refused',
    { expires_at: '2020-01-01T00:00:00.000000' },
    400,
    'Bad Request',
    `The 'expires_at' must not be before now. ${MALFORMED}`,
  ),
  refusedWith(
    'an end is a time',
    { expires_at: 'xx' },
    400,
    'Bad Request',
    `Timestamp not in expected format. ${MALFORMED}`,
  ),
  {
    name: 'it has a name',
    run: async t => {
      const me = await self(t);
      const answer = await t.target.keystone('POST', path(me), { application_credential: {} }, as(me.token));
      status(answer, 400);
      assert.match(answer.body.error.message, /^'name' is a required property/);
    },
  },
];

export const accessRules: readonly Case[] = [
  {
    name: 'with access rules a token may call what they name, and no more',
    run: async t => {
      const { port, network } = t.bed;
      const access_rules = [rule('GET', '/ports'), rule('GET', '/ports/*'), rule('PUT', `/ports/${port.id}`)];
      const ask = await asking(t, await credential(t, await self(t), { access_rules }));
      status(await ask('GET', '/ports?limit=1'), 200);
      status(await ask('GET', `/ports/${port.id}`), 200);
      // the rule lets it through, and then Neutron looks at what is written
      status(await ask('PUT', `/ports/${port.id}`, { port: { nonsense: 1 } }), 400);
      for (const [method, path] of [
        ['GET', '/networks'],
        ['GET', `/networks/${network.id}`],
        ['POST', '/ports'],
        ['DELETE', `/ports/${port.id}`],
        ['PUT', '/ports/00000000-0000-4000-8000-00000000dead'],
        ['GET', `/ports/${port.id}/tags`],
      ] as const) {
        const answer = await ask(method, path, method === 'GET' || method === 'DELETE' ? undefined : { port: {} });
        status(answer, 401);
        assert.deepEqual(answer.body.error.title, 'Unauthorized', path);
      }
    },
  },
  {
    name: 'two stars stand for all that follows, a name in braces for one part',
    run: async t => {
      const { port } = t.bed;
      const access_rules = [rule('GET', '/ports/**'), rule('GET', '/networks/{network_id}')];
      const ask = await asking(t, await credential(t, await self(t), { access_rules }));
      status(await ask('GET', `/ports/${port.id}`), 200);
      status(await ask('GET', `/ports/${port.id}/tags`), 200);
      status(await ask('GET', '/ports'), 401);
      status(await ask('GET', `/networks/${t.bed.network.id}`), 200);
      status(await ask('GET', `/networks/${t.bed.network.id}/tags`), 401);
    },
  },
  {
    name: 'a rule for another service lets nothing through here',
    run: async t => {
      const access_rules = [{ service: 'compute', method: 'GET', path: '/v2.0/ports' }];
      const ask = await asking(t, await credential(t, await self(t), { access_rules }));
      status(await ask('GET', '/ports'), 401);
    },
  },
  {
    name: 'rules have ids, are listed, shared between credentials, and outlive them',
    run: async t => {
      const me = await self(t);
      const access_rules = [rule('GET', '/subnets')];
      const [one, other] = [await credential(t, me, { access_rules }), await credential(t, me, { access_rules })];
      const [{ id, ...rest }] = one.access_rules;
      assert.match(id, /^[0-9a-f]{32}$/);
      assert.deepEqual(rest, access_rules[0]);
      assert.deepEqual(other.access_rules, one.access_rules);
      const rules = `/users/${me.id}/access_rules`;
      const listed = await t.target.keystone('GET', rules, undefined, as(me.token));
      status(listed, 200);
      const mine = listed.body.access_rules.find((each: { id: string }) => each.id === id);
      assert.deepEqual(mine, { id, ...rest, links: { self: `${t.target.authUrl}/access_rules/${id}` } });
      const shown = await t.target.keystone('GET', `${rules}/${id}`, undefined, as(me.token));
      assert.deepEqual(shown.body.access_rule, mine);
      status(await t.target.keystone('DELETE', `${rules}/${id}`, undefined, as(me.token)), 403);
      for (const { id: credentialId } of [one, other]) {
        status(await t.target.keystone('DELETE', `${path(me)}/${credentialId}`, undefined, as(me.token)), 204);
      }
      status(await t.target.keystone('DELETE', `${rules}/${id}`, undefined, as(me.token)), 204);
      status(await t.target.keystone('GET', `${rules}/${id}`, undefined, as(me.token)), 404);
    },
  },
  {
    name: 'a method that there is not is refused',
    run: async t => {
      const me = await self(t);
      const access_rules = [{ service: 'network', method: 'BOGUS', path: '/v2.0/ports' }];
      const body = { application_credential: { name: 'refused', access_rules } };
      const answer = await t.target.keystone('POST', path(me), body, as(me.token));
      status(answer, 400);
      assert.match(
        answer.body.error.message,
        /^Invalid input for field 'access_rules\/0\/method': 'BOGUS' does not match/,
      );
    },
  },
];
