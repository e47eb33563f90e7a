import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { byPassword, byToken, KeystoneBench, ORIGIN } from './keystone-bench.ts';

const domain = { id: 'default' };
const demo = { name: 'demo', domain, password: 'demopw' };
const REFUSED = 'The request you have made requires authentication.';

describe('a token by password', () => {
  it('is given for the project that is asked for, by name or by id', () => {
    const bench = new KeystoneBench();
    const byName = bench.authenticate(byPassword(demo), { project: { name: 'demo', domain: { name: 'Default' } } });
    assert.equal(byName.status, 201);
    assert.equal(byName.headers['vary'], 'X-Auth-Token');
    assert.equal(byName.at('token.project.name'), 'demo');
    assert.equal(byName.at('token.project.domain.name'), 'Default');
    const user = { id: byName.at('token.user.id'), password: 'demopw' };
    const byId = bench.authenticate(byPassword(user), { project: { id: byName.at('token.project.id') } });
    assert.equal(byId.at('token.project.id'), byName.at('token.project.id'));
  });

  it('names the services where the client found this one', () => {
    const bench = new KeystoneBench();
    const told = bench.authenticate(byPassword(demo));
    const services = [0, 1].map(n => [told.at(`token.catalog.${n}.type`), told.at(`token.catalog.${n}.name`)]);
    assert.deepEqual(services, [
      ['identity', 'keystone'],
      ['network', 'neutron'],
    ]);
    const sides = [0, 1, 2].map(n => told.at(`token.catalog.1.endpoints.${n}.interface`));
    assert.deepEqual(sides, ['public', 'internal', 'admin']);
    assert.equal(told.at('token.catalog.0.endpoints.0.url'), `${ORIGIN}/identity/v3`);
    assert.equal(told.at('token.catalog.1.endpoints.0.url'), `${ORIGIN}/networking`);
    assert.equal(told.at('token.catalog.1.endpoints.0.region_id'), 'RegionOne');
    const auth = { identity: byPassword(demo) };
    assert.equal(bench.ask('POST', '/v3/auth/tokens?nocatalog', { body: { auth } }).at('token.catalog'), undefined);
  });

  it('has the roles that are granted, and those that they imply', () => {
    const bench = new KeystoneBench();
    const roles = (name: string) => bench.keystone.authenticate(bench.login(name))?.roles;
    assert.deepEqual(roles('demo'), ['member', 'reader']);
    assert.deepEqual(roles('ro'), ['reader']);
    assert.deepEqual(bench.keystone.authenticate(bench.admin())?.roles, ['admin', 'reader', 'member']);
    assert.deepEqual(roles('neutron')?.toSorted(), ['admin', 'member', 'reader', 'service']);
  });

  it('has no scope where none is there, and a scope of its own where it is asked for', () => {
    const bench = new KeystoneBench();
    for (const scope of ['unscoped', { unscoped: {} }]) {
      const told = bench.authenticate(byPassword(demo), scope);
      assert.equal(told.status, 201);
      assert.equal(told.at('token.project'), undefined);
      assert.equal(told.at('token.catalog'), undefined);
    }
    const admin = { name: 'admin', domain, password: 'adminpw' };
    assert.equal(bench.authenticate(byPassword(admin)).at('token.project'), undefined);
    assert.equal(bench.authenticate(byPassword(admin), { system: { all: true } }).at('token.system.all'), true);
    const caller = bench.keystone.authenticate(bench.login('admin'));
    assert.equal(caller?.projectId, '');
    assert.deepEqual(caller?.roles, []);
  });

  for (const [what, user, scope] of [
    ['a wrong password', { ...demo, password: 'x' }, undefined],
    ['no password', { name: 'demo', domain }, undefined],
    ['an unknown user', { ...demo, name: 'nobody' }, undefined],
    ['an unknown domain', { ...demo, domain: { id: 'nope' } }, undefined],
    ['a project that is not there', demo, { project: { id: 'nope' } }],
    ['a project of others', demo, { project: { name: 'demo2', domain } }],
    ['a domain, where nobody has a role', demo, { domain }],
    ['the system, without a role on it', demo, { system: { all: true } }],
    ['a trust that is not there', demo, { 'OS-TRUST:trust': { id: 'nope' } }],
  ] as const) {
    it(`is refused for ${what}, in words that do not tell why`, () => {
      const refused = new KeystoneBench().authenticate(byPassword(user), scope);
      assert.equal(refused.status, 401);
      assert.equal(refused.message, REFUSED);
      assert.equal(refused.at('error.title'), 'Unauthorized');
      assert.equal(refused.headers['www-authenticate'], `Keystone uri="${ORIGIN}/identity/v3"`);
    });
  }
});

