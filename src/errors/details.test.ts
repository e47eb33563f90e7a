import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fillIn } from './details.ts';

test('fills in what is known, and shows a hole where something is not', () => {
  assert.equal(fillIn('{a} of {b}: {c}', { a: 1, b: ['x', 'y'] }), '1 of x, y: ?');
});

test('control characters of a detail never reach the terminal that shows the text', () => {
  const text = fillIn('The network {name}.', { name: 'a\u001b[2J\r\nb\u202ec\u0000' });
  assert.equal(text, 'The network a [2J b c .');
});
