import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accessRules, missingRules } from './rules.ts';

const calls = (endpoint: string, ports: readonly string[]) =>
  accessRules(endpoint, ports).map(({ service, method, path }) => {
    assert.equal(service, 'network');
    return `${method} ${path}`;
  });

test('allows these calls and no more, for one VM and for a fleet', () => {
  const common = ['extensions', 'networks', 'subnets', 'ports', 'ports/*'].map(path => `GET /v2.0/${path}`);
  const one = [...common, 'POST /v2.0/ports', 'PUT /v2.0/ports/a', 'DELETE /v2.0/ports/*'];
  assert.deepEqual(calls('http://neutron:9696/v2.0', ['a']), one);
  assert.deepEqual(calls('http://neutron:9696/v2.0', ['a', 'b']).toSorted(), [...one, 'PUT /v2.0/ports/b'].toSorted());
});

test('allows the path that a service behind a proxy may see, with and without what the proxy takes', () => {
  const both = calls('https://cloud.test/networking/v2.0', ['a']);
  for (const path of ['/v2.0/ports/a', '/networking/v2.0/ports/a']) assert.ok(both.includes(`PUT ${path}`));
  assert.equal(both.length, 16);
});

test('misses nothing in what it makes itself, nor in wider rules, and all that narrower ones lack', () => {
  const endpoint = 'https://cloud.test/networking/v2.0';
  const own = accessRules(endpoint, ['a']);
  assert.deepEqual(missingRules(own, endpoint, ['a']), []);
  const wide = ['GET', 'POST', 'PUT', 'DELETE'].map(method => ({ service: 'network', method, path: '/**' }));
  assert.deepEqual(missingRules(wide, endpoint, ['a']), []);
  const lacking = missingRules(own, endpoint, ['a', 'b']).map(({ method, path }) => `${method} ${path}`);
  assert.deepEqual(lacking, ['PUT /v2.0/ports/b', 'PUT /networking/v2.0/ports/b']);
  const narrow = own.map(rule => ({ ...rule, path: rule.path.replace('*', 'x') }));
  assert.equal(missingRules(narrow, endpoint, ['a']).length, 4, 'one id is not any id');
  assert.equal(missingRules([], endpoint, ['a']).length, own.length);
});
