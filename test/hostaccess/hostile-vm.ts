import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { bootGuest, type Guest } from '../../guest/guest.ts';
import { guestKernel } from '../lab/guest/kernel.ts';
import { ensureTree } from '../lab/tree/tree.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const say = (text: string) => console.log(text);
const needed = ['src', 'test/hostaccess', 'node_modules/koffi', 'node_modules/@koromix', 'node_modules/ipaddr.js'];

/** The VM, and its gateway on the network. */
export const own = { v4: '10.0.0.11', v6: 'fd00::11', mac: '02:00:00:00:00:01' };
export const gateway = { v4: '10.0.0.1', v6: 'fd00::1' };

/** Containers are namespaces; `own` is in a user namespace of its own. */
const containers = { one: 1, two: 2, own: 3 } as const;
export type Name = keyof typeof containers;
export const address = (name: Name) => `10.0.0.2${containers[name]}`;
export const address6 = (name: Name) => `fd00::2${containers[name]}`;

/**
 * What a container may: `admin` has NET_ADMIN, `plain` Docker's default (NET_RAW, not NET_ADMIN), `own` all, but over its
 * own user namespace alone, `bare` neither of the two.
 */
const enter = {
  admin: 'ip netns exec one',
  plain: 'ip netns exec one setpriv --bounding-set -net_admin',
  own: 'nsenter -t $(cat /run/own.pid) -U -n',
  bare: 'ip netns exec one setpriv --bounding-set -net_admin,-net_raw',
} as const;
export type Privilege = keyof typeof enter;

/** A VM on a network with its gateway, with three containers, of which some are hostile. */
export class HostileVm implements AsyncDisposable {
  readonly guest: Guest;
  readonly #netns: string;

  private constructor(guest: Guest, netns: string) {
    this.guest = guest;
    this.#netns = netns;
  }

  static async boot(): Promise<HostileVm> {
    const netns = `kuryr-hg-${process.pid}`;
    const network = `ip netns add ${netns}; ip netns exec ${netns} ip tuntap add dev ta mode tap vnet_hdr
      ip -n ${netns} addr add ${gateway.v4}/24 dev ta; ip -n ${netns} addr add ${gateway.v6}/64 dev ta nodad
      ip -n ${netns} link set ta up`;
    execFileSync('sh', ['-ec', network]);
    try {
      const mounts = [
        ...needed.map(name => ({ host: path.join(root, name), guest: `/kuryr/${name}` })),
        { host: path.dirname(process.execPath), guest: '/kuryr-node' },
      ];
      const nic = {
        tap: 'ta',
        mac: own.mac,
        ips: [`${own.v4}/24`, `${own.v6}/64`],
        gateways: [gateway.v4, gateway.v6],
      };
      const [tree, kernel] = [await ensureTree('bookworm', say), await guestKernel(say)];
      const options = { name: 'vm', netns, tree, kernel, nics: [nic], mounts, pin: 1 };
      const guest = await bootGuest(options, AbortSignal.timeout(120_000));
      say(`booted ${guest.release} in ${Math.round(guest.bootMs)} ms`);
      await guest.ok(`echo '{"type":"module"}' >/kuryr/package.json
    unshare -Urn sleep 100000 & echo $! >/run/own.pid
    ip netns add one; ip netns add two; sleep 0.2; ip netns attach own $(cat /run/own.pid)
    n=0; for c in one two own; do n=$((n+1))
      ip link add link eth0 name ky$n index $((0x4b000000+n)) type ipvlan mode l2 bridge; ip link set ky$n netns $c name eth0
      ip netns exec $c sh -c 'echo 1 >/proc/sys/net/ipv6/conf/eth0/addr_gen_mode; echo 0 >/proc/sys/net/ipv6/conf/eth0/accept_ra'
      ip -n $c link set lo up; ip -n $c addr add 10.0.0.2$n/24 dev eth0; ip -n $c addr add fd00::2$n/64 dev eth0 nodad; ip -n $c link set eth0 up
      ip -n $c route add default via 10.0.0.1; ip -n $c -6 route add default via fd00::1; done`);
      return new HostileVm(guest, netns);
    } catch (error) {
      execFileSync('ip', ['netns', 'delete', netns]);
      throw error;
    }
  }

  /** What a container's command came to; never rejects. */
  async attack(as: Privilege, line: string): Promise<{ readonly code: number; readonly said: string }> {
    const { code, stdout, stderr } = await this.guest.run(`${enter[as]} ${line}`);
    return { code, said: `${stdout}${stderr}`.trim() };
  }

  /** The same with frames.py. */
  async send(as: Privilege, ...frame: readonly string[]): Promise<string> {
    return (await this.attack(as, `python3 /kuryr/test/hostaccess/frames.py ${frame.join(' ')}`)).said;
  }

  /** Commands of `ip` in a file, one after another, for as long as they come. */
  async batch(as: Privilege, commands: string): Promise<void> {
    await this.guest.ok(`${commands} | ${enter[as]} ip -batch -`);
  }

  /** Whether the gateway's answer comes back to the VM or a container. */
  async reaches(where: Name | 'vm', family: 4 | 6): Promise<boolean> {
    const inside = where === 'vm' ? '' : `ip netns exec ${where}`;
    return (await this.guest.run(`${inside} ping -c1 -W1 ${family === 4 ? gateway.v4 : gateway.v6}`)).code === 0;
  }

  async isOnTheNet(where: Name | 'vm'): Promise<boolean> {
    return (await this.reaches(where, 4)) && (await this.reaches(where, 6));
  }

  /** Mode and flag of the container's link. */
  async modeOf(name: Name): Promise<string | undefined> {
    return /ipvlan +mode (\w+ \w+)/.exec(await this.guest.ok(`ip -n ${name} -d link show eth0`))?.[1];
  }

  /** The source of the datagram that comes to the gateway's port 4000 while something is done; undefined when none does. */
  async heard(act: () => Promise<unknown>): Promise<string | undefined> {
    const script = `import { createSocket } from 'node:dgram';
      const socket = createSocket('udp4', (_, { address }) => { console.log(address); process.exit(); });
      socket.bind(4000, '${gateway.v4}', () => console.log('listening'));`;
    const args = ['netns', 'exec', this.#netns, process.execPath, '--input-type=module', '-e', script];
    const listener = spawn('ip', args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let out = '';
    const began = Promise.withResolvers<void>();
    listener.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      out += chunk;
      began.resolve();
    });
    const ended = once(listener, 'close');
    await began.promise;
    await act();
    const late = setTimeout(() => listener.kill(), 1000);
    await ended;
    clearTimeout(late);
    return out.split('\n')[1] || undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.guest.kill();
    execFileSync('ip', ['netns', 'delete', this.#netns]);
  }
}
