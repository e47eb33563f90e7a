/** `npm run lab [-- ovn|linuxbridge [bookworm|trixie|forky]]`: the tests' bed for a person to play in. */
import { createInterface } from 'node:readline/promises';
import { Lab, type LabOptions } from './lab.ts';

const [backend = 'ovn', engine = 'bookworm'] = process.argv.slice(2);
if (!['ovn', 'linuxbridge'].includes(backend) || !['bookworm', 'trixie', 'forky'].includes(engine)) {
  console.error('usage: npm run lab -- [ovn|linuxbridge] [bookworm|trixie|forky]');
  process.exit(64);
}
const ending = new AbortController();
process.once('SIGINT', () => ending.abort());
await using lab = await Lab.up({
  backend: backend as LabOptions['backend'],
  engine: engine as NonNullable<LabOptions['engine']>,
  say: line => console.log(line),
  signal: ending.signal,
});
const vms = await lab.addVms({ name: 'va', host: 'h1' }, { name: 'vb', host: 'h2' });
console.log(`
Two VMs on two hosts, with Docker and Kuryr in them, on a real OpenStack. Lines to type:

  va kuryr network create lan             in the VM va (vb likewise): any command
  va docker run -d --name c1 --network lan bb sleep 1000
  vb kuryr network create lan
  vb docker run --rm --network lan bb ping -c 3 ADDRESS-OF-c1
  openstack port list --long              the real client, as the tenant
  exit                                    everything goes
`);
const terminal = createInterface({ input: process.stdin, output: process.stdout, prompt: 'lab> ' });
terminal.on('SIGINT', () => terminal.close());
// Lines that are piped in are at their end before the first of them is done.
let isOpen = true;
terminal.once('close', () => {
  isOpen = false;
});
terminal.prompt();
for await (const line of terminal) {
  const [who = '', ...words] = line.trim().split(/\s+/);
  if (who === 'exit' || ending.signal.aborted) break;
  const vm = vms.find(({ name }) => name === who);
  if (vm !== undefined) {
    const { stdout, stderr } = await vm.run(line.trim().slice(who.length), 600);
    process.stdout.write(stdout + stderr);
  } else if (who === 'openstack') {
    process.stdout.write(await lab.cloud.openstack(words).catch(error => `${error.message}\n`));
  } else if (who !== '') console.log('a line begins with va, vb, openstack or exit');
  if (isOpen) terminal.prompt();
}
terminal.close();
