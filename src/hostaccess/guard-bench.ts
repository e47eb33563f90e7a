import type { LinkSpec } from '../link/link-kind.ts';
import { FIRST_IFINDEX, linkName } from '../link/slave-links.ts';
import { FakeKernel } from '../linux/fake-kernel.ts';
import type { IpvlanFlag } from '../linux/kernel.ts';
import type { Nic } from '../nic/nic.ts';
import { type Fields, silentLogger } from '../observe/logger.ts';
import { FakeClock } from '../time/fake-clock.ts';
import { FlipWatch } from './flip-watch.ts';
import type { GuardedAttachment } from './guard-post.ts';
import { Guards } from './guards.ts';

export const folder = '/run/kuryr/guard';

/** A VM with one NIC, its guards and their watch, and containers that a test makes and moves by hand. */
export class GuardBench {
  readonly kernel = new FakeKernel();
  readonly clock = new FakeClock();
  readonly warnings: (Fields & { readonly said: string })[] = [];
  readonly ens3 = this.kernel.addLink('host', { name: 'ens3', mac: 'fa:16:3e:00:00:01' });
  readonly path = `${folder}/${this.ens3.ifindex}`;
  readonly nic = this.makeNic();
  attachments: GuardedAttachment[] = [];
  guards: Guards;
  flips: FlipWatch;
  #life = new AbortController();

  constructor() {
    for (const [address, prefix] of [
      ['10.0.0.5', 24],
      ['fd00::5', 64],
      ['fe80::5', 64],
    ] as const)
      this.kernel.addAddress('host', this.ens3.ifindex, address, prefix);
    [this.guards, this.flips] = this.#daemon();
  }

  makeNic(gateways: readonly (string | null)[] = ['10.0.0.1', 'FD00:0::1', null]): Nic {
    const { name, ifindex, mac, mtu } = this.ens3;
    return {
      master: { name, ifindex, mac, mtu, addresses: ['10.0.0.5', 'fd00::5'] },
      port: { id: 'vm-port' },
      subnets: gateways.map(gateway_ip => ({ gateway_ip })),
    } as unknown as Nic;
  }

  stop(): void {
    this.#life.abort();
  }

  /** The daemon dies and another begins, with another run folder perhaps. */
  restart(inFolder = folder): void {
    this.stop();
    this.#life = new AbortController();
    [this.guards, this.flips] = this.#daemon(inFolder);
    this.guards.start();
    this.flips.start();
  }

  /** A container that has joined, with its link in its sandbox. */
  async attach(id: string, address: string, flag: IpvlanFlag = 'bridge', nic = this.nic) {
    const sandbox = this.kernel.addNetns(`/run/docker/netns/${id}`) as { path: string };
    const ifindex = FIRST_IFINDEX + this.attachments.length;
    const spec: LinkSpec = { kind: 'ipvlan', mode: 'l2', flag };
    this.attachments.push({ id, vmPort: 'vm-port', spec, sandbox: sandbox.path, addresses: [address] });
    const common = { name: linkName(ifindex), ifindex, master: this.ens3.ifindex, mtu: 1500, alias: id };
    this.kernel.createSlave('host', { ...common, kind: 'ipvlan', mode: 'l2', flag });
    await this.guards.stand(nic, { spec, addresses: [address] });
    this.kernel.moveLink('host', ifindex, sandbox, 'eth0');
    this.kernel.addAddress(sandbox, ifindex, address, 24);
    return { sandbox, ifindex };
  }

  detach(id: string): void {
    this.attachments = this.attachments.filter(each => each.id !== id);
    this.kernel.removeNetns(`/run/docker/netns/${id}`);
    this.guards.tidySoon();
  }

  /** What the guard holds, sorted; undefined where none stands. */
  held(path = this.path): readonly string[] | undefined {
    if (!this.kernel.exists({ path })) return undefined;
    return this.kernel
      .addresses({ path })
      .map(({ address }) => address)
      .sort();
  }

  #daemon(inFolder = folder): [Guards, FlipWatch] {
    const warn = (fields: Fields, said: string) => void this.warnings.push({ ...fields, said });
    const parts = {
      ...{ kernel: this.kernel, clock: this.clock, life: this.#life.signal },
      ...{ attachments: () => this.attachments, logger: { ...silentLogger, warn } },
    };
    const guards = new Guards({ ...parts, folder: inFolder });
    return [guards, new FlipWatch({ ...parts, guards })];
  }
}
