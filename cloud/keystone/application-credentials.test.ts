import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { byCredential, byToken, KeystoneBench, ORIGIN } from './keystone-bench.ts';

const domain = { id: 'default' };
const rule = (method: string, path: string) => ({ service: 'network', method, path });

/** demo, its credential, and a token by it. */
function rig(fields: object = {}) {
  const bench = new KeystoneBench();
  const token = bench.login('demo');
  const made = bench.credential(token, { name: 'one', ...fields });
  assert.equal(made.status, 201, made.message);
  const id = made.text('application_credential.id');
  const secret = made.text('application_credential.secret');
  const user = bench.userId(token);
  const path = `/v3/users/${user}/application_credentials`;
  const prove = () => bench.authenticate(byCredential({ id, secret }));
  return { bench, token, made, id, secret, user, path, prove, byIt: () => prove().headers['x-subject-token'] ?? '' };
}

describe('an application credential', () => {
  it('has a secret that is long and shown once', () => {
    const { bench, token, made, id, path, secret } = rig();
    assert.match(secret, /^[\w-]{86}$/);
    assert.equal(made.at('application_credential.links.self'), `${ORIGIN}/identity/v3/application_credentials/${id}`);
    assert.deepEqual(
      ['description', 'expires_at', 'unrestricted', 'system'].map(key => made.at(`application_credential.${key}`)),
      [null, null, null, null],
    );
    const shown = bench.ask('GET', `${path}/${id}`, { token });
    assert.equal(shown.at('application_credential.name'), 'one');
    assert.equal(shown.at('application_credential.secret'), undefined);
    assert.equal(bench.ask('GET', path, { token }).at('application_credentials.0.secret'), undefined);
    assert.ok(!JSON.stringify(bench.keystone.snapshot()).includes(secret));
  });

  it('has the secret, the roles and the end that are asked for', () => {
    const { made, prove } = rig({
      ...{ secret: 'hunter2', roles: [{ name: 'reader' }], unrestricted: true },
      expires_at: '2030-01-01T00:00:30.5Z',
    });
    assert.equal(made.at('application_credential.secret'), 'hunter2');
    assert.equal(made.at('application_credential.roles.0.name'), 'reader');
    assert.equal(made.at('application_credential.roles.1'), undefined);
    assert.equal(made.at('application_credential.expires_at'), '2030-01-01T00:00:30.500000');
    const told = prove();
    assert.equal(told.at('token.expires_at'), '2030-01-01T00:00:30.500000');
    assert.equal(told.at('token.application_credential.restricted'), false);
  });

  it('gives a token for the project and the roles of its maker', () => {
    const { bench, prove, id } = rig();
    const told = prove();
    assert.deepEqual(told.at('token.methods'), ['application_credential']);
    assert.equal(told.at('token.project.name'), 'demo');
    assert.deepEqual(told.at('token.application_credential'), { id, name: 'one', restricted: true });
    const caller = bench.keystone.authenticate(told.headers['x-subject-token']);
    assert.deepEqual([caller?.userName, caller?.projectName, caller?.roles], ['demo', 'demo', ['member', 'reader']]);
  });

  it('is found by its name and user, too', () => {
    const { bench, secret, user } = rig();
    for (const owner of [{ id: user }, { name: 'demo', domain }, { name: 'demo', domain: { name: 'Default' } }]) {
      assert.equal(bench.authenticate(byCredential({ name: 'one', secret, user: owner })).status, 201);
    }
    const none = bench.authenticate(byCredential({ name: 'two', secret, user: { id: user } }));
    assert.equal(none.status, 401);
    assert.match(
      bench.authenticate(byCredential({ name: 'one', secret })).message,
      /find user in application credential/,
    );
  });

  it('cannot be asked for a scope', () => {
    const { bench, id, secret } = rig();
    const refused = bench.authenticate(byCredential({ id, secret }), 'unscoped');
    assert.equal(refused.status, 401);
    assert.equal(
      refused.message,
      'Error authenticating with application credential: Application credentials cannot request a scope.',
    );
    assert.deepEqual(refused.at('error.identity'), {});
  });

  it('is refused with a wrong secret, and unknown by another id', () => {
    const { bench, id } = rig();
    assert.equal(bench.authenticate(byCredential({ id, secret: 'x' })).status, 401);
    assert.equal(bench.authenticate(byCredential({ id })).status, 401);
    const unknown = bench.authenticate(byCredential({ id: 'nope', secret: 'x' }));
    assert.deepEqual([unknown.status, unknown.message], [404, 'Could not find Application Credential: nope.']);
  });

  it('ends its tokens when it is deleted, at once and for good', () => {
    const { bench, token, id, path, byIt, prove } = rig();
    const by = byIt();
    assert.ok(bench.keystone.authenticate(by));
    assert.equal(bench.ask('DELETE', `${path}/${id}`, { token }).status, 204);
    assert.equal(bench.keystone.authenticate(by), undefined);
    const told = bench.ask('GET', '/v3/auth/projects', { token: by });
    assert.deepEqual([told.status, told.message], [404, `Could not find Application Credential: ${id}.`]);
    assert.equal(prove().status, 404);
    assert.equal(bench.ask('DELETE', `${path}/${id}`, { token }).status, 404);
  });

  it('ends its tokens when it ends, and stays', () => {
    const { bench, id, path, byIt, prove } = rig({ expires_at: '2030-01-01T00:00:30' });
    const by = byIt();
    bench.now = Date.parse('2030-01-01T00:00:29.999Z');
    assert.ok(bench.keystone.authenticate(by));
    bench.now += 1;
    assert.equal(bench.keystone.authenticate(by), undefined);
    assert.equal(prove().status, 401);
    assert.equal(bench.ask('GET', `${path}/${id}`, { token: bench.login('demo') }).status, 200);
  });

  it('loses the roles that its user loses', () => {
    const bench = new KeystoneBench();
    const { grants, token } = bench.tenant('acme', 'member', 'reader');
    const made = bench.credential(token, { name: 'one' });
    const [id, secret] = ['id', 'secret'].map(key => made.at(`application_credential.${key}`));
    const by = bench.authenticate(byCredential({ id, secret })).headers['x-subject-token'];
    const revoke = (role: string) => bench.ask('DELETE', `${grants}/${bench.roleId(role)}`, { token: bench.admin() });
    revoke('member');
    assert.deepEqual(bench.keystone.authenticate(by)?.roles, ['reader']);
    revoke('reader');
    assert.equal(bench.keystone.authenticate(by), undefined);
    assert.equal(bench.authenticate(byCredential({ id, secret })).status, 401);
  });

  for (const [what, fields, status, message] of [
    ['a name that is taken', { name: 'one' }, 409, /- Duplicate entry found with name one\.$/],
    ['no name', { name: undefined }, 400, /^'name' is a required property\n\nFailed validating 'required' in schema:/],
    ['an empty name', { name: '' }, 400, /^Invalid input for field 'name': '' is too short/],
    ['a time that is past', { expires_at: '2001-01-01T00:00:00' }, 400, /^The 'expires_at' must not be before now\./],
    ['a date', { expires_at: '2031-01-01' }, 400, /^Timestamp not in expected format\./],
    [
      'a role of others',
      { roles: [{ name: 'admin' }] },
      400,
      /Cannot create an application credential with unassigned role$/,
    ],
    ['a role that is not there', { roles: [{ name: 'nope' }] }, 404, /^Role nope is not defined$/],
    [
      'an attribute that is not there',
      { foo: 1 },
      400,
      /^'foo' is an invalid keyword argument for ApplicationCredentialModel$/,
    ],
    ['the same rule twice', { access_rules: [rule('GET', '/x'), rule('GET', '/x')] }, 409, /Duplicate entry/],
    ['a rule in small letters', { access_rules: [rule('get', '/x')] }, 400, /'get' does not match '\^\(POST\|GET/],
    [
      'a long rule',
      { access_rules: [rule('GET', `/${'x'.repeat(128)}`)] },
      400,
      /exceeds the limit of column path\(CHAR\(128\)\)\.$/,
    ],
  ] as const) {
    it(`is not made with ${what}`, () => {
      const { bench, token, path } = rig();
      const sent = JSON.parse(JSON.stringify({ name: 'two', ...fields })) as object;
      const refused = bench.credential(token, sent);
      assert.equal(refused.status, status, refused.message);
      assert.match(refused.message, message);
      assert.equal(bench.ask('GET', path, { token }).at('application_credentials.1'), undefined);
    });
  }

  it('is its user’s own affair, but for an admin, who may see and delete it', () => {
    const { bench, id, path } = rig();
    const ask = (method: string, name: string) =>
      bench.ask(method, `${path}/${id}`, { token: name === 'admin' ? bench.admin() : bench.login(name) });
    for (const method of ['GET', 'DELETE']) {
      const refused = ask(method, 'demo2');
      assert.equal(refused.status, 403);
      assert.match(refused.message, /: identity:(get|delete)_application_credential\.$/);
    }
    const own = bench.userId(bench.login('demo2'));
    const aside = bench.ask('GET', `/v3/users/${own}/application_credentials/${id}`, { token: bench.login('demo2') });
    assert.equal(aside.status, 403, 'not by the path of another user either');
    assert.equal(bench.ask('GET', path, { token: bench.login('demo2') }).status, 403);
    const made = bench.ask('POST', path, { token: bench.admin(), body: { application_credential: { name: 'x' } } });
    assert.equal(made.status, 403);
    assert.equal(ask('GET', 'admin').status, 200);
    assert.equal(ask('DELETE', 'admin').status, 204);
  });
});

describe('a token by an application credential', () => {
  it('makes and deletes no other, unless it is unrestricted', () => {
    for (const unrestricted of [false, true]) {
      const { bench, id, path, byIt } = rig({ unrestricted });
      const made = bench.credential(byIt(), { name: 'two' });
      const deleted = bench.ask('DELETE', `${path}/${id}`, { token: byIt() });
      assert.deepEqual([made.status, deleted.status], unrestricted ? [201, 204] : [403, 403]);
      if (!unrestricted)
        assert.match(made.message, /Using method 'application_credential' is not allowed for managing/);
    }
  });

  it('hands on no role that it has not got', () => {
    const { bench, byIt } = rig({ unrestricted: true, roles: [{ name: 'reader' }] });
    assert.equal(bench.credential(byIt(), { name: 'two', roles: [{ name: 'member' }] }).status, 400);
    assert.equal(bench.credential(byIt(), { name: 'two' }).at('application_credential.roles.0.name'), 'reader');
  });

  it('cannot be scoped anew: Keystone fails on it', () => {
    const { bench, byIt } = rig();
    assert.equal(bench.authenticate(byToken(byIt())).status, 500);
  });
});
