import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Caller } from '../wire.ts';
import { mayCall } from './access-rules.ts';
import { byCredential, KeystoneBench } from './keystone-bench.ts';

const rule = (method: string, path: string, service = 'network') => ({ service, method, path });

function rig(...access_rules: object[]) {
  const bench = new KeystoneBench();
  const token = bench.login('demo');
  const made = bench.credential(token, { name: 'ruled', access_rules });
  assert.equal(made.status, 201, made.message);
  const [id, secret] = ['id', 'secret'].map(key => made.at(`application_credential.${key}`));
  const byIt = bench.authenticate(byCredential({ id, secret })).headers['x-subject-token'] ?? '';
  const path = `/v3/users/${bench.userId(token)}`;
  return {
    bench,
    token,
    made,
    byIt,
    rules: `${path}/access_rules`,
    credential: `${path}/application_credentials/${id}`,
  };
}

describe('access rules', () => {
  it('stand in the token, and let nothing but what they name', () => {
    const { bench, byIt } = rig(rule('GET', '/v2.0/ports'), rule('PUT', '/v2.0/ports/abc'));
    const told = bench.ask('GET', '/v3/auth/tokens', {
      token: byIt,
      headers: { 'x-subject-token': byIt, 'openstack-identity-access-rules': '1.0' },
    });
    assert.equal(told.at('token.application_credential.access_rules.1.path'), '/v2.0/ports/abc');
    const caller = bench.keystone.authenticate(byIt);
    assert.ok(caller);
    assert.equal(mayCall(caller, 'network', 'GET', '/v2.0/ports'), true);
    assert.equal(mayCall(caller, 'network', 'PUT', '/v2.0/ports/abc'), true);
    assert.equal(mayCall(caller, 'network', 'PUT', '/v2.0/ports/abd'), false);
    assert.equal(mayCall(caller, 'network', 'POST', '/v2.0/ports'), false);
    assert.equal(mayCall(caller, 'compute', 'GET', '/v2.0/ports'), false);
  });

  it('are hidden from who does not say that they are understood', () => {
    const { bench, token, byIt } = rig(rule('GET', '/v2.0/ports'));
    const headers = { 'x-subject-token': byIt };
    const unaware = bench.ask('GET', '/v3/auth/tokens', { token, headers });
    assert.deepEqual([unaware.status, unaware.message], [404, 'Failed to validate token']);
    assert.equal(bench.ask('DELETE', '/v3/auth/tokens', { token, headers }).status, 404, 'nor can it be revoked');
    assert.ok(bench.keystone.authenticate(byIt));
  });

  it('are no restriction where there are none', () => {
    const { bench, byIt, made } = rig();
    assert.equal(made.at('application_credential.access_rules'), undefined);
    const caller = bench.keystone.authenticate(byIt);
    assert.ok(caller);
    assert.equal(caller.accessRules, undefined);
    assert.equal(mayCall(caller, 'network', 'DELETE', '/v2.0/ports/abc'), true);
  });

  it('are shared by the credentials of a user, and deleted when none has them', () => {
    const { bench, token, made, rules, credential } = rig(rule('GET', '/v2.0/ports'));
    const id = made.text('application_credential.access_rules.0.id');
    const again = bench.credential(token, { name: 'two', access_rules: [rule('GET', '/v2.0/ports')] });
    assert.equal(again.at('application_credential.access_rules.0.id'), id);
    assert.equal(bench.ask('GET', rules, { token }).at('access_rules.1'), undefined);
    const inUse = bench.ask('DELETE', `${rules}/${id}`, { token });
    assert.deepEqual([inUse.status, inUse.message], [403, 'May not delete access rule in use']);
    bench.ask('DELETE', credential, { token });
    assert.equal(bench.ask('DELETE', `${rules}/${id}`, { token }).status, 403, 'the other credential has it');
    const other = again.text('application_credential.id');
    bench.ask('DELETE', credential.replace(/[^/]+$/, other), { token });
    assert.equal(bench.ask('GET', `${rules}/${id}`, { token }).at('access_rule.method'), 'GET');
    assert.equal(bench.ask('DELETE', `${rules}/${id}`, { token }).status, 204);
    assert.equal(bench.ask('GET', `${rules}/${id}`, { token }).message, `Could not find Access Rule: ${id}.`);
  });

  it('are not even an admin’s to see', () => {
    const { bench, rules } = rig(rule('GET', '/v2.0/ports'));
    for (const token of [bench.admin(), bench.login('demo2')]) {
      const refused = bench.ask('GET', rules, { token });
      assert.match(refused.message, /: identity:list_access_rules\.$/);
    }
  });
});

describe('the path of an access rule', () => {
  const caller = (path: string): Caller => ({
    ...{ userId: 'u', userName: 'u', projectId: 'p', projectName: 'p', roles: [], expiresAt: 0 },
    accessRules: [{ id: 'r', ...rule('GET', path) }],
  });
  for (const [pattern, yes, no] of [
    ['/v2.0/ports', ['/v2.0/ports'], ['/v2.0/ports/', '/v2.0/ports/a', '/x/v2.0/ports', '/v2x0/ports']],
    ['/v2.0/ports/*', ['/v2.0/ports/a'], ['/v2.0/ports', '/v2.0/ports/', '/v2.0/ports/a/b']],
    ['/v2.0/ports/*/tags', ['/v2.0/ports/a/tags'], ['/v2.0/ports/a/b/tags', '/v2.0/ports//tags']],
    ['/v2.0/ports/{port}', ['/v2.0/ports/a'], ['/v2.0/ports/a/b']],
    ['/v2.0/**', ['/v2.0/', '/v2.0/ports', '/v2.0/ports/a/tags'], ['/v2.0', '/v3/ports']],
    ['/v2.0/p*', ['/v2.0/ports', '/v2.0/px'], ['/v2.0/p', '/v2.0/networks']],
    ['/**/tags', ['/v2.0/ports/a/tags', '//tags'], ['/tags', '/v2.0/tags/a']],
  ] as const) {
    it(`${pattern} stands for ${yes.join(' and ')}`, () => {
      for (const path of yes) assert.equal(mayCall(caller(pattern), 'network', 'GET', path), true, path);
      for (const path of no) assert.equal(mayCall(caller(pattern), 'network', 'GET', path), false, path);
    });
  }

  it('takes no longer for many wildcards', () => {
    const start = performance.now();
    assert.equal(mayCall(caller(`/${'**a'.repeat(40)}b`), 'network', 'GET', `/${'a'.repeat(16_000)}`), false);
    assert.ok(performance.now() - start < 1_000);
  });
});
