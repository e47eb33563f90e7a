import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { contains } from '../address/address.ts';
import type { Config } from '../config/config.ts';
import { assemble, type Daemon } from '../daemon/assemble.ts';
import { type RealEdges, realEdges } from '../daemon/edges.ts';
import { daemonConfig } from '../daemon/run.ts';
import { KuryrError } from '../errors/kuryr-error.ts';
import { RESERVATION_OWNER, reservationDevice } from '../ipam/ipam.ts';
import { refusal } from '../linux/refusal.ts';
import { NeutronNics } from '../nic/neutron-nics.ts';
import type { Nic } from '../nic/nic.ts';
import { silentLogger } from '../observe/logger.ts';
import type { Subnet } from '../openstack/neutron.ts';
import { PacketReach } from '../reach/packet-reach.ts';
import { noService } from '../service/environment.ts';
import { BareEngine } from './in-vm/bare-engine.ts';
import { measured, Narrator, NotMeasured, refuted } from './narrator.ts';
import { until } from './until.ts';

/** How long an answer may take at most, and how long silence is listened to, milliseconds. */
const patience = 15_000;
const silence = 3_000;

interface Place {
  readonly edges: RealEdges;
  readonly nic: Nic;
  readonly subnet: Subnet;
  readonly reach: PacketReach;
  readonly engine: BareEngine;
  readonly name: string;
}

/**
 * Shows Kuryr on this VM: its own port, the cloud of the configuration, one container; all is undone. The daemon runs in
 * this process, on sockets and a ledger of its own. Gives the exit code.
 * @throws VM_PORT_TAKEN where a daemon serves the VM, and what the daemon throws
 */
export async function runHere(
  config: Config,
  env: Readonly<Record<string, string | undefined>>,
  out: (line: string) => void,
  signal: AbortSignal,
): Promise<number> {
  const narrator = new Narrator(text => out(text.replace(/\n$/, '')), false);
  try {
    await showHere(config, env, narrator, signal);
    return 0;
  } catch (error) {
    if (!(error instanceof NotMeasured)) throw error;
    narrator.say(`\nThis did not hold: ${error.message}`);
    return refuted;
  }
}

async function showHere(
  config: Config,
  env: Readonly<Record<string, string | undefined>>,
  narrator: Narrator,
  signal: AbortSignal,
): Promise<void> {
  // The daemon's sockets and ledger are root's alone.
  process.umask(0o077);
  const edges = await realEdges({ cloud: config.cloud, logger: silentLogger, env, service: noService });
  const folder = await mkdtemp('/run/kuryr-demo-').catch(async error => {
    await edges.close();
    throw refusal('make a folder in /run', Math.abs(error.errno));
  });
  const socket = join(folder, 'kuryr.sock');
  let daemon: Daemon | undefined;
  try {
    daemon = await assemble(
      {
        ...daemonConfig(config, 'demo'),
        stateDir: join(folder, 'state'),
        runDir: folder,
        dockerSocket: socket,
        waitSeconds: patience / 1000,
      },
      edges,
    );
    await daemon.start();
    const nic = await nicOf(config, edges, signal);
    const subnet = nic.subnets.find(({ ip_version }) => ip_version === 4);
    if (subnet === undefined) throw new KuryrError('SUBNET_UNKNOWN', { subnet: 'IPv4', choices: ['none'] });
    const engine = new BareEngine({ socket, stateFile: join(folder, 'engine.json') });
    const reach = new PacketReach({ kernel: edges.kernel, clock: edges.clock, logger: silentLogger });
    await show({ edges, nic, subnet, reach, engine, name: `kuryr-demo-${process.pid}` }, narrator, signal);
  } finally {
    await (daemon?.stop() ?? edges.close());
    await rm(folder, { recursive: true, force: true });
  }
}

function nicOf({ master }: Config, { kernel, neutron, ownPorts }: RealEdges, signal: AbortSignal): Promise<Nic> {
  return new NeutronNics({ kernel, neutron, ownPorts, master, logger: silentLogger, life: signal }).find({}, signal);
}

