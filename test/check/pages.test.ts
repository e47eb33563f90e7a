import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { errorTable } from '../../src/errors/table.ts';
import { brokenLinks, namedCodes, namesCode, type Page, readPages, tabledCodes } from '../../tools/pages.ts';
import { quotedTests } from '../../tools/test-names.ts';

const top = join(import.meta.dirname, '../..');
const codes = Object.keys(errorTable);

describe('the pages', () => {
  let pages: readonly Page[];
  before(async () => {
    pages = await readPages(top);
    assert.ok(pages.length > 40, `${pages.length} pages seen`);
  });

  const textOf = (file: string): string => {
    const page = pages.find(each => each.file === file);
    assert.ok(page, file);
    return page.text;
  };

  it('link to files and headings that are there', async () => {
    const { seen, broken } = await brokenLinks(top, pages);
    assert.ok(seen > 150, `${seen} links seen`);
    assert.deepEqual(broken, []);
  });

  /** Codes that the reference pages are about: these are made of the tables, and held to them by a check of their own. */
  const known = (): string[] =>
    pages.filter(({ file }) => file.startsWith('docs/reference/')).flatMap(({ text }) => tabledCodes(text));

  it('name no code that is in no table', () => {
    const names = pages.flatMap(({ file, text }) => namedCodes(text, known()).map(name => ({ file, name })));
    assert.ok(names.length > 150, `${names.length} codes named`);
    const unknown = names.filter(({ name }) => !known().some(code => namesCode(name, code)));
    assert.deepEqual(unknown, []);
  });

  it('on troubleshooting lead to every code', () => {
    const all = [...new Set([...codes, ...known()])];
    assert.ok(all.length > codes.length, 'codes of health besides those of errors');
    const names = namedCodes(textOf('docs/guides/troubleshooting.md'), all);
    const left = all.filter(code => !names.some(name => namesCode(name, code)));
    assert.deepEqual(left, []);
  });

  for (const [page, least] of [
    ['docs/support.md', 6],
    ['docs/questions.md', 10],
  ] as const)
    it(`have every test that ${page} names`, async () => {
      const { quoted, missing } = await quotedTests(top, page);
      assert.ok(quoted >= least, `${quoted} tests named`);
      assert.deepEqual(missing, []);
    });
});
