/**
 * The guards and the flip watch of the daemon on the real kernel of a guest, without a cloud. Attachments are those of the
 * file named first, and the VM and they reach one another where `on` is named last; SIGHUP reads them again, SIGUSR1 looks after everything as the daemon does every half minute. Each
 * warning goes to stdout as a line of JSON, as do `ready` and `done`.
 */
import { readFileSync } from 'node:fs';
import { FlipWatch } from '../../src/hostaccess/flip-watch.ts';
import type { GuardedAttachment } from '../../src/hostaccess/guard-post.ts';
import { Guards } from '../../src/hostaccess/guards.ts';
import { HostAccess } from '../../src/hostaccess/host-access.ts';
import { KoffiSys } from '../../src/linux/koffi-sys.ts';
import { LinuxKernel } from '../../src/linux/linux-kernel.ts';
import type { Nic } from '../../src/nic/nic.ts';
import { silentLogger } from '../../src/observe/logger.ts';
import { systemClock } from '../../src/time/system-clock.ts';

const [file = '', folder = '', access = ''] = process.argv.slice(2);
const kernel = new LinuxKernel(new KoffiSys());
const life = new AbortController().signal;
const say = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`);
const logger = { ...silentLogger, warn: (fields: object, said: string) => say({ ...fields, said }) };
const read = () => JSON.parse(readFileSync(file, 'utf8')) as GuardedAttachment[];
let attachments = read();
const parts = { kernel, attachments: () => attachments, clock: systemClock, logger, life };
const guards = new Guards({ ...parts, folder });
const flips = new FlipWatch({ ...parts, guards });

const link = kernel.links('host').find(({ name }) => name === 'eth0');
const nic = {
  master: { ...link, addresses: [] },
  port: { id: 'vm-port' },
  subnets: [{ gateway_ip: '10.0.0.1' }, { gateway_ip: 'fd00::1' }],
} as unknown as Nic;

const guests = () =>
  attachments.map(({ addresses }) => ({ kind: 'ipvlan', master: link?.ifindex ?? 0, mac: '', addresses }) as const);
const hostAccess = new HostAccess({ kernel, guests, on: access === 'on', logger });
guards.start();
flips.start();
hostAccess.start(life);
const adopted = guards.posts.length;
const stand = async () => {
  for (const attachment of attachments) await guards.stand(nic, attachment);
};
const from = performance.now();
await stand();
say({ ready: true, adopted, ms: performance.now() - from });
process.on('SIGHUP', async () => {
  attachments = read();
  await stand();
  guards.tidySoon();
  hostAccess.refresh();
  say({ done: 'hup' });
});
process.on('SIGUSR1', () => {
  guards.refresh();
  flips.sweep();
  hostAccess.refresh();
  say({ done: 'usr1', putBacks: flips.of(link?.ifindex ?? 0)?.count ?? 0, cpu: process.cpuUsage() });
});
setInterval(() => {}, 60_000);
