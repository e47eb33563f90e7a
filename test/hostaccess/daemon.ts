/**
 * Host access as the daemon has it, on the real kernel of a guest, without a cloud. Containers are those of the file named
 * first; SIGHUP reads it again, opens what came and closes what went. Every answer and warning is a line of JSON.
 */
import { readFileSync } from 'node:fs';
import { HostAccess } from '../../src/hostaccess/host-access.ts';
import type { Guest } from '../../src/hostaccess/wanted.ts';
import { KoffiSys } from '../../src/linux/koffi-sys.ts';
import { LinuxKernel } from '../../src/linux/linux-kernel.ts';
import { silentLogger } from '../../src/observe/logger.ts';

const [file = '', on = 'on', services = ''] = process.argv.slice(2);
const say = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`);
const logger = { ...silentLogger, warn: (fields: object, said: string) => say({ ...fields, said }) };
const read = () => new Map(Object.entries(JSON.parse(readFileSync(file, 'utf8')) as Record<string, Guest>));

let guests = read();
const kernel = new LinuxKernel(new KoffiSys());
const access = new HostAccess({
  kernel,
  guests: () => [...guests.values()],
  on: on === 'on',
  services: JSON.parse(services),
  logger,
});
access.start(new AbortController().signal);
say({ ready: true, state: access.state.is });
process.on('SIGHUP', () => {
  const before = guests;
  guests = read();
  const from = performance.now();
  for (const [name, guest] of before) if (!guests.has(name)) access.close(guest);
  for (const [name, guest] of guests) if (!before.has(name)) access.open(guest);
  say({ done: true, state: access.state.is, ms: performance.now() - from });
});
setInterval(() => {}, 60_000);
