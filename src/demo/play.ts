import { createInterface } from 'node:readline/promises';
import type { Narrator } from './narrator.ts';
import type { Stage } from './stage.ts';

const help = (list: string): string => `
It all stays up for you. A line that begins with the name of a VM runs in it:
  va ${list}
  va kuryr status
  va ip -d link
  vb kuryr doctor
exit, or Ctrl-C, ends it; nothing is left behind.`;

/** Runs the visitor's lines until there are no more. */
export async function play(stage: Stage, narrator: Narrator, signal: AbortSignal): Promise<void> {
  await narrator.step('two containers for you', async () => {
    const names = ['web', 'db'] as const;
    const addresses = await Promise.all([stage.a, stage.b].map((vm, n) => stage.containers.run(vm, names[n] ?? '')));
    return `two containers for you: ${names.map((name, n) => `${name} ${addresses[n]}`).join(' and ')}`;
  });
  narrator.say(help(stage.containers.list));
  const lines = createInterface({ input: process.stdin, output: process.stdout, prompt: 'demo> ', signal });
  let open = true;
  lines.once('close', () => {
    open = false;
  });
  lines.prompt();
  for await (const line of lines) {
    const [first = '', ...rest] = line.trim().split(' ');
    if (first === 'exit') break;
    const vm = [stage.a, stage.b].find(({ name }) => name === first);
    if (vm !== undefined) {
      const { stdout, stderr } = await vm.machine.run(rest.join(' '), 600);
      narrator.say(`${stdout}${stderr}`.trimEnd());
    } else if (first !== '') narrator.say(help(stage.containers.list));
    // A pipe may have said all by now.
    if (open) lines.prompt();
  }
  lines.close();
}
