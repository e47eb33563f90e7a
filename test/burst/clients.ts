/**
 * Runs in a VM: many clients at once on the plug-in's socket, as an engine is that starts many containers. `network CIDR`
 * and `attach N JSON` print what they made, as JSON that goes on to `attach` and `detach JSON`.
 */
import { randomBytes } from 'node:crypto';
import { request } from 'node:http';
import { text } from 'node:stream/consumers';

interface Network {
  readonly pool: string;
  readonly network: string;
}

export interface Attached extends Network {
  readonly endpoints: readonly { readonly id: string; readonly address: string }[];
}

const socketPath = '/run/docker/plugins/kuryr.sock';
const newId = () => randomBytes(32).toString('hex');

const [verb, ...args] = process.argv.slice(2);
if (verb === 'network') console.log(JSON.stringify(await createNetwork(String(args[0]))));
else if (verb === 'attach') console.log(JSON.stringify(await attach(Number(args[0]), JSON.parse(String(args[1])))));
else await detach(JSON.parse(String(args[0])));

async function createNetwork(cidr: string): Promise<Network> {
  const pool = String((await post('IpamDriver.RequestPool', { Pool: cidr, Options: {} }))['PoolID']);
  const gateway = { RequestAddressType: 'com.docker.network.gateway' };
  await post('IpamDriver.RequestAddress', { PoolID: pool, Address: '', Options: gateway });
  const network = newId();
  await post('NetworkDriver.CreateNetwork', { NetworkID: network, IPv4Data: [{ Pool: cidr }], IPv6Data: [] });
  return { pool, network };
}

async function attach(count: number, { pool, network }: Network): Promise<Attached> {
  const one = async () => {
    const id = newId();
    const endpoint = { NetworkID: network, EndpointID: id };
    const cidr = String((await post('IpamDriver.RequestAddress', { PoolID: pool, Address: '' }))['Address']);
    await post('NetworkDriver.CreateEndpoint', { ...endpoint, Interface: { Address: cidr }, Options: {} });
    const sandbox = `/var/run/docker/netns/${id.slice(0, 12)}`;
    await post('NetworkDriver.Join', { ...endpoint, SandboxKey: sandbox, Options: {} });
    return { id, address: cidr.split('/')[0] ?? '' };
  };
  return { pool, network, endpoints: await Promise.all(Array.from({ length: count }, one)) };
}

async function detach({ pool, network, endpoints }: Attached): Promise<void> {
  const one = async ({ id, address }: Attached['endpoints'][number]) => {
    const endpoint = { NetworkID: network, EndpointID: id };
    await post('NetworkDriver.Leave', endpoint);
    await post('NetworkDriver.DeleteEndpoint', endpoint);
    await post('IpamDriver.ReleaseAddress', { PoolID: pool, Address: address });
  };
  await Promise.all(endpoints.map(one));
  await post('NetworkDriver.DeleteNetwork', { NetworkID: network });
  await post('IpamDriver.ReleasePool', { PoolID: pool });
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
