/**
 * `attach-vm.ts KURYR.MJS`, in network and mount namespaces of its own: they are a VM with one NIC, and its gateway is in a
 * namespace besides. An embedded cloud takes as long as a real one; the daemon is a process of its own, and this one is the
 * engine. Prints figures by peer as one object of JSON.
 */
import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { json } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { startCloud } from '../../cloud/index.ts';
import { arenas, nodeFlags } from '../../src/install/unit-texts.ts';

const [, , program = ''] = process.argv;
const MAC = 'fa:16:3e:00:00:11';
const SUBNET = { cidr: '10.50.0.0/21', gateway: '10.50.0.1', own: '10.50.0.11' };
const SOCKET = '/run/docker/plugins/kuryr.sock';
/** Attachments when the daemon's memory is looked at; with the first of them but none, some more are timed. */
const MEMORY_AT = [0, 200, 1000];
const TOGETHER = 25;
/** Attachments whose time counts, and as many for the peer. */
const TIMED = 20;

type Json = Readonly<Record<string, unknown>>;

const ip = (text: string) => execFileSync('ip', text.split(' '));

/** What Nova and the network do for a VM. */
async function plug(): Promise<{ readonly yaml: string }> {
  const cloud = await startCloud({ latency: 'measured', pairLimit: 1100 });
  const auth = { identity: { methods: ['password'], password: { user: owner } }, scope: { project: project } };
  const login = await fetch(`${cloud.authUrl}/auth/tokens`, {
    method: 'POST',
    headers: type,
    body: JSON.stringify({ auth }),
  });
  const headers = { ...type, 'x-auth-token': login.headers.get('x-subject-token') ?? '' };
  const make = async (kind: string, body: object): Promise<string> => {
    const url = `${cloud.neutronUrl}/v2.0/${kind}s`;
    const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ [kind]: body }) });
    const made = (await answer.json()) as Record<string, { id: string } | undefined>;
    if (!made[kind]) throw new Error(`${kind}: ${JSON.stringify(made)}`);
    return made[kind].id;
  };
  const network_id = await make('network', { name: 'lan' });
  const subnet_id = await make('subnet', { network_id, ip_version: 4, cidr: SUBNET.cidr, gateway_ip: SUBNET.gateway });
  const fixed_ips = [{ subnet_id, ip_address: SUBNET.own }];
  await make('port', { network_id, fixed_ips, mac_address: MAC, device_owner: 'compute:nova' });
  return { yaml: cloud.cloudsYaml() };
}
const type = { 'content-type': 'application/json' };
const owner = { name: 'demo', password: 'demopw', domain: { id: 'default' } };
const project = { name: 'demo', domain: { id: 'default' } };

const agent = new Agent({ keepAlive: true });

function call(verb: string, body: object): Promise<Json> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath: SOCKET, method: 'POST', path: `/${verb}`, agent }, answer => {
      const take = (said: unknown) =>
        answer.statusCode === 200 ? resolve(said as Json) : reject(new Error(`${verb}: ${JSON.stringify(said)}`));
      json(answer).then(take, reject);
    });
    sent.once('error', reject).end(JSON.stringify(body));
  });
}

ip('link set lo up');
ip('netns add gateway');
ip(`link add eth0 address ${MAC} type veth peer name wire netns gateway`);
ip(`address add ${SUBNET.own}/21 dev eth0`);
ip('link set eth0 up');
ip(`-n gateway address add ${SUBNET.gateway}/21 dev wire`);
ip('-n gateway link set wire up');
ip(`route add default via ${SUBNET.gateway}`);
const { yaml } = await plug();
writeFileSync('/run/clouds.yaml', yaml, { mode: 0o600 });
const env = {
  PATH: process.env['PATH'],
  OS_CLOUD: 'kuryr-embedded',
  OS_CLIENT_CONFIG_FILE: '/run/clouds.yaml',
  MALLOC_ARENA_MAX: `${arenas}`,
};
const args = [...nodeFlags, program, 'run', '--state-dir', '/run/state', '--link', 'macvlan', '--log-level', 'error'];
const daemon = spawn(process.execPath, args, { env, stdio: ['ignore', 'inherit', 'inherit'] });
process.once('exit', () => daemon.kill('SIGKILL'));

