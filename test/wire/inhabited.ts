import assert from 'node:assert/strict';
import { fakeVm } from '../../src/fronts/docker/fake-engine.ts';
import type { World } from './nasty.ts';
import { Raw } from './nasty-values.ts';
import { type RawAnswer, RawConnection, rawRequest } from './raw-http.ts';
import { type FakeEdges, Rig } from './rig.ts';

export const headers = {
  Host: '',
  'User-Agent': 'Go-http-client/1.1',
  Accept: 'application/vnd.docker.plugins.v1.2+json',
};

/** An engine on one connection of its own. */
class Engine {
  readonly #rig: Rig;
  #connection: RawConnection | undefined;

  constructor(rig: Rig) {
    this.#rig = rig;
  }

  async ask(verb: string, body: unknown, method = 'POST'): Promise<RawAnswer> {
    this.#connection ??= await RawConnection.open(this.#rig.docker);
    const bytes = body instanceof Raw ? body.text : `${JSON.stringify(body)}\n`;
    this.#connection.send(rawRequest({ method, path: `/${verb}` }, headers, bytes));
    return this.#connection.answer();
  }

  async ok(verb: string, body: unknown): Promise<Record<string, unknown>> {
    const answer = await this.ask(verb, body);
    assert.equal(answer.status, 200, `${verb}: ${answer.body}`);
    return JSON.parse(answer.body);
  }

  /** Whether the connection still serves, which an engine keeps for hours. */
  async serves(): Promise<void> {
    await this.ok('NetworkDriver.GetCapabilities', new Raw(''));
    assert.equal(this.#connection?.ended, false);
  }

  /** Hangs up; the next call opens another connection. */
  close(): void {
    this.#connection?.close();
    this.#connection = undefined;
  }

  async pool(range: string): Promise<string> {
    const body = { AddressSpace: 'kuryr', Pool: range, SubPool: '', Options: {}, V6: range.includes(':') };
    return String((await this.ok('IpamDriver.RequestPool', body))['PoolID']);
  }

  async network(id: string, ranges: readonly string[]): Promise<string[]> {
    const pools = [];
    for (const range of ranges) pools.push(await this.pool(range));
    const data = (six: boolean) => ranges.filter(range => range.includes(':') === six).map(Pool => ({ Pool }));
    await this.ok('NetworkDriver.CreateNetwork', { NetworkID: id, IPv4Data: data(false), IPv6Data: data(true) });
    return pools;
  }

  async address(pool: string | undefined): Promise<string> {
    const answer = await this.ok('IpamDriver.RequestAddress', { PoolID: pool, Address: '', Options: null });
    return String(answer['Address']);
  }

  /** A container's whole life. */
  async runAndRemove({ network, pool4 }: World): Promise<void> {
    const cidr = await this.address(pool4);
    const endpoint = { NetworkID: network, EndpointID: 'e'.repeat(64) };
    await this.ok('NetworkDriver.CreateEndpoint', { ...endpoint, Interface: { Address: cidr }, Options: {} });
    await this.ok('NetworkDriver.Join', { ...endpoint, SandboxKey: '/var/run/docker/netns/eeeeeeeeeeee' });
    await this.ok('NetworkDriver.Leave', endpoint);
    await this.ok('NetworkDriver.DeleteEndpoint', endpoint);
    await this.ok('IpamDriver.ReleaseAddress', { PoolID: pool4, Address: cidr.split('/')[0] });
  }
}

/**
 * A daemon with two networks, a container that runs, an address that nobody has named yet, and a foreign pair.
 * @param t what has to end it
 * @param edges of the daemon, made of its VM, where these are not the fakes
 */
export async function inhabited(
  t: { after(end: () => Promise<void>): void },
  edges: (vm: ReturnType<typeof fakeVm>) => Promise<FakeEdges> = async () => ({}),
) {
  const vm = fakeVm();
  vm.neutron.meddle(vm.port.id, {
    allowed_address_pairs: [{ ip_address: '192.0.2.7', mac_address: vm.port.mac_address }],
  });
  const rig = await Rig.start(vm, await edges(vm));
  const engine = new Engine(rig);
  t.after(async () => {
    engine.close();
    await rig.stop();
  });
  const network = 'a'.repeat(64);
  const other = 'b'.repeat(64);
  const [pool4 = '', pool6 = ''] = await engine.network(network, ['10.30.0.0/24', 'fd30::/64']);
  const [otherPool = ''] = await engine.network(other, ['10.30.0.0/24']);
  const freePool = await engine.pool('10.30.0.0/24');
  const endpoint = 'c'.repeat(64);
  const cidr4 = await engine.address(pool4);
  const cidr6 = await engine.address(pool6);
  const ids = { NetworkID: network, EndpointID: endpoint };
  await engine.ok('NetworkDriver.CreateEndpoint', { ...ids, Interface: { Address: cidr4, AddressIPv6: cidr6 } });
  await engine.ok('NetworkDriver.Join', { ...ids, SandboxKey: '/var/run/docker/netns/cccccccccccc' });
  const provisional = await engine.address(pool4);
  await rig.settled();
  const world = { network, other, pool4, pool6, otherPool, freePool, endpoint, cidr4, cidr6, provisional };
  return { rig, engine, world, vm };
}
