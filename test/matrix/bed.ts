import assert from 'node:assert/strict';
import type { Lab } from '../lab/lab.ts';
import type { Container, Vm } from '../lab/vm.ts';
import { until } from './traffic.ts';

export interface Pair {
  readonly ip_address: string;
  readonly mac_address: string;
}

let names = 0;

/** Two VMs on two hosts, and what tests do to them again and again. */
export class Bed {
  readonly lab: Lab;
  readonly a: Vm;
  readonly b: Vm;
  /** Which NIC's port the rows look at. */
  readonly #nic: number;
  #network: { readonly name: string; readonly flags: string } | undefined;
  /** The container in b that those in a talk to; it stays as long as the network. */
  #peer: Container | undefined;

  constructor(lab: Lab, a: Vm, b: Vm, nic = 0) {
    this.lab = lab;
    this.a = a;
    this.b = b;
    this.#nic = nic;
  }

  get both(): readonly [Vm, Vm] {
    return [this.a, this.b];
  }

  /** A name that no container or network has had: beds can share VMs. */
  name(prefix: string): string {
    return `${prefix}${++names}`;
  }

  /** The Docker network with these flags, in both VMs; that of the row before where it had the same, else that one goes. */
  async network(flags = ''): Promise<string> {
    if (this.#network?.flags === flags) return this.#network.name;
    await this.leaveNetwork();
    const name = this.name('net');
    await Promise.all(this.both.map(vm => vm.ok(`kuryr network create ${name} ${flags}`, 120)));
    this.#network = { name, flags };
    return name;
  }

  /** Peer and network go, and with them everything of Kuryr's: the next row begins anew. */
  async leaveNetwork(): Promise<void> {
    const [network, peer] = [this.#network, this.#peer];
    this.#network = undefined;
    this.#peer = undefined;
    if (peer !== undefined) await this.remove(peer);
    if (network !== undefined) await Promise.all(this.both.map(vm => vm.ok(`docker network rm ${network.name}`, 120)));
    await this.#until('a cloud without reservations', this.both);
    for (const vm of this.both) assert.deepEqual(await this.pairs(vm), [], `pairs of ${vm.name}`);
  }

  /** Id of the port of the NIC that is looked at. */
  port(vm: Vm): string {
    const port = vm.ports[this.#nic];
    assert.ok(port !== undefined, `${vm.name} has ${vm.ports.length} NICs`);
    return port.id;
  }

  /** A new container in a, and the network's peer of it in b. */
  async pair(network: string): Promise<[Container, Container]> {
    return Promise.all([this.a.container(this.name('ca'), network), this.peer(network)]);
  }

  /** The container in b, which stays until the network goes. */
  async peer(network: string): Promise<Container> {
    this.#peer ??= await this.b.container(this.name('cb'), network);
    return this.#peer;
  }

  async remove(...containers: readonly Container[]): Promise<void> {
    await Promise.all(containers.map(({ vm, name }) => vm.remove(name)));
  }

  async pairs(vm: Vm): Promise<readonly Pair[]> {
    const { port } = await this.lab.cloud.ok('GET', `/ports/${this.port(vm)}`);
    return port.allowed_address_pairs;
  }

  async setPairs(vm: Vm, pairs: readonly object[]): Promise<void> {
    await this.lab.cloud.ok('PUT', `/ports/${this.port(vm)}`, { port: { allowed_address_pairs: pairs } });
  }

  /** Ports that Kuryr reserved for the NICs that are looked at. */
  async reservations(): Promise<readonly { id: string; device_id: string; fixed_ips: { ip_address: string }[] }[]> {
    const query = this.both.map(vm => `device_id=kuryr:${this.port(vm)}`).join('&');
    const { ports } = await this.lab.cloud.ok('GET', `/ports?${query}`);
    return ports;
  }

  /** The cloud has nothing of a's containers any more, and a's pairs are just the foreign ones. */
  async assertClean(foreign: readonly Pair[] = []): Promise<void> {
    await this.#until('a cloud without reservations of the VM', [this.a]);
    assert.deepEqual(await this.pairs(this.a), foreign, `pairs of ${this.a.name}`);
  }

  /** Waits until the VMs have no reservations. */
  async #until(what: string, vms: readonly Vm[]): Promise<void> {
    const devices = vms.map(vm => `kuryr:${this.port(vm)}`);
    await until(what, async () => (await this.reservations()).every(({ device_id }) => !devices.includes(device_id)));
  }

  /** After a row that failed: what is left of it goes, so that the next one begins as it should. */
  async clear(): Promise<void> {
    this.#network = undefined;
    this.#peer = undefined;
    for (const vm of this.both) {
      if ((await vm.run('kuryr status')).code !== 0) await vm.startKuryr();
      if ((await vm.run('docker version')).code !== 0) await vm.startDocker();
      await vm.run('docker rm -f $(docker ps -aq); docker network rm $(docker network ls -q -f driver=kuryr)', 180);
      await vm.run('kuryr gc', 120);
      await this.setPairs(vm, []);
    }
  }
}