const pool = await untilUp(() => call('IpamDriver.RequestPool', { Pool: SUBNET.cidr, Options: {} }));
const NetworkID = randomBytes(32).toString('hex');
const gateway = { RequestAddressType: 'com.docker.network.gateway' };
await call('IpamDriver.RequestAddress', { ...pool, Address: '', Options: gateway });
await call('NetworkDriver.CreateNetwork', { NetworkID, IPv4Data: [{ Pool: SUBNET.cidr }], IPv6Data: [] });

const memory: Record<string, number> = {};
const timed: Record<string, number>[] = [];
let attached = 0;
for (const count of MEMORY_AT) {
  while (attached < count) await Promise.all(Array.from({ length: Math.min(TOGETHER, count - attached) }, attachOne));
  memory[`daemon's memory with ${count}, MiB`] = residentMiB();
  if (attached > 0) while (timed.length < TIMED) timed.push(await attachOne());
}
const bare = Array.from({ length: TIMED }, (_, n) => bareLink(n));

const figures: Record<string, Record<string, number | readonly number[]>> = {};
for (const stage of Object.keys(timed[0] ?? {}))
  figures[`${stage}, ms`] = { kuryr: timed.map(times => times[stage] ?? Number.NaN) };
figures['RequestAddress to Join, ms'] = { ...figures['RequestAddress to Join, ms'], 'the link alone, by ip': bare };
for (const [text, value] of Object.entries(memory)) figures[text] = { kuryr: value };
console.log(JSON.stringify(figures));
process.exit();

/** As an engine does; gives each call's time, milliseconds. The link then goes into a sandbox, or all stay in one namespace. */
async function attachOne(): Promise<Record<string, number>> {
  attached++;
  const EndpointID = randomBytes(32).toString('hex');
  const began = performance.now();
  const { Address } = await call('IpamDriver.RequestAddress', { ...pool, Address: '', Options: null });
  const reserved = performance.now();
  const made = await call('NetworkDriver.CreateEndpoint', {
    NetworkID,
    EndpointID,
    Interface: { Address },
    Options: {},
  });
  if (made['Err']) throw new Error(String(made['Err']));
  const named = performance.now();
  const SandboxKey = `/run/docker/netns/${EndpointID.slice(0, 12)}`;
  const joined = await call('NetworkDriver.Join', { NetworkID, EndpointID, SandboxKey, Options: {} });
  const done = performance.now();
  moveAway((joined['InterfaceName'] as { SrcName: string }).SrcName, String(Address), SandboxKey);
  return {
    RequestAddress: reserved - began,
    CreateEndpoint: named - reserved,
    Join: done - named,
    'RequestAddress to Join': done - began,
  };
}

/** The engine's part, which is not measured. */
function moveAway(link: string, address: string, sandbox: string): void {
  const name = sandbox.split('/').at(-1) ?? '';
  ip(`netns add ${name}`);
  execFileSync('sh', [
    '-ec',
    `mkdir -p /run/docker/netns; touch ${sandbox}; mount --bind /run/netns/${name} ${sandbox}`,
  ]);
  ip(`link set ${link} netns ${name} name eth0`);
  ip(`-n ${name} address add ${address} dev eth0`);
  ip(`-n ${name} link set eth0 up`);
}

/** A link made by iproute2 as the daemon makes it, with nothing else: no address reserved, none permitted. Milliseconds. */
function bareLink(n: number): number {
  const began = performance.now();
  ip(`link add link eth0 name bare${n} type macvlan mode bridge`);
  return performance.now() - began;
}

function residentMiB(): number {
  const status = readFileSync(`/proc/${daemon.pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
}

async function untilUp<T>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (daemon.exitCode !== null || !/ENOENT|ECONNREFUSED/.test(String(error))) throw error;
      await sleep(20);
    }
  }
}
