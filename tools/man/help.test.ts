import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { helpParts } from './help.ts';

describe('the parts of a help text', () => {
  it('are usage, paragraphs and flags, each in one piece', () => {
    const help = [
      'usage: kuryr walk NAME',
      '       kuryr walk --far [FLAGS]',
      '',
      'Walks there',
      'and back.',
      '',
      '  --far         much',
      '                further',
      '  --with NAME',
      '        in company',
    ];
    assert.deepEqual(helpParts(help.join('\n')), [
      { kind: 'usage', lines: ['kuryr walk NAME', 'kuryr walk --far [FLAGS]'] },
      { kind: 'paragraph', text: 'Walks there and back.' },
      { kind: 'flag', flag: '--far', text: 'much further' },
      { kind: 'flag', flag: '--with NAME', text: 'in company' },
    ]);
  });

  it('are nothing that a page would show wrong', () => {
    assert.throws(() => helpParts('Walks\n  there'), /" {2}there"/);
    assert.throws(() => helpParts('  --with NAME the company'), /two blanks/);
    assert.throws(() => helpParts('  --far\n  --with NAME  the company'), /--far/);
  });
});
