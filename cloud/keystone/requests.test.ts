/** What is no good request, and what Keystone says to it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { byPassword, KeystoneBench, ORIGIN } from './keystone-bench.ts';

const domain = { id: 'default' };
const demo = { name: 'demo', domain, password: 'demopw' };
const lacks = (what: string, where: string) =>
  `Expecting to find ${what} in ${where}. The server could not comply with the request since it is either malformed or otherwise incorrect. The client is assumed to be in error.`;

describe('a request for a token', () => {
  const scopes = 'system, project, domain, OS-TRUST:trust or unscoped';
  for (const [name, auth, message] of [
    ['nothing', undefined, lacks('auth', 'request body')],
    ['null', null, lacks('auth', 'request body')],
    ['a method without its data', { identity: { methods: ['password'] } }, lacks('password', 'identity')],
    ['a password without a user', { identity: { methods: ['password'], password: {} } }, lacks('user', 'None')],
    ['a user without a domain', { identity: byPassword({ name: 'demo', password: 'x' }) }, lacks('domain', 'user')],
    ['two scopes', { identity: byPassword(demo), scope: { project: { id: 'x' }, domain } }, lacks(scopes, 'scope')],
    ['no scope in a scope', { identity: byPassword(demo), scope: {} }, lacks(scopes, 'scope')],
    [
      'a project without a domain',
      { identity: byPassword(demo), scope: { project: { name: 'demo' } } },
      lacks('domain', 'project'),
    ],
    [
      'a project without id and name',
      { identity: byPassword(demo), scope: { project: {} } },
      'Invalid input for field scope/project: id or name must be present.',
    ],
    [
      'a user without id and name',
      { identity: byPassword({}) },
      'Invalid input for field identity/password/user: id or name must be present.',
    ],
    [
      'a name that is none',
      { identity: byPassword({ ...demo, name: 5 }) },
      "Invalid input for field 'identity/password/user/name': 5 is not of type 'string'\n\n" +
        "Failed validating 'type' in schema['properties']['identity']['properties']['password']['properties']['user']['properties']['name']:\n" +
        "    {'type': 'string'}\n\nOn instance['identity']['password']['user']['name']:\n    5",
    ],
    [
      'a method that is none',
      { identity: { methods: [5] } },
      "Invalid input for field 'identity/methods/0': 5 is not of type 'string'\n\n" +
        "Failed validating 'type' in schema['properties']['identity']['properties']['methods']['items']:\n" +
        "    {'type': 'string'}\n\nOn instance['identity']['methods'][0]:\n    5",
    ],
    [
      'a token without an id',
      { identity: { methods: ['token'], token: {} } },
      "Invalid input for field 'identity/token': 'id' is a required property\n\n" +
        "Failed validating 'required' in schema['properties']['identity']['properties']['token']:\n" +
        "    {'properties': {'id': {'type': 'string'}},\n     'required': ['id'],\n     'type': 'object'}\n\n" +
        "On instance['identity']['token']:\n    {}",
    ],
  ] as const) {
    it(`with ${name} is told so`, () => {
      const refused = new KeystoneBench().ask('POST', '/v3/auth/tokens', { body: { auth } });
      assert.equal(refused.message, message);
      assert.equal(refused.status, 400);
      assert.equal(refused.at('error.title'), 'Bad Request');
    });
  }

  it('by a method that is not there is told which there are', () => {
    const refused = new KeystoneBench().authenticate({ methods: ['totp'], totp: {} });
    assert.equal(refused.status, 401);
    assert.equal(refused.message, 'Attempted to authenticate with an unsupported method.');
    assert.ok((refused.at('error.identity.methods') as string[]).includes('application_credential'));
  });

  it('is not hurt by a bad token of the caller', () => {
    const body = { auth: { identity: byPassword(demo) } };
    assert.equal(new KeystoneBench().ask('POST', '/v3/auth/tokens', { token: 'nope', body }).status, 201);
  });

  it('that is nested without end is a 500, as deep as it may be', () => {
    let name: unknown = 'x';
    for (let depth = 0; depth < 50_000; depth++) name = [name];
    assert.equal(new KeystoneBench().authenticate(byPassword({ ...demo, name })).status, 500);
  });
});

describe('a body', () => {
  for (const [name, sent, message] of [
    ['that is no JSON', { malformed: true }, lacks('valid JSON', 'request body')],
    ['that is a list', { body: [] }, lacks('valid JSON', 'request body')],
    ['that is null', { body: null }, lacks('valid JSON', 'request body')],
    [
      'that is said to be something else',
      { body: {}, headers: { 'content-type': 'text/plain' } },
      lacks('application/json', 'Content-Type header'),
    ],
  ] as const) {
    it(`${name} is refused before anything else`, () => {
      const refused = new KeystoneBench().ask('POST', '/v3/nope', sent);
      assert.deepEqual([refused.status, refused.message], [400, message]);
    });
  }
});

describe('versions', () => {
  it('are found at the mount point, with and without a slash', () => {
    const bench = new KeystoneBench();
    for (const path of ['', '/']) {
      const all = bench.ask('GET', path);
      assert.equal(all.status, 300);
      assert.equal(all.headers['location'], `${ORIGIN}/identity/v3/`);
      assert.equal(all.at('versions.values.0.links.0.href'), `${ORIGIN}/identity/v3/`);
    }
    for (const path of ['/v3', '/v3/']) {
      const one = bench.ask('GET', path);
      assert.deepEqual([one.status, one.at('version.id'), one.at('version.status')], [200, 'v3.14', 'stable']);
    }
  });
});

describe('a path', () => {
  it('that is not there is 404, also with a token', () => {
    const bench = new KeystoneBench();
    for (const path of ['/v2.0', '/v3/OS-TRUST/trusts', '/v3/ec2tokens', '/v3/users/a/credentials/OS-EC2']) {
      const refused = bench.ask('GET', path, { token: bench.admin() });
      assert.deepEqual([refused.status, refused.headers['content-type']], [404, 'text/html; charset=utf-8']);
    }
  });

  it('that has no such method names those that it has', () => {
    const refused = new KeystoneBench().ask('PUT', '/v3/auth/tokens');
    assert.equal(refused.status, 405);
    assert.equal(refused.headers['allow'], 'DELETE, GET, HEAD, OPTIONS, POST');
    assert.equal(refused.at('message'), 'The method is not allowed for the requested URL.');
  });

  it('may end in a slash, and is decoded', () => {
    const bench = new KeystoneBench();
    assert.equal(bench.ask('GET', '/v3/auth/projects/', { token: bench.login('demo') }).status, 200);
    assert.equal(bench.ask('GET', '/v3/users/%61', { token: bench.admin() }).message, 'Could not find user: a.');
    assert.equal(bench.ask('GET', '/v3/users/%', { token: bench.admin() }).message, 'Could not find user: %.');
  });
});
