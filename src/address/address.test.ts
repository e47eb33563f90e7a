import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canonical, contains, parseCidr, sameAddress, sameCidr } from './address.ts';

test('writes addresses as Neutron does', () => {
  assert.equal(canonical('10.0.0.9'), '10.0.0.9');
  assert.equal(canonical('FD20:0:0:0::0050'), 'fd20::50');
  assert.equal(canonical('fd20::'), 'fd20::');
});

test('takes no shorthand, zone, port or prefix for an address', () => {
  for (const text of [
    '',
    '10.1',
    '0x0a000001',
    '10.0.0.1/32',
    '010.0.0.1',
    'fe80::1%eth0',
    '[::1]',
    '10.0.0.1:80',
    'x',
  ])
    assert.equal(canonical(text), undefined, text);
});

test('knows one address in two spellings', () => {
  assert.ok(sameAddress('fd20::50', 'FD20:0::50'));
  assert.ok(!sameAddress('10.0.0.1', '10.0.0.10'));
  assert.ok(!sameAddress('x', 'x'));
});

test('reads a CIDR and refuses what is none', () => {
  assert.deepEqual(parseCidr('10.0.0.7/24'), { address: '10.0.0.7', prefix: 24 });
  for (const text of ['10.0.0.0', '10.0.0.0/33', '10.0.0.0/-1', 'fd20::/129', '/24', '10.0.0.0/24/1', '10.0.0.0/2x'])
    assert.equal(parseCidr(text), undefined, text);
});

test('compares ranges by what they cover', () => {
  assert.ok(sameCidr('10.0.0.0/24', '10.0.0.77/24'));
  assert.ok(!sameCidr('10.0.0.0/24', '10.0.0.0/25'));
  assert.ok(contains('10.0.0.0/24', '10.0.0.255'));
  assert.ok(!contains('10.0.0.0/24', '10.0.1.0'));
  assert.ok(contains('fd20::/64', 'fd20::ffff'));
  assert.ok(!contains('fd20::/64', '10.0.0.1'));
});
