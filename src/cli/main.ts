import { readFile } from 'node:fs/promises';
import type { Terminal } from './command.ts';
import { dispatch } from './dispatch.ts';
import { runProgram } from './run-program.ts';

// The first signal ends in order; a second one at once.
const ending = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.once(name, () => ending.abort(new Error(`ended by ${name}`)));
}

const terminal: Terminal = {
  out: text => void process.stdout.write(`${text}\n`),
  err: text => void process.stderr.write(`${text}\n`),
  env: process.env,
  async readFile(path) {
    try {
      return await readFile(path, 'utf8');
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      throw error;
    }
  },
  run: runProgram,
};

process.exitCode = await dispatch(process.argv.slice(2), terminal, ending.signal);
