/** Stands for a program on the shell's PATH: `SOCKET NAME ARGS…` asks the test what it says. */
import { request } from 'node:http';
import { json } from 'node:stream/consumers';
import type { RunResult } from '../../guest/line.ts';

const [, , socketPath = '', name, ...args] = process.argv;
const sent = request({ socketPath, method: 'POST', path: '/' });
sent.end(JSON.stringify({ name, args }));
sent.once('response', async response => {
  const { code, stdout, stderr } = (await json(response)) as RunResult;
  process.stdout.write(stdout);
  process.stderr.write(stderr);
  process.exitCode = code;
});
