import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { brokenLinks, namedCodes, namesCode, tabledCodes } from './pages.ts';

it('a link is broken when its file or its heading is not there, in code it is none', async t => {
  const top = await mkdtemp(join(tmpdir(), 'kuryr-pages-'));
  t.after(() => rm(top, { recursive: true }));
  const text = [
    '# Some *words*, `code` and a [link](other.md)\n## Again\n## Again\n```sh\n# not a heading\necho [x](none.md)\n```',
    '[a](one.md) [b](#again-1) [c](one.md#some-words-code-and-a-link) [d](https://example.org/none.md) `[x](none.md)`',
    '[e](none.md) [f](#again-2) [g](one.md#not-a-heading)',
  ].join('\n');
  await writeFile(join(top, 'one.md'), text);
  const found = await brokenLinks(top, [{ file: 'one.md', text }]);
  const broken = ['other.md', 'none.md', '#again-2', 'one.md#not-a-heading'].map(target => `one.md: ${target}`);
  assert.deepEqual(found, { seen: 7, broken });
});

it('a code is told from other words in capitals by how codes begin, one with an asterisk stands for many', () => {
  const codes = ['PAIRS_FORBIDDEN', 'CLOUD_UNKNOWN', 'INTERNAL'];
  const text = '`PAIRS_FORBIDDEN`, `PAIRS_LOST` or `CLOUD_*`, `INTERNAL`, but `NET_ADMIN`, `DROP`, PAIRS_BARE';
  assert.deepEqual(namedCodes(text, codes), ['PAIRS_FORBIDDEN', 'PAIRS_LOST', 'CLOUD_*', 'INTERNAL']);
  assert.ok(namesCode('CLOUD_*', 'CLOUD_UNKNOWN') && !namesCode('CLOUD', 'CLOUD_UNKNOWN'));
  assert.deepEqual(tabledCodes('## PAIRS_LOST\n\n| `PAIRS_FULL` | x |\n| PAIR | y |\n'), [
    'PAIRS_LOST',
    'PAIRS_FULL',
    'PAIR',
  ]);
});