describe('a token that is scoped anew', () => {
  it('ends when the first one ends, and tells the chain', () => {
    const bench = new KeystoneBench();
    const first = bench.authenticate(byPassword(demo), 'unscoped');
    const project = { project: { name: 'demo', domain } };
    bench.now += 10_000;
    const second = bench.authenticate(byToken(first.headers['x-subject-token'] ?? ''), project);
    bench.now += 10_000;
    const third = bench.authenticate(byToken(second.headers['x-subject-token'] ?? ''), project);
    for (const each of [second, third]) {
      assert.equal(each.status, 201);
      assert.equal(each.at('token.expires_at'), first.at('token.expires_at'));
      assert.equal(each.at('token.audit_ids.1'), first.at('token.audit_ids.0'));
      assert.deepEqual(each.at('token.methods'), ['password', 'token']);
    }
    assert.notEqual(third.at('token.audit_ids.0'), second.at('token.audit_ids.0'));
  });

  it('is no way from the system to a project', () => {
    const bench = new KeystoneBench();
    const system = bench.login('admin', { system: { all: true } });
    const refused = bench.authenticate(byToken(system), { project: { name: 'admin', domain } });
    assert.equal(refused.status, 403);
    assert.match(refused.message, /Using a system-scoped token to create a project-scoped/);
  });

  it('is refused with 404 for what is no token', () => {
    const refused = new KeystoneBench().authenticate(byToken('nope'));
    assert.equal(refused.status, 404);
    assert.equal(refused.message, 'Could not recognize Fernet token');
  });
});

