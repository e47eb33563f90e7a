import { chmod, copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { command } from '../../guest/command.ts';
import manifest from '../../package.json' with { type: 'json' };
import { exitCodes } from '../../src/cli/exit-codes.ts';

/** What the npm package is made of. */
export interface NpmParts {
  /** Files by their path in the package: absolute paths of what is copied. */
  readonly files: Readonly<Record<string, string>>;
  /** Texts by their path in the package. */
  readonly texts: Readonly<Record<string, string>>;
}

/** The manifest of what is published: the program is one file, so nothing else is fetched. */
function published(): Record<string, unknown> {
  const { name, version, description, license, type, engines } = manifest;
  return {
    ...{ name, version, description, license, type, engines },
    os: ['linux'],
    cpu: ['x64', 'arm64'],
    bin: { kuryr: 'bin/kuryr.cjs' },
    exports: { './cloud': { types: './types/index.d.ts', default: './cloud.mjs' } },
    man: ['man/man1/kuryr.1', 'man/man5/kuryr.yaml.5', 'man/man7/kuryr-errors.7'],
  };
}

/** Started by whatever Node is there, so that one that is too old is told apart from a fault: no syntax of today in it. */
const starter = `#!/usr/bin/env node
'use strict';
var wanted = '${manifest.engines.node}'.match(/\\d+/g).map(Number);
var found = process.versions.node.split('.').map(Number);
if (found[0] < wanted[0] || (found[0] === wanted[0] && found[1] < wanted[1])) {
  console.error('kuryr: Node ' + wanted.join('.') + ' or newer is needed, and this is ' + process.versions.node);
  process.exit(${exitCodes.nodeTooOld.code});
}
import('../kuryr.mjs');
`;

/** Writes kuryr-VERSION.tgz into the folder, as `npm pack` makes it, and gives its path. @throws Error */
export async function writeNpm(folder: string, { files, texts }: NpmParts): Promise<string> {
  const work = await mkdtemp(join(tmpdir(), 'kuryr-npm-'));
  try {
    const all = { 'package.json': `${JSON.stringify(published(), null, 2)}\n`, 'bin/kuryr.cjs': starter, ...texts };
    for (const [path, text] of Object.entries(all)) {
      await mkdir(dirname(join(work, path)), { recursive: true });
      await writeFile(join(work, path), text);
    }
    for (const [path, from] of Object.entries(files)) {
      await mkdir(dirname(join(work, path)), { recursive: true });
      await copyFile(from, join(work, path));
    }
    await chmod(join(work, 'bin/kuryr.cjs'), 0o755);
    await mkdir(folder, { recursive: true });
    await command(['npm', 'pack', '--silent', '--ignore-scripts', '--pack-destination', folder], { cwd: work });
    return join(folder, `kuryr-${manifest.version}.tgz`);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
