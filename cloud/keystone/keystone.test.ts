/** What is kept. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { byCredential, KeystoneBench } from './keystone-bench.ts';

describe('a snapshot', () => {
  it('goes on where the other one stopped: tokens, tenants, credentials, passwords', () => {
    const before = new KeystoneBench();
    const { token } = before.tenant('acme', 'member');
    const made = before.credential(token, {
      name: 'one',
      access_rules: [{ service: 'network', method: 'GET', path: '/x' }],
    });
    const [id, secret] = ['id', 'secret'].map(key => made.at(`application_credential.${key}`));
    const revoked = before.login('demo');
    before.ask('DELETE', '/v3/auth/tokens', { token: revoked, headers: { 'x-subject-token': revoked } });

    const after = new KeystoneBench(JSON.parse(JSON.stringify(before.keystone.snapshot())));
    assert.deepEqual(after.keystone.authenticate(token), before.keystone.authenticate(token));
    assert.equal(after.keystone.authenticate(revoked), undefined);
    assert.equal(after.userId(after.login('acme')), before.userId(token));
    const by = after.authenticate(byCredential({ id, secret })).headers['x-subject-token'];
    assert.equal(after.keystone.authenticate(by)?.accessRules?.[0]?.path, '/x');
  });

  it('holds no password, no secret and no token', () => {
    const bench = new KeystoneBench();
    const { token } = bench.tenant('acme', 'member');
    const secret = bench.credential(token, { name: 'one' }).text('application_credential.secret');
    const kept = JSON.stringify(bench.keystone.snapshot());
    for (const each of ['adminpw', 'demopw', 'acmepw', token, secret]) assert.ok(!kept.includes(each), each);
    const hashes = kept.match(/scrypt\$[0-9a-f]{32}\$[0-9a-f]{64}/g) ?? [];
    assert.equal(hashes.length, 7, 'six users and a credential');
    assert.equal(new Set(hashes.map(each => each.split('$')[1])).size, 7, 'each with a salt of its own');
  });

  it('is not changed by what happens later', () => {
    const bench = new KeystoneBench();
    const snapshot = bench.keystone.snapshot();
    const kept = JSON.stringify(snapshot);
    bench.tenant('acme', 'member');
    assert.equal(JSON.stringify(snapshot), kept);
  });

  it('of something else is refused', () => {
    for (const state of [null, 5, [], {}, { version: 2 }, { version: 1 }]) {
      assert.throws(() => new KeystoneBench(state), /state of Keystone/);
    }
  });

  it('forgets tokens that ended long ago', () => {
    const bench = new KeystoneBench();
    for (let n = 0; n < 5; n++) bench.login('demo');
    const count = () => (bench.keystone.snapshot() as { tokens: unknown[] }).tokens.length;
    assert.equal(count(), 5);
    bench.now += 49 * 3_600_000;
    bench.login('demo');
    assert.equal(count(), 1);
  });
});

describe('a change', () => {
  it('is told after a request that made one, and after no other', () => {
    const bench = new KeystoneBench();
    const token = bench.login('demo');
    assert.equal(bench.changes, 1);
    bench.ask('GET', '/v3/auth/projects', { token });
    bench.ask('POST', '/v3/projects', { token, body: { project: { name: 'x' } } });
    assert.equal(bench.changes, 1);
    bench.credential(token, { name: 'one' });
    assert.equal(bench.changes, 2);
  });
});
