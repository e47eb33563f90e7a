import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { commandNames } from '../../src/cli/commands.ts';
import { optionNames, variableOf } from '../../src/config/options.ts';
import { errorTable } from '../../src/errors/table.ts';
import { manPages } from './pages.ts';
import { RoffPage } from './roff.ts';

/** A page as it reads, near enough to look for words. */
async function textOf(path: string): Promise<string> {
  const page = (await manPages('2026-11-26'))[path] ?? assert.fail(path);
  return page
    .replaceAll(/\\f[BIR]/g, '')
    .replaceAll('\\-', '-')
    .replaceAll('\\(aq', "'");
}

describe('the manual', () => {
  it('has every command with its flags', async () => {
    const text = await textOf('man1/kuryr.1');
    for (const name of commandNames.filter(each => each !== 'help'))
      assert.match(text, new RegExp(`^.SS "kuryr ${name}"$`, 'm'));
    for (const name of optionNames) assert.match(text, new RegExp(`^--${name} \\S+$`, 'm'));
    assert.match(text, /^--dry-run$/m);
  });

  it('has what the control commands take, and how every command may end', async () => {
    const text = await textOf('man1/kuryr.1');
    for (const name of ['network', 'status', 'explain', 'reload', 'uninstall', 'gc']) {
      const own = text.split('\n.SS "').find(part => part.startsWith(`kuryr ${name}"`));
      assert.match(own ?? '', /^--config PATH$/m, name);
    }
    const ends = text.split('\n.SH "').find(part => part.startsWith('EXIT STATUS"'));
    assert.deepEqual(
      [...(ends ?? '').matchAll(/^\.TP\n(\d+)$/gm)].map(([, code]) => code),
      ['0', '1', '64', '69', '130'],
    );
  });

  it('has every option with its default and its variable', async () => {
    const text = await textOf('man5/kuryr.yaml.5');
    for (const name of optionNames) {
      assert.match(text, new RegExp(`^(--)?${name}:? \\S+$`, 'm'));
      assert.match(text, new RegExp(`^Default: [^]{1,200}?\\bvariable\\s${variableOf(name)}\\.$`, 'm'));
    }
  });

  it('has every error with what to do', async () => {
    const text = await textOf('man7/kuryr-errors.7');
    for (const [code, { todo }] of Object.entries(errorTable)) {
      const entry = text.slice(text.indexOf(`\n.TP\n${code}\n`)).split('\n.TP\n')[1];
      assert.ok(entry?.startsWith(code), code);
      assert.ok(entry?.replaceAll('\n', ' ').includes(todo), code);
    }
  });

  it('shows characters that mean something to roff as they are', () => {
    const page = new RoffPage('a-page', 7, { date: '2026-11-26', version: '1' });
    page.paragraph(".conf isn't in C:\\ nor ~/x-y");
    assert.match(page.toString(), /^\\&\.conf isn\\\(aqt in C:\\e nor \\\(ti\/x\\-y$/m);
  });
});
