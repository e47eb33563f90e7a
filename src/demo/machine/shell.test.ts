import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { runShell } from './shell.ts';

/** As nsenter does where it enters a PID namespace: it runs the rest as its child, and waits. */
const enter = ['sh', '-c', '"$@"; exit $?', '-'];
const env = { PATH: process.env['PATH'] };

describe('a script in a VM of namespaces', () => {
  it('gives what it printed and its exit code', async () => {
    const { code, stdout, stderr } = await runShell(enter, 'echo out; echo err >&2; exit 7', 10, env);
    assert.deepEqual({ code, stdout, stderr }, { code: 7, stdout: 'out\n', stderr: 'err\n' });
  });

  it('that runs out of time is ended with all that it runs, and has code 124', { timeout: 20_000 }, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'kuryr-shell-'));
    try {
      const pipe = join(folder, 'pipe');
      execFileSync('mkfifo', [pipe]);
      // Reading ends when nobody holds the pipe open any more.
      const ended = readFile(pipe);
      const { code, stdout } = await runShell(enter, `exec 3>${pipe}; sleep 30 & echo begun; sleep 30`, 0.5, env);
      assert.deepEqual({ code, stdout }, { code: 124, stdout: 'begun\n' });
      await ended;
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('that is killed in time has the code of its signal', async () => {
    assert.equal((await runShell(enter, 'kill -KILL $$', 10, env)).code, 128 + 9);
    assert.equal((await runShell([], 'kill -TERM $$', 10, env)).code, 128 + 15);
  });

  it('is not waited for by what it leaves behind', { timeout: 20_000 }, async () => {
    const { code, stdout } = await runShell(enter, 'setsid sleep 30 & echo $!', 25, env);
    process.kill(Number(stdout));
    assert.equal(code, 0);
  });
});