describe('the end of a token', () => {
  it('comes after its time, counted from the whole second', () => {
    const bench = new KeystoneBench();
    const token = bench.login('demo');
    assert.equal(bench.show(token).at('token.issued_at'), '2030-01-01T00:00:00.000000Z');
    assert.equal(bench.show(token).at('token.expires_at'), '2030-01-01T00:01:00.000000Z');
    const end = bench.keystone.authenticate(token)?.expiresAt;
    assert.equal(end, Date.parse('2030-01-01T00:01:00Z'));
    bench.now = end - 1;
    assert.ok(bench.keystone.authenticate(token));
    bench.now = end;
    assert.equal(bench.keystone.authenticate(token), undefined);
    assert.equal(bench.ask('GET', '/v3/auth/projects', { token }).status, 401);
    const other = bench.login('demo');
    const look = (query: string) =>
      bench.ask('GET', `/v3/auth/tokens${query}`, { token: other, headers: { 'x-subject-token': token } });
    assert.equal(look('').status, 404);
    assert.equal(look('').message, 'Failed to validate token');
    assert.equal(look('?allow_expired=1').status, 200);
    bench.now += 49 * 3_600_000;
    const late = { token: bench.login('demo'), headers: { 'x-subject-token': token } };
    assert.equal(bench.ask('GET', '/v3/auth/tokens?allow_expired=1', late).status, 404);
  });

  it('comes when it is revoked, and leaves those that were made from it', () => {
    const bench = new KeystoneBench();
    const token = bench.login('demo');
    const from = bench.authenticate(byToken(token)).headers['x-subject-token'] ?? '';
    const revoked = bench.ask('DELETE', '/v3/auth/tokens', { token, headers: { 'x-subject-token': token } });
    assert.equal(revoked.status, 204);
    assert.equal(bench.keystone.authenticate(token), undefined);
    assert.ok(bench.keystone.authenticate(from));
  });

  it('comes for all tokens of a user with a new password, those of the same second among them', () => {
    const bench = new KeystoneBench();
    const { userId, token } = bench.tenant('acme', 'member');
    const change = (original_password: string, password: string) =>
      bench.ask('POST', `/v3/users/${userId}/password`, { body: { user: { original_password, password } } });
    assert.equal(change('wrong', 'new').status, 401);
    assert.ok(bench.keystone.authenticate(token));
    assert.equal(change('acmepw', 'new').status, 204);
    assert.equal(bench.keystone.authenticate(token), undefined);
    assert.equal(bench.keystone.authenticate(bench.login('acme', undefined, 'new')), undefined);
    bench.now += 1_000;
    assert.ok(bench.keystone.authenticate(bench.login('acme', undefined, 'new')));
  });

  it('comes for the time in which its project is disabled, and with its project', () => {
    const bench = new KeystoneBench();
    const { projectId, token } = bench.tenant('acme', 'member');
    const set = (enabled: boolean) => {
      const sent = { token: bench.admin(), body: { project: { enabled } } };
      assert.equal(bench.ask('PATCH', `/v3/projects/${projectId}`, sent).status, 200);
    };
    set(false);
    assert.equal(bench.keystone.authenticate(token), undefined);
    const told = bench.ask('GET', '/v3/auth/projects', { token });
    assert.deepEqual(
      [told.status, told.message],
      [404, `Unable to validate token because project ${projectId} is disabled`],
    );
    set(true);
    assert.ok(bench.keystone.authenticate(token));
    assert.equal(bench.ask('DELETE', `/v3/projects/${projectId}`, { token: bench.admin() }).status, 204);
    assert.equal(bench.keystone.authenticate(token), undefined);
  });

  it('comes with the last role, and is taken back with a new one', () => {
    const bench = new KeystoneBench();
    const { grants, token } = bench.tenant('acme', 'member', 'reader');
    const roles = () => bench.keystone.authenticate(token)?.roles;
    assert.deepEqual(roles(), ['member', 'reader']);
    const change = (method: string, role: string) =>
      bench.ask(method, `${grants}/${bench.roleId(role)}`, { token: bench.admin() });
    change('DELETE', 'member');
    assert.deepEqual(roles(), ['reader']);
    change('DELETE', 'reader');
    assert.equal(roles(), undefined);
    assert.equal(bench.ask('GET', '/v3/auth/projects', { token }).status, 401);
    change('PUT', 'reader');
    assert.deepEqual(roles(), ['reader']);
  });
});

describe('looking at a token', () => {
  it('is for its user, for an admin and for a service', () => {
    const bench = new KeystoneBench();
    const subject = { 'x-subject-token': bench.login('demo') };
    const look = (token: string, method = 'GET') => bench.ask(method, '/v3/auth/tokens', { token, headers: subject });
    assert.equal(look(bench.login('demo')).status, 200);
    assert.equal(look(bench.admin()).headers['x-subject-token'], subject['x-subject-token']);
    assert.equal(look(bench.login('neutron')).status, 200);
    assert.equal(look(bench.login('demo', 'unscoped'), 'HEAD').at('token'), undefined);
    const refused = look(bench.login('demo2'));
    assert.deepEqual(
      [refused.status, refused.message],
      [403, 'You are not authorized to perform the requested action: identity:validate_token.'],
    );
    assert.match(look(bench.login('demo2'), 'DELETE').message, /identity:revoke_token/);
  });

  it('needs a token, and one to look at', () => {
    const bench = new KeystoneBench();
    assert.equal(
      bench.ask('GET', '/v3/auth/tokens', { headers: { 'x-subject-token': bench.login('demo') } }).status,
      401,
    );
    assert.equal(bench.ask('GET', '/v3/auth/tokens', { token: bench.login('demo') }).status, 403);
    assert.equal(bench.ask('GET', '/v3/auth/tokens', { token: bench.admin() }).status, 404);
    for (const token of [undefined, '', 'nope']) assert.equal(bench.keystone.authenticate(token), undefined);
  });
});

it('a password login takes milliseconds', () => {
  const bench = new KeystoneBench();
  bench.login('demo');
  const times = Array.from({ length: 9 }, () => {
    const start = performance.now();
    bench.login('demo');
    return performance.now() - start;
  });
  const fastest = Math.min(...times);
  assert.ok(fastest < 10, `${fastest} ms`);
});
