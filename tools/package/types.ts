import { glob, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { command } from '../../guest/command.ts';

const top = join(import.meta.dirname, '../..');

/** What `./cloud` exports, as declarations: texts by their path below `folder`, which is left full of them. @throws Error */
export async function cloudTypes(folder: string): Promise<Readonly<Record<string, string>>> {
  await command(
    [
      process.execPath,
      join(top, 'node_modules/typescript/bin/tsc'),
      ...['--ignoreConfig', '--declaration', '--emitDeclarationOnly', '--outDir', folder, '--rootDir', 'cloud'],
      ...['--target', 'es2024', '--lib', 'es2024,esnext.disposable', '--module', 'nodenext', '--types', 'node'],
      ...[
        '--strict',
        '--exactOptionalPropertyTypes',
        '--skipLibCheck',
        '--allowImportingTsExtensions',
        'cloud/index.ts',
      ],
    ],
    { cwd: top },
  );
  const texts: Record<string, string> = {};
  for await (const path of glob('**/*.d.ts', { cwd: folder })) texts[path] = await readFile(join(folder, path), 'utf8');
  return texts;
}
