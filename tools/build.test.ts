import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { promisify } from 'node:util';
import { build } from './build.ts';

function kuryr(folder: string, args: readonly string[]): Promise<string> {
  return new Promise(resolve => {
    const env = { HOME: folder, KURYR_CONFIG: '', KURYR_RUN_DIR: folder, KURYR_STATE_DIR: folder };
    execFile(
      process.execPath,
      [join(folder, 'dist/kuryr.mjs'), ...args],
      { cwd: join(folder, 'empty'), env },
      (_, out, err) => resolve(out + err),
    );
  });
}

it('makes a program that runs from anywhere without packages, koffi included', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'kuryr-build-'));
  try {
    await mkdir(join(folder, 'empty'));
    await build(join(folder, 'dist'));
    assert.match(await kuryr(folder, ['version']), /^kuryr \d/);
    assert.match(await kuryr(folder, ['status']), /DAEMON_NOT_RUNNING/);
    // The kernel's edge comes before the cloud's, so that this error shows koffi to be loaded.
    assert.match(await kuryr(folder, ['run', '--cloud', 'nowhere']), /\[CLOUD_\w+\]/);
  } finally {
    await rm(folder, { recursive: true });
  }
});

it('makes the same program whichever folder it is called in', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'kuryr-build-'));
  try {
    const script = join(import.meta.dirname, 'build.ts');
    const places = [import.meta.dirname, folder];
    for (const [index, cwd] of places.entries())
      await promisify(execFile)(process.execPath, [script, join(folder, `${index}`)], { cwd });
    const [one, other] = await Promise.all(places.map((_, index) => readFile(join(folder, `${index}/kuryr.mjs`))));
    assert.ok(other && one?.equals(other));
  } finally {
    await rm(folder, { recursive: true });
  }
});

it('makes the program alone where a folder is named, as the demo does', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'kuryr-build-'));
  try {
    await promisify(execFile)(process.execPath, [join(import.meta.dirname, 'build.ts'), folder]);
    const made = await readdir(folder);
    assert.ok(made.includes('kuryr.mjs'));
    assert.deepEqual(
      made.filter(name => !/^koffi-linux-\w+\.node$/.test(name)),
      ['kuryr.mjs'],
    );
  } finally {
    await rm(folder, { recursive: true });
  }
});
