import assert from 'node:assert/strict';
import { test } from 'node:test';
import { picture } from './demo-picture.ts';

test('a picture of the demo shows every line, at half the time at which it was printed, and none is too wide', () => {
  const long = `  ✓ ${'a word and '.repeat(14)}an end`;
  const svg = picture([
    { text: '$ ./kuryr demo', at: 0 },
    { text: '  ✓ a < b & c', at: 3 },
    { text: long, at: 5 },
  ]);
  assert.match(svg, /animation-delay:1\.50s"> {2}✓ a &lt; b &amp; c</);
  const shown = [...svg.matchAll(/<text[^>]*>([^<]*)</g)].map(([, text = '']) => text);
  assert.equal(shown.length, 4);
  assert.ok(shown.every(text => text.length <= 118));
  assert.equal(
    shown
      .slice(2)
      .map(text => text.trim())
      .join(' '),
    long.trim(),
  );
});
