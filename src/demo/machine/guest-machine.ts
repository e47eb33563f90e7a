import { availableParallelism, tmpdir } from 'node:os';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bootGuest, type Guest } from '../../../guest/guest.ts';
import type { Kernel } from '../../../guest/kernel.ts';
import type { RunResult } from '../../../guest/line.ts';
import { type Machine, type MachineRequest, setUpScript, surroundings } from './machine.ts';

/** What guests are made of. */
export interface GuestParts {
  readonly tree: string;
  readonly kernel: Kernel;
  /** Folder with kuryr.mjs. */
  readonly program: string;
  /** MiB. */
  readonly mem: number;
}

const inGuest = { kuryr: '/opt/kuryr', node: '/opt/node/bin/node', inVm: '/opt/demo' };

/** A VM with a kernel of its own: User-Mode Linux. */
export class GuestMachine implements Machine {
  readonly guest: Guest;

  private constructor(guest: Guest) {
    this.guest = guest;
  }

  /** Boots it on a link of this network namespace. */
  static async boot(
    request: MachineRequest,
    nic: { readonly tap: string; readonly kind: 'tap' | 'veth' },
    parts: GuestParts,
    pin: number,
    signal: AbortSignal,
  ): Promise<GuestMachine> {
    const { name, mac, address, gateway, mtu } = request;
    const guest = await bootGuest(
      {
        name,
        tree: parts.tree,
        kernel: parts.kernel,
        nics: [{ ...nic, mac, ips: [address], gateways: [gateway], mtu }],
        mounts: [
          { host: parts.program, guest: inGuest.kuryr },
          { host: dirname(dirname(process.execPath)), guest: '/opt/node' },
          { host: fileURLToPath(new URL('../in-vm', import.meta.url)), guest: inGuest.inVm },
        ],
        pin: pin % availableParallelism(),
        // The switch and the cloud need their turn too.
        modest: true,
        disk: tmpdir(),
        mem: parts.mem,
      },
      signal,
    );
    const machine = new GuestMachine(guest);
    await machine.ok(setUpScript(inGuest, request.cloudsYaml));
    return machine;
  }

  get name(): string {
    return this.guest.name;
  }

  get pid(): number {
    return this.guest.pid;
  }

  run(script: string, timeoutS?: number): Promise<RunResult> {
    return this.guest.run(surroundings + script, timeoutS);
  }

  async ok(script: string, timeoutS?: number): Promise<string> {
    return (await this.guest.ok(surroundings + script, timeoutS)).trim();
  }
}
