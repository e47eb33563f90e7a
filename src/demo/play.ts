import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createInterface } from 'node:readline/promises';
import type { Narrator } from './narrator.ts';
import type { Stage } from './stage.ts';

const cloudsFile = '/run/demo/clouds.yaml';

const help = ({ containers, b }: Stage): string => `
It all stays up for you. A line that begins with the name of a VM runs in it:
  va ${containers.list}
  va kuryr status
  va ip netns exec web ping -c 3 ${b.address}
  vb ip -d link
One that begins with cloud runs between them, where an OpenStack client reaches the cloud, if you have one:
  cloud openstack port list
exit, or Ctrl-C, ends it; nothing is left behind.`;

/** Runs the visitor's lines until there are no more. */
export async function play(stage: Stage, narrator: Narrator, signal: AbortSignal): Promise<void> {
  await narrator.step('two containers for you', async () => {
    const names = ['web', 'db'] as const;
    const addresses = await Promise.all([stage.a, stage.b].map((vm, n) => stage.containers.run(vm, names[n] ?? '')));
    return `two containers for you: ${names.map((name, n) => `${name} ${addresses[n]}`).join(' and ')}`;
  });
  await writeFile(cloudsFile, stage.fabric.cloud.embedded.cloudsYaml());
  narrator.say(help(stage));
  const lines = createInterface({ input: process.stdin, output: process.stdout, prompt: 'demo> ', signal });
  let open = true;
  lines.once('close', () => {
    open = false;
  });
  lines.prompt();
  for await (const line of lines) {
    if (line.trim() === 'exit') break;
    await obey(line.trim(), stage, narrator);
    // A pipe may have said all by now.
    if (open) lines.prompt();
  }
  lines.close();
}

async function obey(line: string, stage: Stage, narrator: Narrator): Promise<void> {
  const [first = '', ...rest] = line.split(' ');
  const vm = [stage.a, stage.b].find(({ name }) => name === first);
  if (vm !== undefined) {
    const { stdout, stderr } = await vm.machine.run(rest.join(' '), 600);
    narrator.say(`${stdout}${stderr}`.trimEnd());
  } else if (first === 'cloud') {
    const env = { ...process.env, OS_CLIENT_CONFIG_FILE: cloudsFile, OS_CLOUD: 'kuryr-embedded' };
    await once(spawn('sh', ['-c', rest.join(' ')], { stdio: ['ignore', 'inherit', 'inherit'], env }), 'close');
  } else if (first !== '') narrator.say(help(stage));
}
