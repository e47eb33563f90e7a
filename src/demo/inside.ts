// The demo within its namespaces: what it makes here, the kernel takes away with this process.
import { mkdirSync } from 'node:fs';
import { command } from '../../guest/command.ts';
import { Narrator, NotMeasured, refuted } from './narrator.ts';
import type { Inner } from './options.ts';
import { play } from './play.ts';
import { Stage } from './stage.ts';
import { tell } from './story.ts';

const inner = JSON.parse(process.argv[2] ?? '') as Inner;
const narrator = new Narrator(text => void process.stdout.write(text), process.stdout.isTTY === true);
const ending = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => ending.abort());
ending.signal.addEventListener('abort', () => process.exit(130));

// /run holds sockets and named namespaces: the machine's are neither seen nor touched.
await command(['mount', '-t', 'tmpfs', 'tmpfs', '/run']);
for (const name of ['docker', 'kuryr', 'netns', 'lock', 'openstack', 'bin', 'demo', 'tmp', 'program'])
  mkdirSync(`/run/${name}`);
process.env['TMPDIR'] = '/run/tmp';

try {
  const stage = await Stage.set(inner, narrator, ending.signal);
  const shown = async (): Promise<void> => {
    await tell(stage, narrator, inner.fault);
    if (inner.stay) await play(stage, narrator, ending.signal);
  };
  await Promise.race([shown(), stage.fabric.broken]);
} catch (error) {
  const isKnown = error instanceof NotMeasured;
  narrator.say(`\n${isKnown ? `This did not hold: ${error.message}` : (error as Error).stack}`);
  process.exitCode = isKnown ? refuted : 1;
}
// Nobody is waited for any more: with this process, the first of its namespaces, all others end.
process.exit();
