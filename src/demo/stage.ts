import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startDocker } from '../../guest/docker.ts';
import { packagedKernel } from '../../guest/kernel.ts';
import { mtu, subnet } from './cloud.ts';
import { bareContainers, type Containers, dockerContainers } from './containers.ts';
import { Fabric, type NicKind } from './fabric.ts';
import { GuestMachine } from './machine/guest-machine.ts';
import type { Machine, MachineRequest } from './machine/machine.ts';
import { NetnsMachine } from './machine/netns-machine.ts';
import type { Narrator } from './narrator.ts';
import type { Inner, Way } from './options.ts';
import { Vm } from './vm.ts';

const program = '/run/program';

/** Cloud, network and two VMs with the daemon in each. */
export class Stage {
  readonly way: Way;
  readonly fabric: Fabric;
  readonly a: Vm;
  readonly b: Vm;
  readonly containers: Containers;

  private constructor(way: Way, fabric: Fabric, a: Vm, b: Vm, containers: Containers) {
    this.way = way;
    this.fabric = fabric;
    this.a = a;
    this.b = b;
    this.containers = containers;
  }

  /** @throws Error where a part of it does not come up */
  static async set(inner: Inner, narrator: Narrator, signal: AbortSignal): Promise<Stage> {
    let fabric!: Fabric;
    await narrator.step('an OpenStack', async () => {
      const [made] = await Promise.all([Fabric.make(inner.fault), build()]);
      fabric = made;
      return `an OpenStack: Keystone and Neutron, in memory, at ${fabric.cloud.embedded.origin}`;
    });
    const vms: Vm[] = [];
    await narrator.step('two VMs on its network', async () => {
      vms.push(...(await Promise.all(['va', 'vb'].map((name, n) => addVm(fabric, name, n, inner, signal)))));
      const kernel = await vms[0]?.ok('uname -r');
      const made = inner.way === 'guests' ? 'User-Mode Linux' : 'namespaces of this machine,';
      return `two VMs on its network: ${vms.map(vm => `${vm.name} ${vm.address}`).join(' and ')} (${made} ${kernel})`;
    });
    const [a, b] = vms as [Vm, Vm];
    if (inner.docker) {
      await narrator.step('a Docker engine in each', async () => {
        const machines = vms.map(({ machine }) => machine).filter(machine => machine instanceof GuestMachine);
        await Promise.all(machines.map(({ guest }) => startDocker(guest, { forward: false })));
        return `a Docker engine in each: ${await a.ok("docker version -f '{{.Server.Version}}'")}`;
      });
    }
    await narrator.step('Kuryr in both', async () => {
      await Promise.all(vms.map(vm => vm.startDaemon()));
      return 'Kuryr in both, with the credential of an ordinary tenant';
    });
    return new Stage(inner.way, fabric, a, b, inner.docker ? dockerContainers : bareContainers);
  }
}

/** The daemon in one file: the VMs see nothing of this checkout but that. */
async function build(): Promise<void> {
  const script = fileURLToPath(new URL('../../tools/build.ts', import.meta.url));
  await promisify(execFile)(process.execPath, [script, program]);
}

async function addVm(fabric: Fabric, name: string, n: number, inner: Inner, signal: AbortSignal): Promise<Vm> {
  const port = await fabric.cloud.vmPort(name);
  const request: MachineRequest = {
    name,
    mac: port.mac_address,
    address: `${port.fixed_ips[0]?.ip_address}/${subnet.prefix}`,
    gateway: subnet.gateway,
    mtu,
    cloudsYaml: fabric.cloud.embedded.cloudsYaml(),
  };
  const kind: NicKind = inner.way === 'guests' && inner.tap ? 'tap' : 'veth';
  await fabric.plug(name, kind, port);
  const machine = await start(request, kind, n, inner, signal);
  return new Vm(machine, () => fabric.cloud.port(port.id));
}

async function start(
  request: MachineRequest,
  kind: NicKind,
  n: number,
  inner: Inner,
  signal: AbortSignal,
): Promise<Machine> {
  const { name } = request;
  if (inner.way === 'namespaces') return NetnsMachine.start(request, name, program);
  const kernel = packagedKernel(inner.kernel);
  const parts = { tree: inner.tree, kernel, program, mem: inner.docker ? 1024 : 512 };
  return GuestMachine.boot(request, { tap: name, kind }, parts, n, signal);
}