async function show(place: Place, narrator: Narrator, signal: AbortSignal): Promise<void> {
  const { nic, subnet, engine, name } = place;
  const { master, port } = nic;
  narrator.say(
    `On this VM: ${master.name} (${master.addresses.join(', ')}), port ${port.id} of network ${nic.network.name}\n`,
  );
  const before = await held(place, signal);
  let address = '';
  try {
    await narrator.step('a container', async () => {
      await engine.network(subnet.cidr);
      address = await engine.run(name);
      const { pairs } = await held(place, signal);
      measured(
        pairs.some(pair => pair.startsWith(`${address} `)),
        `${address} is no pair of the VM's port`,
      );
      return `a container (a network namespace) with the address ${address}, which the VM's port permits now`;
    });
    const mac = await macIn(name);
    const gateway = subnet.gateway_ip ?? undefined;
    await narrator.step('the gateway', async () => {
      const reached = await place.reach.probe({ nic, address, mac, gateway }, patience, signal);
      measured(reached.reachable, `nobody answers ${address}`);
      return `${reached.target === gateway ? 'the gateway' : 'the neighbour'} ${reached.target} answers ${address}`;
    });
    await narrator.step('a spoofed address', () => spoof(place, mac, gateway, signal));
  } finally {
    await narrator.step('all is undone', () => undo(place, before));
  }
}

/** An address that the cloud keeps for this VM but does not permit it: nobody can have it, and the filter must drop it. */
async function spoof(
  { edges: { neutron }, nic, subnet, reach }: Place,
  mac: string,
  gateway: string | undefined,
  signal: AbortSignal,
): Promise<string> {
  measured(nic.port.portSecurity, 'port security is off on this VM’s port: nothing is refused');
  const { id, fixed_ips } = await neutron.createPort(
    {
      name: `kuryr-demo-${randomBytes(8).toString('hex')}`,
      network_id: nic.network.id,
      fixed_ips: [{ subnet_id: subnet.id }],
      // As a reservation is marked, so that kuryr gc finds it should this process be killed here.
      device_owner: RESERVATION_OWNER,
      device_id: reservationDevice(nic.port.id),
      admin_state_up: false,
      security_groups: nic.port.securityGroups,
    },
    // Not the visitor's signal: a port of which nothing is heard any more could not be deleted.
    AbortSignal.timeout(patience),
  );
  try {
    const address = fixed_ips.find(({ ip_address }) => contains(subnet.cidr, ip_address))?.ip_address ?? '';
    const reached = await reach.probe({ nic, address, mac, gateway }, silence, signal);
    measured(!reached.reachable, `${address}, which is not permitted, was answered`);
    measured(reached.reason === 'unanswered', `whether ${address} is dropped could not be seen: ${reached.reason}`);
    return `asked as ${address}, which is not permitted: no answer to ${reached.probes} questions`;
  } finally {
    await neutron.deletePort(id, AbortSignal.timeout(patience));
  }
}

/** Without the visitor's signal: whoever ends the demo wants it undone. */
async function undo(place: Place, before: Held): Promise<string> {
  const { engine, name } = place;
  if (Object.hasOwn(await engine.containers().catch(() => ({})), name)) await engine.remove(name);
  const wanted = JSON.stringify(before);
  let now = '';
  const asBefore = await until(async () => {
    now = JSON.stringify(await held(place, AbortSignal.timeout(patience)));
    return now === wanted;
  }, patience);
  measured(asBefore, `there was ${wanted} before, and is ${now} now`);
  return 'all is undone: the port has the pairs that it had, no reservation and no link is left';
}

/** What there is of containers of this VM. */
interface Held {
  readonly pairs: readonly string[];
  readonly reservations: readonly string[];
  readonly links: readonly string[];
}

async function held({ edges: { neutron, kernel }, nic }: Place, signal: AbortSignal): Promise<Held> {
  const { allowed_address_pairs } = await neutron.port(nic.port.id, signal);
  const ours = await neutron.ports({ device_id: reservationDevice(nic.port.id) }, signal);
  return {
    pairs: allowed_address_pairs.map(pair => `${pair.ip_address} ${pair.mac_address ?? ''}`).toSorted(),
    reservations: ours.map(({ id }) => id).toSorted(),
    links: kernel.links('host').map(({ name }) => name),
  };
}

async function macIn(container: string): Promise<string> {
  const { stdout } = await promisify(execFile)('ip', ['-n', container, 'link', 'show', 'eth0']);
  return /link\/ether (\S+)/.exec(stdout)?.[1] ?? '';
}
