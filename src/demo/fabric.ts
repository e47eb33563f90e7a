import { command } from '../../guest/command.ts';
import { DemoCloud, mtu, type PortView, subnet } from './cloud.ts';
import { follow } from './follow.ts';
import type { Fault } from './options.ts';
import { Switch } from './switch/switch.ts';

/** How a VM's NIC hangs on the fabric. */
export type NicKind = 'tap' | 'veth';

/** The ground below the VMs: the cloud, its network, and a link for each VM. All in this process' network namespace. */
export class Fabric {
  readonly cloud: DemoCloud;
  readonly switch: Switch;
  /** Rejects when the switch has ended or no longer follows the cloud, so that what it lets pass says nothing. */
  readonly broken: Promise<never>;
  readonly #secured = new Map<string, string>();
  readonly #open: boolean;

  private constructor(cloud: DemoCloud, wires: Switch, open: boolean) {
    this.cloud = cloud;
    this.switch = wires;
    this.#open = open;
    const followed = follow(
      listener => cloud.embedded.onChange(listener),
      () => this.#follow(),
    );
    this.broken = Promise.race([wires.ended, followed]);
    // Whoever waits for it hears of it, be that later.
    this.broken.catch(() => {});
  }

  /** @param fault filter: the filter lets all pass; pair: pairs are not honoured */
  static async make(fault: Fault | undefined): Promise<Fabric> {
    const gateway = 'fa:16:3e:00:00:01';
    await ip('link set lo up');
    await ip(`link add gw address ${gateway} mtu ${mtu} type veth peer name gw-s`);
    await quiet('gw-s');
    await ip(`address add ${subnet.gateway}/${subnet.prefix} dev gw`);
    await ip('link set gw up');
    const wires = new Switch();
    await wires.plug({ name: 'gw', ifindex: await ifindexOf('gw-s'), mac: gateway });
    const cloud = await DemoCloud.start(subnet.gateway, fault === 'pair');
    return new Fabric(cloud, wires, fault === 'filter');
  }

  /** A link for a VM's port: `NAME`, and of a veth pair `NAME-s`, which is the switch's end. */
  async plug(name: string, kind: NicKind, port: PortView): Promise<void> {
    if (kind === 'tap') await ip(`tuntap add dev ${name} mode tap vnet_hdr`);
    else await ip(`link add ${name} type veth peer name ${name}-s`);
    const end = kind === 'tap' ? name : `${name}-s`;
    await quiet(name);
    if (end !== name) await quiet(end);
    await this.switch.plug({ name, ifindex: await ifindexOf(end) });
    this.#secured.set(name, port.id);
    await this.#follow();
  }

  async #follow(): Promise<void> {
    for (const [name, id] of this.#secured) {
      const port = this.cloud.port(id);
      await this.switch.secure(name, { ...port, port_security_enabled: port.port_security_enabled && !this.#open });
    }
  }
}

/** Ups a link that carries frames for others: this machine itself says and answers nothing on it. */
async function quiet(link: string): Promise<void> {
  await command([
    'sh',
    '-ec',
    `echo 1 >/proc/sys/net/ipv6/conf/${link}/disable_ipv6; ip link set ${link} arp off mtu ${mtu} up`,
  ]);
}

async function ifindexOf(link: string): Promise<number> {
  return Number.parseInt(await command(['ip', '-o', 'link', 'show', link]), 10);
}

async function ip(line: string): Promise<void> {
  await command(['ip', ...line.split(' ')]);
}
