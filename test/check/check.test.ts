import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { glob, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { errorTable } from '../../src/errors/table.ts';
import { directionProblems } from '../../tools/directions.ts';
import { stalePages } from '../../tools/docs.ts';
import { readImports } from '../../tools/imports.ts';
import { quotedTests } from '../../tools/test-names.ts';

const top = join(import.meta.dirname, '../..');

/** More lines than this and a newcomer loses the way. A table of many like entries is looked up in, not read through. */
const longest = 400;
const tables = ['src/errors/table.ts'];

/** Runs a tool from node_modules on the checkout; fails with what it printed. */
function passes(script: string, ...args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const command = [join(top, 'node_modules', script), ...args];
    execFile(process.execPath, command, { cwd: top, maxBuffer: 1 << 26 }, (error, out, err) => {
      if (error) reject(new assert.AssertionError({ message: `${out}${err}`.trim() || error.message }));
      else resolve();
    });
  });
}

async function sources(...patterns: readonly string[]): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for await (const file of glob(patterns, { cwd: top })) found.set(file, await readFile(join(top, file), 'utf8'));
  return found;
}

describe('the sources', () => {
  it('hold the strictest types', () => passes('typescript/bin/tsc', '-p', '.'));

  it('are formatted and free of what the linter knows', () => passes('@biomejs/biome/bin/biome', 'check', '.'));

  it('import only downward, and the check has seen them all', async () => {
    const modules = await readImports(top, 'src');
    const files = await sources('src/**/*.ts');
    assert.ok(modules.length >= files.size && files.size > 100, `${modules.length} of ${files.size} modules seen`);
    const imports = modules.reduce((sum, module) => sum + module.files.length, 0);
    assert.ok(imports > modules.length, `only ${imports} imports seen in ${modules.length} modules`);
    assert.deepEqual(directionProblems(modules), []);
  });

  it('hold an embedded cloud that imports nothing of Kuryr', async () => {
    const modules = (await readImports(top, 'cloud')).filter(({ file }) => file.startsWith('cloud/'));
    assert.ok(modules.length > 30, `${modules.length} modules seen`);
    const foreign = modules.flatMap(({ file, files }) =>
      files.filter(to => !to.startsWith('cloud/')).map(to => `${file}: ${to}`),
    );
    assert.deepEqual(foreign, []);
  });

  it('have no dead exports, files or dependencies', () => passes('knip/bin/knip.js', '--no-progress'));

  it('have no file that is too long to find the way in', async () => {
    const long = [...(await sources('{src,test,tools,cloud,guest}/**/*.ts'))]
      .map(([file, text]) => ({ file, lines: text.split('\n').length - 1 }))
      .filter(({ file, lines }) => lines > longest && !tables.includes(file));
    assert.deepEqual(long, []);
  });

  it('use every error code of the table, which is in order', async () => {
    const codes = Object.keys(errorTable);
    assert.deepEqual(codes, codes.toSorted());
    const text = [...(await sources('src/**/*.ts'))]
      .filter(([file]) => file !== 'src/errors/table.ts' && !file.endsWith('.test.ts'))
      .map(([, content]) => content)
      .join('\n');
    assert.deepEqual(
      codes.filter(code => !text.includes(`'${code}'`)),
      [],
    );
  });

  it('have every test that the page on security names', async () => {
    const { quoted, missing } = await quotedTests(top, 'docs/security.md');
    assert.ok(quoted > 30, `${quoted} tests named`);
    assert.deepEqual(missing, []);
  });

  it('are what the reference pages say (npm run docs)', async () => {
    assert.deepEqual(await stalePages(), []);
  });
});
