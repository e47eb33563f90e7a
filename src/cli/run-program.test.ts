import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isKuryrError } from '../errors/kuryr-error.ts';
import { runProgram } from './run-program.ts';

const never = new AbortController().signal;

describe('a program run for the user', () => {
  it('gives its exit code, and for a signal what a shell would give', async () => {
    assert.equal(await runProgram(['sh', '-c', 'exit 7'], never), 7);
    assert.equal(await runProgram(['sh', '-c', 'kill -9 $$'], never), 137);
  });

  it('is named when it is not installed', async () => {
    await assert.rejects(runProgram(['kuryr-no-such-program'], never), error => isKuryrError(error, 'PROGRAM_MISSING'));
  });

  it('is ended with the command', async () => {
    const ending = new AbortController();
    const run = runProgram(['sleep', '600'], ending.signal);
    ending.abort();
    assert.equal(await run, 143);
  });
});
