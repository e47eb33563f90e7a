import assert from 'node:assert/strict';
import type { Lab } from '../lab/lab.ts';
import type { Container, Vm } from '../lab/vm.ts';
import { until } from './traffic.ts';

export interface Pair {
  readonly ip_address: string;
  readonly mac_address: string;
}

/** Two VMs on two hosts, and what tests do to them again and again. */
export class Bed {
  readonly lab: Lab;
  readonly a: Vm;
  readonly b: Vm;
  readonly engine: string;
  #names = 0;

  constructor(lab: Lab, a: Vm, b: Vm, engine: string) {
    this.lab = lab;
    this.a = a;
    this.b = b;
    this.engine = engine;
  }

  get both(): readonly [Vm, Vm] {
    return [this.a, this.b];
  }

  /** A name that no container or network of this bed has had. */
  name(prefix: string): string {
    return `${prefix}${++this.#names}`;
  }

  /** Makes the same Docker network in both VMs by `kuryr network create`, and gives its name. */
  async network(flags = ''): Promise<string> {
    const name = this.name('net');
    await Promise.all(this.both.map(vm => vm.ok(`kuryr network create ${name} ${flags}`, 120)));
    return name;
  }

  async removeNetwork(name: string): Promise<void> {
    await Promise.all(this.both.map(vm => vm.ok(`docker network rm ${name}`, 120)));
  }

  /** A container in each VM. */
  async pair(network: string, flags = ''): Promise<[Container, Container]> {
    const [one, other] = [this.name('ca'), this.name('cb')];
    return Promise.all([this.a.container(one, network, flags), this.b.container(other, network, flags)]);
  }

  async remove(...containers: readonly Container[]): Promise<void> {
    await Promise.all(containers.map(({ vm, name }) => vm.remove(name)));
  }

  async pairs(vm: Vm): Promise<readonly Pair[]> {
    const { port } = await this.lab.cloud.ok('GET', `/ports/${vm.port.id}`);
    return port.allowed_address_pairs;
  }

  async setPairs(vm: Vm, pairs: readonly object[]): Promise<void> {
    await this.lab.cloud.ok('PUT', `/ports/${vm.port.id}`, { port: { allowed_address_pairs: pairs } });
  }

  /** Ports that Kuryr reserved, of any VM. */
  async reservations(): Promise<readonly { id: string; device_id: string; fixed_ips: { ip_address: string }[] }[]> {
    const { ports } = await this.lab.cloud.ok('GET', '/ports?device_owner=kuryr:container');
    return ports;
  }

  /** The cloud has nothing of Kuryr's any more, and the VMs' pairs are just the foreign ones. */
  async assertClean(foreign: readonly Pair[] = []): Promise<void> {
    await until('a cloud without reservations', async () => (await this.reservations()).length === 0);
    for (const vm of this.both) {
      const expected = vm === this.a ? foreign : [];
      assert.deepEqual(await this.pairs(vm), expected, `pairs of ${vm.name}`);
    }
  }

  /** After a row that failed: what is left of it goes, so that the next one begins as it should. */
  async clear(): Promise<void> {
    for (const vm of this.both) {
      if ((await vm.run('kuryr status')).code !== 0) await vm.startKuryr();
      if ((await vm.run('docker version')).code !== 0) await vm.startDocker();
      await vm.run('docker rm -f $(docker ps -aq); docker network rm $(docker network ls -q -f driver=kuryr)', 180);
      await vm.run('kuryr gc', 120);
      await this.setPairs(vm, []);
    }
  }
}
