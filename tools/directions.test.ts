import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { directionProblems } from './directions.ts';
import { importsOf } from './imports.ts';

const sees = async (file: string, text: string) => directionProblems([await importsOf(file, text)]);

describe('the check of import directions', () => {
  it('sees imports in every form, after a using declaration too', async () => {
    const text = `
      import a from './a.ts';
      import type { B } from '../b/b.ts';
      export { c } from './c.ts';
      export * from './d.ts';
      export type E = import('./e.ts').E;
      export async function f() { using x = a(); return (await import('./f.ts')).f; }
      import 'koffi';
      import { pino } from '@scope/name/deep';
      import { join } from 'node:path';
    `;
    const { files, packages } = await importsOf('src/x/x.ts', text);
    assert.deepEqual(files.toSorted(), [
      'src/b/b.ts',
      'src/x/a.ts',
      'src/x/c.ts',
      'src/x/d.ts',
      'src/x/e.ts',
      'src/x/f.ts',
    ]);
    assert.deepEqual(packages.toSorted(), ['@scope/name', 'koffi']);
  });

  it('finds an import that goes up, sideways, between fronts or past an edge, and lets those down pass', async () => {
    assert.equal((await sees('src/nic/x.ts', `import '../attach/y.ts'`)).length, 1);
    assert.equal((await sees('src/pairs/x.ts', `import type { Y } from '../ipam/y.ts'`)).length, 1);
    assert.equal((await sees('src/fronts/docker/x.ts', `import '../control/y.ts'`)).length, 1);
    assert.equal((await sees('src/attach/x.ts', `import 'koffi'`)).length, 1);
    assert.equal((await sees('src/daemon/x.ts', `import '../../cloud/index.ts'`)).length, 1);
    assert.equal((await sees('src/newcomer/x.ts', '')).length, 1);
    assert.deepEqual(await sees('src/fronts/docker/x.ts', `import '../http-server.ts'; import './y.ts'`), []);
    assert.deepEqual(await sees('src/cli/x.ts', `import '../daemon/y.ts'; import '../../package.json'`), []);
    assert.deepEqual(await sees('src/demo/x.ts', `import '../../guest/y.ts'; import '../daemon/y.ts'`), []);
    assert.deepEqual(await sees('src/linux/x.ts', `import 'koffi'; import '../errors/y.ts'`), []);
  });

  it('finds a circle of modules', async () => {
    const modules = [
      await importsOf('src/nic/a.ts', `import './b.ts'`),
      await importsOf('src/nic/b.ts', `import type { A } from './a.ts'`),
    ];
    assert.match(directionProblems(modules).join(), /circle: src\/nic\/a\.ts → src\/nic\/b\.ts → src\/nic\/a\.ts/);
  });
});
