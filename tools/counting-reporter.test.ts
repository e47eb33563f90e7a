import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';

it('counts tests, not suites, a cancelled one as failed, and tells why each failed', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'kuryr-reporter-'));
  try {
    const text = `
      import { describe, it } from 'node:test';
      describe('suite', () => {
        it('passes', () => {});
        it('passes too', () => {});
        it('fails', () => { throw new Error('x'); });
        it('is cancelled', { timeout: 10 }, () => new Promise(resolve => setTimeout(resolve, 2000)));
        it.skip('is skipped', () => {});
        it.todo('is to do');
      });
    `;
    await writeFile(join(folder, 'sample.test.mjs'), text);
    const args = [
      ...['--test', '--test-isolation=none'],
      ...[`--test-reporter=${join(import.meta.dirname, 'counting-reporter.ts')}`, '--test-reporter-destination=counts'],
      'sample.test.mjs',
    ];
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    await new Promise(resolve => execFile(process.execPath, args, { cwd: folder, env }, resolve));
    const { failures, ...counts } = JSON.parse(await readFile(join(folder, 'counts'), 'utf8'));
    assert.deepEqual(counts, { passed: 2, failed: 2, skipped: 2 });
    assert.deepEqual(failures, ['fails: Error: x', 'is cancelled: test timed out after 10ms']);
  } finally {
    await rm(folder, { recursive: true });
  }
});
