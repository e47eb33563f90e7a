/** Keystone: versions, tokens of each kind, what they say, how they end. */
import assert from 'node:assert/strict';
import {
  byPassword,
  byToken,
  DOMAIN,
  denied,
  issued,
  MALFORMED,
  projectScope,
  self,
  subject,
  unauthorized,
} from '../keystone.ts';
import { raw } from '../refusals.ts';
import { type Case, keys, status } from '../trial.ts';

const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z$/;

/** A body that is refused with 400, each a case. */
const malformed = (name: string, body: unknown, message: string): Case => ({
  name,
  run: async ({ target }) => {
    denied(await target.keystone('POST', '/auth/tokens', body), 400, 'Bad Request', `${message} ${MALFORMED}`);
  },
});

export const tokens: readonly Case[] = [
  {
    name: 'Keystone tells its version to anybody, with and without a slash',
    run: async ({ target }) => {
      for (const path of ['', '/']) {
        const answer = await target.keystone('GET', path);
        status(answer, 200);
        assert.deepEqual(answer.body, {
          version: {
            id: 'v3.14',
            status: 'stable',
            updated: '2020-04-07T00:00:00Z',
            links: [{ rel: 'self', href: `${target.authUrl}/` }],
            'media-types': [{ base: 'application/json', type: 'application/vnd.openstack.identity-v3+json' }],
          },
        });
      }
    },
  },
  {
    name: "Keystone's root offers its versions with 300",
    run: async ({ target }) => {
      const answer = await target.keystone('GET', '//');
      status(answer, 300);
      const [version] = answer.body.versions.values;
      assert.equal(version.id, 'v3.14');
      assert.equal(version.links[0].href, `${target.authUrl}/`);
    },
  },
  {
    name: 'a token by password says who, for what project, in which roles, until when and where the services are',
    run: async ({ target, bed }) => {
      const { id, token } = await issued(target, byPassword('demo', projectScope('demo')));
      assert.match(id, /^\S{32,}$/);
      assert.deepEqual(keys(token), [
        ...['audit_ids', 'catalog', 'expires_at', 'is_domain', 'issued_at', 'methods', 'project', 'roles', 'user'],
      ]);
      const domain = { id: 'default', name: 'Default' };
      assert.deepEqual(token.methods, ['password']);
      assert.deepEqual(token.user, { domain, id: token.user.id, name: 'demo', password_expires_at: null });
      assert.match(token.user.id, /^[0-9a-f]{32}$/);
      assert.deepEqual(token.project, { domain, id: bed.projectId, name: 'demo' });
      assert.equal(token.is_domain, false);
      assert.deepEqual(token.roles.map(({ name }: { name: string }) => name).sort(), ['member', 'reader']);
      for (const role of token.roles) assert.deepEqual(keys(role), ['id', 'name']);
      assert.match(token.issued_at, TIME);
      assert.match(token.expires_at, TIME);
      assert.ok(token.expires_at > token.issued_at);
      assert.equal(token.audit_ids.length, 1);
      assert.match(token.audit_ids[0], /^[\w-]{22}$/);
    },
  },
  {
    name: 'the catalogue has Keystone and Neutron, each public, internal and admin',
    run: async ({ target }) => {
      const { token } = await issued(target, byPassword('demo', projectScope('demo')));
      const told = token.catalog.map((service: { type: string; name: string; endpoints: { interface: string }[] }) => ({
        type: service.type,
        name: service.name,
        interfaces: service.endpoints.map(endpoint => endpoint.interface).sort(),
      }));
      const interfaces = ['admin', 'internal', 'public'];
      assert.deepEqual(
        told.toSorted((a: { type: string }, b: { type: string }) => (a.type < b.type ? -1 : 1)),
        [
          { type: 'identity', name: 'keystone', interfaces },
          { type: 'network', name: 'neutron', interfaces },
        ],
      );
      for (const service of token.catalog) {
        assert.deepEqual(keys(service), ['endpoints', 'id', 'name', 'type']);
        for (const endpoint of service.endpoints) {
          assert.deepEqual(keys(endpoint), ['id', 'interface', 'region', 'region_id', 'url']);
          assert.deepEqual([endpoint.region, endpoint.region_id], ['RegionOne', 'RegionOne']);
          assert.equal(endpoint.url, service.type === 'network' ? target.neutronUrl : target.authUrl);
        }
      }
    },
  },
  {
    name: 'domain and project may be named or given by id, the user too',
    run: async t => {
      const { id, projectId } = await self(t);
      const Default = { name: 'Default' };
      const password = 'demopw';
      for (const [user, scope] of [
        [{ name: 'demo', domain: Default, password }, { project: { name: 'demo', domain: Default } }],
        [{ id, password }, { project: { id: projectId } }],
      ]) {
        const body = { auth: { identity: { methods: ['password'], password: { user } }, scope } };
        assert.equal((await issued(t.target, body)).token.project.id, projectId);
      }
    },
  },
  {
    name: "a token without a scope is for the user's default project",
    run: async ({ target, bed }) => {
      const { token } = await issued(target, byPassword('demo'));
      assert.equal(token.project.id, bed.projectId);
    },
  },
  {
    name: 'a token can be unscoped on purpose, and be scoped later',
    run: async ({ target, bed }) => {
      const unscoped = await issued(target, byPassword('demo', 'unscoped'));
      assert.deepEqual(keys(unscoped.token), ['audit_ids', 'expires_at', 'issued_at', 'methods', 'user']);
      const scoped = await issued(target, byToken(unscoped.id, projectScope('demo')));
      assert.deepEqual(scoped.token.methods.toSorted(), ['password', 'token']);
      assert.equal(scoped.token.project.id, bed.projectId);
      assert.equal(scoped.token.expires_at, unscoped.token.expires_at);
      assert.equal(scoped.token.audit_ids[1], unscoped.token.audit_ids[0]);
    },
  },
  {
    name: 'an unscoped token is one to Neutron, which shows it nothing',
    run: async t => {
      const { id } = await issued(t.target, byPassword('demo', 'unscoped'));
      const answer = await t.api('GET', '/ports?limit=1', undefined, { user: 'none', headers: { 'x-auth-token': id } });
      status(answer, 200);
      assert.deepEqual(answer.body.ports, []);
    },
  },
  {
    name: 'what is wrong about a password, a user or a project is not told',
    run: async ({ target }) => {
      const post = (body: object) => target.keystone('POST', '/auth/tokens', body);
      unauthorized(await post(byPassword('demo', projectScope('demo'), 'wrong')));
      unauthorized(await post(byPassword('demo', projectScope('demo2'))));
      unauthorized(await post(byPassword('demo', { project: { name: 'nope', domain: DOMAIN } })));
      unauthorized(await post(byPassword('demo', { domain: DOMAIN })));
      const nobody = { name: 'nobody', domain: DOMAIN, password: 'x' };
      unauthorized(await post({ auth: { identity: { methods: ['password'], password: { user: nobody } } } }));
      const answer = await post(byPassword('demo', projectScope('demo'), 'wrong'));
      assert.equal(answer.headers.get('www-authenticate'), `Keystone uri="${target.authUrl}"`);
    },
  },
  malformed('a body without auth is refused', {}, 'Expecting to find auth in request body.'),
  malformed('a body that is no JSON is refused', raw('{"auth":'), 'Expecting to find valid JSON in request body.'),
  malformed(
    'a user by name needs a domain',
    { auth: { identity: { methods: ['password'], password: { user: { name: 'demo', password: 'demopw' } } } } },
    'Expecting to find domain in user.',
  ),
  malformed(
    'an unknown method is refused',
    { auth: { identity: { methods: ['bogus'] } } },
    'Expecting to find bogus in identity.',
  ),
  malformed(
    'a method has its part',
    { auth: { identity: { methods: ['password'] } } },
    'Expecting to find password in identity.',
  ),
  {
    name: 'a body without an identity is refused',
    run: async ({ target }) => {
      const answer = await target.keystone('POST', '/auth/tokens', { auth: {} });
      status(answer, 400);
      assert.match(answer.body.error.message, /^'identity' is a required property/);
      assert.equal(answer.body.error.title, 'Bad Request');
    },
  },
  {
    name: 'a token reads itself back',
    run: async t => {
      const first = await issued(t.target, byPassword('demo', projectScope('demo')));
      const answer = await t.target.keystone('GET', '/auth/tokens', undefined, subject(first.id, first.id));
      status(answer, 200);
      assert.equal(answer.headers.get('x-subject-token'), first.id);
      assert.deepEqual(answer.body.token, first.token);
      const short = await t.target.keystone('GET', '/auth/tokens?nocatalog', undefined, subject(first.id, first.id));
      const { catalog: _, ...rest } = first.token;
      assert.deepEqual(short.body.token, rest);
      const head = await t.target.keystone('HEAD', '/auth/tokens', undefined, subject(first.id, first.id));
      status(head, 200);
      assert.equal(head.body, undefined);
    },
  },
  {
    name: 'a token of one user is not read by another, and is by an administrator',
    run: async t => {
      const [mine, other, admin] = [await self(t), await self(t, 'demo2'), await self(t, 'admin')];
      const message = 'You are not authorized to perform the requested action: identity:validate_token.';
      const read = (as: string, token: string) =>
        t.target.keystone('GET', '/auth/tokens', undefined, subject(as, token));
      denied(await read(other.token, mine.token), 403, 'Forbidden', message);
      status(await read(admin.token, mine.token), 200);
    },
  },
  {
    name: 'a token that is none is not found, one that is lacking not allowed',
    run: async t => {
      const { token } = await self(t);
      const get = (headers: Record<string, string>) => t.target.keystone('GET', '/auth/tokens', undefined, { headers });
      status(await get({ 'x-auth-token': token, 'x-subject-token': 'garbage' }), 404);
      const message = 'You are not authorized to perform the requested action: identity:validate_token.';
      denied(await get({ 'x-auth-token': token }), 403, 'Forbidden', message);
      unauthorized(await get({ 'x-subject-token': token }));
      unauthorized(await get({ 'x-auth-token': 'garbage', 'x-subject-token': token }));
      status(await t.target.keystone('POST', '/auth/tokens', byToken('garbage')), 404);
    },
  },
  {
    name: 'a revoked token is no token any more, not even to Neutron',
    run: async t => {
      const { token } = await self(t);
      const revoked = await issued(t.target, byPassword('demo', projectScope('demo')));
      const drop = () => t.target.keystone('DELETE', '/auth/tokens', undefined, subject(token, revoked.id));
      status(await drop(), 204);
      const failed = 'Failed to validate token';
      denied(await drop(), 404, 'Not Found', failed);
      const read = (as: string) => t.target.keystone('GET', '/auth/tokens', undefined, subject(as, revoked.id));
      denied(await read(token), 404, 'Not Found', failed);
      unauthorized(await read(revoked.id));
      const headers = { 'x-auth-token': revoked.id };
      status(await t.api('GET', '/ports?limit=1', undefined, { user: 'none', headers }), 401);
      status(await t.target.keystone('GET', '/auth/catalog', undefined, { headers: { 'x-auth-token': token } }), 200);
    },
  },
  {
    name: 'catalogue, projects, domains and system can be asked for with a token',
    run: async t => {
      const { target, bed } = t;
      const { token } = await issued(target, byPassword('demo', projectScope('demo')));
      const get = async (path: string) => {
        const answer = await target.keystone('GET', path, undefined, { user: 'demo' });
        status(answer, 200);
        return answer.body;
      };
      assert.deepEqual(await get('/auth/catalog'), {
        catalog: token.catalog,
        links: { self: `${target.authUrl}/auth/catalog` },
      });
      const { projects, links } = await get('/auth/projects');
      assert.deepEqual(links, { next: null, self: `${target.authUrl}/auth/projects`, previous: null });
      const project = {
        id: bed.projectId,
        name: 'demo',
        domain_id: 'default',
        description: '',
        enabled: true,
        parent_id: 'default',
        is_domain: false,
        tags: [],
        options: {},
        links: { self: `${target.authUrl}/projects/${bed.projectId}` },
      };
      assert.deepEqual(projects, [project]);
      assert.deepEqual((await get(`/projects/${bed.projectId}`)).project, project);
      assert.deepEqual((await get('/auth/domains')).domains, []);
      assert.deepEqual((await get('/auth/system')).system, []);
      unauthorized(await target.keystone('GET', '/auth/projects'));
    },
  },
  {
    name: 'a user sees itself, and nothing of the administrator',
    run: async t => {
      const { id, projectId } = await self(t);
      const { target } = t;
      const { body } = await target.keystone('GET', `/users/${id}`, undefined, { user: 'demo' });
      assert.deepEqual(body.user, {
        id,
        name: 'demo',
        domain_id: 'default',
        enabled: true,
        default_project_id: projectId,
        password_expires_at: null,
        options: {},
        links: { self: `${target.authUrl}/users/${id}` },
      });
      for (const kind of ['users', 'projects', 'roles', 'services', 'domains']) {
        const message = `You are not authorized to perform the requested action: identity:list_${kind}.`;
        denied(await target.keystone('GET', `/${kind}`, undefined, { user: 'demo' }), 403, 'Forbidden', message);
      }
    },
  },
  {
    name: 'an unknown path of Keystone is not found, as HTML',
    run: async ({ target }) => {
      const answer = await target.keystone('GET', '/nope');
      status(answer, 404);
      assert.match(answer.headers.get('content-type') ?? '', /^text\/html/);
    },
  },
];
