/** What a tenant sees, and what is the admin's. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { KeystoneBench, ORIGIN } from './keystone-bench.ts';

describe('a member', () => {
  for (const [path, action] of [
    ['/v3/projects', 'list_projects'],
    ['/v3/projects/nope', 'get_project'],
    ['/v3/users', 'list_users'],
    ['/v3/users?name=demo', 'list_users'],
    ['/v3/users/nope', 'get_user'],
    ['/v3/users/nope/projects', 'list_user_projects'],
    ['/v3/domains', 'list_domains'],
    ['/v3/domains/nope', 'get_domain'],
    ['/v3/services', 'list_services'],
    ['/v3/services/nope', 'get_service'],
    ['/v3/endpoints', 'list_endpoints'],
    ['/v3/roles', 'list_roles'],
    ['/v3/role_assignments', 'list_role_assignments'],
  ] as const) {
    it(`is refused ${path}, and everybody without a token`, () => {
      const bench = new KeystoneBench();
      const refused = bench.ask('GET', path, { token: bench.login('demo') });
      const message = `You are not authorized to perform the requested action: identity:${action}.`;
      assert.deepEqual([refused.status, refused.message], [403, message]);
      assert.equal(bench.ask('GET', path).status, 401);
      assert.ok([200, 404].includes(bench.ask('GET', path, { token: bench.admin() }).status));
    });
  }

  it('sees itself, its project, its domain and the regions', () => {
    const bench = new KeystoneBench();
    const token = bench.login('demo');
    const user = bench.userId(token);
    const project = bench.show(token).text('token.project.id');
    const ask = (path: string) => bench.ask('GET', `/v3${path}`, { token });
    assert.equal(ask(`/users/${user}`).at('user.name'), 'demo');
    assert.equal(ask(`/users/${user}`).at('user.password'), undefined);
    assert.equal(ask(`/users/${user}/projects`).at('projects.0.id'), project);
    assert.equal(ask(`/projects/${project}`).at('project.name'), 'demo');
    assert.equal(ask('/auth/projects').at('projects.0.name'), 'demo');
    assert.equal(ask('/auth/projects').at('projects.1'), undefined);
    assert.equal(ask('/auth/projects').at('links.self'), `${ORIGIN}/identity/v3/auth/projects`);
    assert.deepEqual(ask('/auth/domains').at('domains'), []);
    assert.equal(ask('/auth/catalog').at('catalog.1.type'), 'network');
    assert.equal(ask('/domains/default').at('domain.name'), 'Default');
    assert.equal(ask('/regions').at('regions.0.id'), 'RegionOne');
    assert.equal(ask('/regions/nope').message, 'Could not find region: nope.');
    assert.equal(bench.ask('GET', '/v3/auth/catalog', { token: bench.login('demo', 'unscoped') }).status, 403);
  });

  it('is told of a role or an endpoint that is not there before it is refused', () => {
    const bench = new KeystoneBench();
    const token = bench.login('demo');
    assert.equal(bench.ask('GET', '/v3/roles/nope', { token }).status, 404);
    assert.equal(bench.ask('GET', '/v3/endpoints/nope', { token }).status, 404);
    assert.equal(bench.ask('GET', `/v3/roles/${bench.roleId('member')}`, { token }).status, 403);
  });

  it('makes no project, user, role or grant', () => {
    const bench = new KeystoneBench();
    const token = bench.login('demo');
    for (const [method, path] of [
      ['POST', '/v3/projects'],
      ['POST', '/v3/users'],
      ['POST', '/v3/roles'],
      ['POST', '/v3/regions'],
      ['POST', '/v3/services'],
      ['POST', '/v3/endpoints'],
      ['PATCH', `/v3/users/${bench.userId(token)}`],
      ['DELETE', `/v3/users/${bench.userId(token)}`],
      ['PUT', `${bench.tenant('acme', 'member').grants}/${bench.roleId('admin')}`],
    ] as const) {
      assert.equal(bench.ask(method, path, { token }).status, 403, `${method} ${path}`);
    }
  });
});

describe('an admin', () => {
  it('makes a tenant, who then has a token of its own', () => {
    const bench = new KeystoneBench();
    const { token, projectId } = bench.tenant('acme', 'member');
    const caller = bench.keystone.authenticate(token);
    assert.deepEqual([caller?.projectId, caller?.projectName, caller?.userName], [projectId, 'acme', 'acme']);
    assert.deepEqual(caller?.roles, ['member', 'reader']);
  });

  it('cannot make the same twice', () => {
    const bench = new KeystoneBench();
    const token = bench.admin();
    const twice = (path: string, body: object) => bench.ask('POST', path, { token, body });
    const project = twice('/v3/projects', { project: { name: 'demo' } });
    assert.equal(project.status, 409);
    assert.match(
      project.message,
      /two projects with either the same name or same id in the same domain: name is demo,/,
    );
    const user = twice('/v3/users', { user: { name: 'demo' } });
    assert.equal(
      user.message,
      'Conflict occurred attempting to store user - Duplicate entry found with name demo at domain ID default.',
    );
    assert.equal(twice('/v3/roles', { role: { name: 'member' } }).status, 409);
    assert.equal(twice('/v3/regions', { region: { id: 'RegionOne' } }).status, 409);
  });

  it('lists with filters', () => {
    const bench = new KeystoneBench();
    const token = bench.admin();
    const names = (path: string, key: string) =>
      (bench.ask('GET', path, { token }).at(key) as { name: string }[]).map(each => each.name);
    assert.deepEqual(names('/v3/users?name=demo', 'users'), ['demo']);
    assert.deepEqual(names('/v3/users?name__contains=dem', 'users'), ['demo', 'demo2']);
    assert.deepEqual(names('/v3/users?enabled=false', 'users'), []);
    assert.deepEqual(names('/v3/services?type=network', 'services'), ['neutron']);
    assert.deepEqual(names('/v3/projects?name=nope', 'projects'), []);
    assert.equal(names('/v3/projects?unknown=1', 'projects').length, 4);
  });

  it('sees who has which role where, with names and with what is implied', () => {
    const bench = new KeystoneBench();
    const { userId, projectId } = bench.tenant('acme', 'member');
    const ask = (query: string) =>
      bench.ask('GET', `/v3/role_assignments?user.id=${userId}${query}`, { token: bench.admin() });
    assert.deepEqual(ask('').at('role_assignments.0.scope'), { project: { id: projectId } });
    assert.equal(ask('').at('role_assignments.1'), undefined);
    const full = ask('&effective&include_names=True');
    assert.equal(full.at('role_assignments.0.role.name'), 'member');
    assert.equal(full.at('role_assignments.1.role.name'), 'reader');
    assert.match(full.text('role_assignments.1.links.prior_role'), /\/implies\//);
    assert.deepEqual(full.at('role_assignments.1.user.domain'), { id: 'default', name: 'Default' });
    assert.deepEqual(ask('&scope.system=all').at('role_assignments'), []);
  });

  it('disables and deletes a user, whose credentials go too', () => {
    const bench = new KeystoneBench();
    const { userId, token } = bench.tenant('acme', 'member');
    const id = bench.credential(token, { name: 'one' }).text('application_credential.id');
    const set = (enabled: boolean) =>
      bench.ask('PATCH', `/v3/users/${userId}`, { token: bench.admin(), body: { user: { enabled } } });
    assert.equal(set(false).at('user.enabled'), false);
    assert.equal(bench.keystone.authenticate(token), undefined);
    bench.now += 1_000;
    assert.equal(set(true).at('user.enabled'), true);
    assert.equal(bench.keystone.authenticate(token), undefined, 'what was revoked stays so');
    const fresh = bench.login('acme');
    assert.equal(bench.ask('DELETE', `/v3/users/${userId}`, { token: bench.admin() }).status, 204);
    assert.equal(bench.ask('GET', '/v3/auth/projects', { token: fresh }).message, `Could not find user: ${userId}.`);
    const path = `/v3/users/${userId}/application_credentials`;
    assert.equal(bench.ask('GET', `${path}/${id}`, { token: bench.admin() }).status, 404);
  });

  it('changes what the catalogue says', () => {
    const bench = new KeystoneBench();
    const token = bench.admin();
    const service_id = bench.ask('GET', '/v3/services?type=network', { token }).text('services.0.id');
    bench.ask('POST', '/v3/regions', { token, body: { region: { id: 'Two' } } });
    const endpoint = { service_id, region_id: 'Two', interface: 'public', url: 'http://two.example/net' };
    const made = bench.ask('POST', '/v3/endpoints', { token, body: { endpoint } });
    assert.equal(made.status, 201);
    const urls = () =>
      (bench.ask('GET', '/v3/auth/catalog', { token }).at('catalog.1.endpoints') as { url: string }[]).map(
        each => each.url,
      );
    assert.ok(urls().includes('http://two.example/net'));
    assert.equal(bench.ask('DELETE', '/v3/regions/Two', { token }).status, 403);
    assert.equal(bench.ask('DELETE', `/v3/endpoints/${made.text('endpoint.id')}`, { token }).status, 204);
    assert.equal(bench.ask('DELETE', '/v3/regions/Two', { token }).status, 204);
    assert.equal(urls().length, 3);
  });
});
