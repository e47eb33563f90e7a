import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { bootGuest, type Guest } from '../../guest/guest.ts';
import { kernelIn } from '../../guest/kernel.ts';
import { guestKernel } from '../lab/guest/kernel.ts';
import { ensureTree } from '../lab/tree/tree.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
/** What runs in the guest, and no more: it reads each file over hostfs. */
const needed = ['src', 'test/hostaccess', 'node_modules/koffi', 'node_modules/@koromix', 'node_modules/ipaddr.js'];

export const own = { v4: '10.0.0.11', v6: 'fd00::11', mac: '02:00:00:00:00:01' };
/** The only other machine on its network, and its gateway: this one, in a netns. */
export const outside = { v4: '10.0.0.1', v6: 'fd00::1' };

export interface LoneVmOptions {
  /** `bookworm`: that of the tree, slow, but one that translates addresses. */
  readonly kernel?: 'bookworm' | undefined;
  /** A tree whose systemd is to be PID 1. */
  readonly home?: string;
}

/** A VM without a cloud: a guest that has the sources, on a network with its gateway. */
export class LoneVm implements AsyncDisposable {
  readonly guest: Guest;
  /** Where the gateway is. */
  readonly netns: string;

  private constructor(guest: Guest, netns: string) {
    this.guest = guest;
    this.netns = netns;
  }

  static async boot({ kernel, home }: LoneVmOptions = {}): Promise<LoneVm> {
    const say = (text: string) => console.log(text);
    const netns = `kuryr-lone-${process.pid}`;
    const network = `ip netns add ${netns}; ip -n ${netns} link set lo up; ip netns exec ${netns} ip tuntap add dev ta mode tap vnet_hdr
      ip -n ${netns} addr add ${outside.v4}/24 dev ta; ip -n ${netns} addr add ${outside.v6}/64 dev ta nodad; ip -n ${netns} link set ta up`;
    execFileSync('sh', ['-ec', network]);
    try {
      const mounts = [
        ...needed.map(name => ({ host: path.join(root, name), guest: `/kuryr/${name}` })),
        { host: path.dirname(process.execPath), guest: '/kuryr-node' },
      ];
      const ips = [`${own.v4}/24`, `${own.v6}/64`];
      const nics = [{ tap: 'ta', mac: own.mac, ips, gateways: [outside.v4, outside.v6] }];
      const tree = home ?? (await ensureTree('bookworm', say));
      const chosen = kernel === 'bookworm' ? kernelIn(tree) : await guestKernel(say);
      const systemd = home === undefined ? {} : { systemd: {} };
      const options = { name: 'vm', netns, tree, kernel: chosen, nics, mounts, pin: 1, ...systemd };
      const guest = await bootGuest(options, AbortSignal.timeout(120_000));
      say(`booted ${guest.release} in ${Math.round(guest.bootMs)} ms`);
      const vm = new LoneVm(guest, netns);
      await guest.ok(`echo '{"type":"module"}' >/kuryr/package.json`);
      return vm;
    } catch (error) {
      execFileSync('ip', ['netns', 'delete', netns]);
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.guest.kill();
    execFileSync('ip', ['netns', 'delete', this.netns]);
  }
}
