import type { Vm } from './vm.ts';

/** Who runs containers in a VM. Each container's network namespace has its name, for `ip netns exec`. */
export interface Containers {
  /** How a visitor sees them. */
  readonly list: string;
  /** Makes the network that they are on. */
  network(vm: Vm, cidr: string): Promise<void>;
  /** Starts one; gives its address. */
  run(vm: Vm, name: string): Promise<string>;
  remove(vm: Vm, name: string): Promise<void>;
}

/** No engine: network namespaces with a shell, set up by the words that Docker says to its plug-in. */
export const bareContainers: Containers = {
  list: 'engine ps',
  async network(vm, cidr) {
    await vm.ok(`engine network ${cidr}`);
  },
  run: (vm, name) => vm.ok(`engine run ${name}`),
  async remove(vm, name) {
    await vm.ok(`engine rm ${name}`);
  },
};

/** A Docker engine of the VM's own. */
export const dockerContainers: Containers = {
  list: 'docker ps',
  async network(vm) {
    await vm.ok('kuryr network create lan', 120);
  },
  async run(vm, name) {
    await vm.ok(`docker run -d --name ${name} --network lan bb sleep 1000000`, 120);
    const shown = await vm.ok(`docker inspect -f '{{.State.Pid}} {{.NetworkSettings.Networks.lan.IPAddress}}' ${name}`);
    const [pid, address = ''] = shown.split(' ');
    await vm.ok(`ip netns attach ${name} ${pid}`);
    return address;
  },
  async remove(vm, name) {
    await vm.ok(`ip netns delete ${name}; docker rm -f ${name}`, 120);
  },
};
