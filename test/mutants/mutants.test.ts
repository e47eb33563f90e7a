import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it, type TestContext, test } from 'node:test';
import { type Mutant, readMutants } from './mutant.ts';
import { Suite, type Verdict } from './suite.ts';
import { Tree } from './tree.ts';

const top = join(import.meta.dirname, '../..');
const mutants = await readMutants(import.meta.dirname);
const light = mutants.filter(({ needs }) => needs === 'unit');
const suite = await Suite.open(top, light);
after(() => suite[Symbol.asyncDispose]());

/** Two at once: most have a processor to themselves then. */
describe('a broken promise turns its test red', { concurrency: 2 }, () => {
  for (const mutant of light)
    it(`${mutant.name}: ${mutant.promise}`, async () => {
      const verdict = await suite.trial(mutant);
      assert.equal(verdict.is, 'red', verdict.is === 'broken' ? verdict.why : `"${mutant.testName}" is still green`);
    });
});

/** A tree of one source and its tests, and what a mutant of it comes to. */
async function trial(t: TestContext, change: string, name: string, file = 'src/a.test.ts'): Promise<Verdict> {
  const folder = await mkdtemp(join(tmpdir(), 'kuryr-mutants-'));
  t.after(() => rm(folder, { recursive: true }));
  await mkdir(join(folder, 'src'));
  await writeFile(join(folder, 'src/a.ts'), 'export const one: number = 1;\nexport const two = () => 2;\n');
  const tests = [
    "import assert from 'node:assert';\nimport { describe, it, test } from 'node:test';",
    "import { one, two } from './a.ts';",
    "test('one is one', () => assert.equal(one, 1));",
    "describe('two', () => void it('is two (really)', () => assert.equal(two(), 2)));",
    "test('is red', () => assert.fail());",
    "test('is skipped', { skip: true }, () => {});",
  ];
  await writeFile(join(folder, 'src/a.test.ts'), tests.join('\n'));
  const [from = '', to = ''] = change.split(' => ');
  const diff = `--- a/src/a.ts\n+++ b/src/a.ts\n@@ -1,2 +1,2 @@\n-export const ${from};\n+export const ${to};\n export const two = () => 2;\n`;
  await writeFile(join(folder, 'm.patch'), `promise: it holds\ntest: ${file}\nname: ${name}\nneeds: unit\n\n${diff}`);
  const found = await readMutants(folder);
  await using own = await Suite.open(folder, found);
  return await own.trial(found[0] as Mutant);
}

const broken = (verdict: Verdict, why: RegExp) => assert.match(verdict.is === 'broken' ? verdict.why : verdict.is, why);

test('tells a mutant that the named test notices from one that survives', async t => {
  assert.equal((await trial(t, 'one: number = 1 => one: number = 3', 'one is one')).is, 'red');
  assert.equal((await trial(t, 'one: number = 1 => one = 1', 'one is one')).is, 'survived');
  assert.equal((await trial(t, 'one: number = 1 => one = 1', '/^is two [(]really[)]$/')).is, 'survived');
});

test('takes no mutant for noticed that does not fit, parse or run', async t => {
  broken(await trial(t, 'one: number = 2 => one: number = 3', 'one is one'), /does not apply/);
  broken(await trial(t, 'one: number = 1 => one: number = = 1', 'one is one'), /did not run/);
  broken(await trial(t, 'one: number = 1 => one: number = three', 'one is one'), /did not run|does not run/);
});

test('takes no test for a witness that is missing, red by itself or skipped', async t => {
  const change = 'one: number = 1 => one: number = 3';
  broken(await trial(t, change, 'one is'), /has no test/);
  broken(await trial(t, change, 'one is one', 'src/b.test.ts'), /has no test/);
  broken(await trial(t, change, 'is red'), /without the mutant: "is red" fails/);
  broken(await trial(t, change, 'is skipped'), /without the mutant: "is skipped" is skipped/);
});

test('the mutants that need the lab fit the sources too', async () => {
  await using tree = await Tree.copy(top);
  const sources = new Tree(top);
  for (const mutant of mutants.filter(({ needs }) => needs !== 'unit')) {
    await tree.put(mutant);
    await tree.takeOut(mutant, sources);
  }
});

test('every mutant says whose promise it breaks, no two under one name', () => {
  assert.ok(light.length >= 30, `${light.length} mutants`);
  for (const { test: file, needs } of mutants)
    assert.match(file, needs === 'unit' ? /^(src|cloud|tools|test\/(wire|fuzz))\// : /^(src|test)\//);
});
