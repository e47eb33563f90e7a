/**
 * Runs in a VM: many clients at once on the plug-in's socket, as an engine is that starts many containers. `network CIDR`
 * and `attach N JSON` print what they made, as JSON that goes on to `attach` and `detach JSON`. `turnover N AT_ONCE CIDR...`
 * has N containers come, be reached from the VM and go, so many at a time; it prints their addresses.
 */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';

interface Network {
  readonly id: string;
  /** The second, where there is one, is IPv6's. */
  readonly pools: readonly string[];
}

interface Endpoint {
  readonly id: string;
  /** With their prefix lengths; one of each pool. */
  readonly addresses: readonly string[];
  /** Name of its link, until it is moved. */
  readonly link: string;
}

export interface Attached extends Network {
  readonly endpoints: readonly Endpoint[];
}

const socketPath = '/run/docker/plugins/kuryr.sock';
const newId = () => randomBytes(32).toString('hex');
const shell = promisify(execFile);

const [verb, ...args] = process.argv.slice(2);
const input = () => JSON.parse(String(args.at(-1)));
if (verb === 'network') console.log(JSON.stringify(await createNetwork(args)));
else if (verb === 'attach') console.log(JSON.stringify(await attach(Number(args[0]), input())));
else if (verb === 'detach') await detach(input());
else await turnover(Number(args[0]), Number(args[1]), args.slice(2));

async function createNetwork(cidrs: readonly string[]): Promise<Network> {
  const gateway = { RequestAddressType: 'com.docker.network.gateway' };
  const pools: string[] = [];
  for (const Pool of cidrs) {
    pools.push(String((await post('IpamDriver.RequestPool', { Pool, Options: {}, V6: Pool.includes(':') }))['PoolID']));
    await post('IpamDriver.RequestAddress', { PoolID: pools.at(-1), Address: '', Options: gateway });
  }
  const [IPv4Data, IPv6Data] = [cidrs.slice(0, 1), cidrs.slice(1)].map(some => some.map(Pool => ({ Pool })));
  const id = newId();
  await post('NetworkDriver.CreateNetwork', { NetworkID: id, IPv4Data, IPv6Data });
  return { id, pools };
}

async function deleteNetwork({ id, pools }: Network): Promise<void> {
  await post('NetworkDriver.DeleteNetwork', { NetworkID: id });
  for (const PoolID of pools) await post('IpamDriver.ReleasePool', { PoolID });
}

/** @param sandbox name of its netns, in /run/netns */
async function attachOne({ id: network, pools }: Network, sandbox: string): Promise<Endpoint> {
  const id = newId();
  const endpoint = { NetworkID: network, EndpointID: id };
  const addresses: string[] = [];
  for (const PoolID of pools)
    addresses.push(String((await post('IpamDriver.RequestAddress', { PoolID, Address: '' }))['Address']));
  const [Address, AddressIPv6 = ''] = addresses;
  await post('NetworkDriver.CreateEndpoint', { ...endpoint, Interface: { Address, AddressIPv6 }, Options: {} });
  const joined = await post('NetworkDriver.Join', { ...endpoint, SandboxKey: `/run/netns/${sandbox}`, Options: {} });
  return { id, addresses, link: (joined['InterfaceName'] as { SrcName: string }).SrcName };
}

async function detachOne({ id: network, pools }: Network, { id, addresses }: Endpoint): Promise<void> {
  const endpoint = { NetworkID: network, EndpointID: id };
  await post('NetworkDriver.Leave', endpoint);
  await post('NetworkDriver.DeleteEndpoint', endpoint);
  for (const [n, PoolID] of pools.entries())
    await post('IpamDriver.ReleaseAddress', { PoolID, Address: addresses[n]?.split('/')[0] });
}

async function attach(count: number, network: Network): Promise<Attached> {
  const all = Array.from({ length: count }, (_, n) => attachOne(network, `none${n}`));
  return { ...network, endpoints: await Promise.all(all) };
}

async function detach({ endpoints, ...network }: Attached): Promise<void> {
  await Promise.all(endpoints.map(endpoint => detachOne(network, endpoint)));
  await deleteNetwork(network);
}

async function turnover(count: number, atOnce: number, cidrs: readonly string[]): Promise<void> {
  const network = await createNetwork(cidrs);
  let left = count;
  const place = async (sandbox: string) => {
    await shell('ip', ['netns', 'add', sandbox]);
    while (left-- > 0) {
      const endpoint = await attachOne(network, sandbox);
      const { link, addresses } = endpoint;
      // Few processes: in a guest each takes as long as all that Kuryr does.
      const lines = [
        `ip link set ${link} netns ${sandbox} name eth0`,
        `ip -n ${sandbox} -batch - <<END`,
        ...addresses.map(cidr => `addr add ${cidr} dev eth0${cidr.includes(':') ? ' nodad' : ''}`),
        'link set eth0 up',
        'END',
        ...addresses.map(cidr => `ping -qc1 -W20 ${cidr.split('/')[0]}`),
      ];
      await shell('sh', ['-ec', lines.join('\n')]);
      for (const cidr of addresses) console.log(cidr.split('/')[0]);
      await detachOne(network, endpoint);
    }
    await shell('ip', ['netns', 'delete', sandbox]);
  };
  await Promise.all(Array.from({ length: atOnce }, (_, n) => place(`place${n}`)));
  await deleteNetwork(network);
}

function post(path: string, body: object): Promise<Record<string, unknown>> {
  return new Promise((resolve, reject) => {
    // A connection for each request, as that many engines would have.
    const sent = request({ socketPath, path: `/${path}`, method: 'POST', agent: false }, answer => {
      text(answer).then(said => {
        if (answer.statusCode === 200) resolve(JSON.parse(said));
        else reject(new Error(`${path}: ${answer.statusCode} ${said}`));
      }, reject);
    });
    sent.once('error', reject).end(JSON.stringify(body));
  });
}
