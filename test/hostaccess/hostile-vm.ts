import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Guest } from '../../guest/guest.ts';
import { outside as gateway, LoneVm, own } from './lone-vm.ts';

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
  readonly #lone: LoneVm;

  private constructor(lone: LoneVm) {
    this.guest = lone.guest;
    this.#lone = lone;
  }

  static async boot(): Promise<HostileVm> {
    const lone = await LoneVm.boot();
    try {
      await lone.guest.ok(`
    unshare -Urn sleep 100000 & echo $! >/run/own.pid
    ip netns add one; ip netns add two; p=$(cat /run/own.pid)
    until [ $(readlink /proc/$p/ns/net) != $(readlink /proc/self/ns/net) ]; do :; done; ip netns attach own $p
    n=0; for c in one two own; do n=$((n+1))
      ip link add link eth0 name ky$n index $((0x4b000000+n)) type ipvlan mode l2 bridge; ip link set ky$n netns $c name eth0
      ip netns exec $c sh -c 'echo 1 >/proc/sys/net/ipv6/conf/eth0/addr_gen_mode; echo 0 >/proc/sys/net/ipv6/conf/eth0/accept_ra'
      ip -n $c link set lo up; ip -n $c addr add 10.0.0.2$n/24 dev eth0; ip -n $c addr add fd00::2$n/64 dev eth0 nodad; ip -n $c link set eth0 up
      ip -n $c route add default via 10.0.0.1; ip -n $c -6 route add default via fd00::1; done`);
      return new HostileVm(lone);
    } catch (error) {
      await lone[Symbol.asyncDispose]();
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

  /**
   * A container with NET_ADMIN sets the flag of all links, and its own link's alias, so many times as fast as it can; gives
   * the CPU that this took, seconds.
   */
  async flipOnAndOn(times: number): Promise<number> {
    const flip = '"link set eth0 type ipvlan mode l2 private"';
    const { stderr } =
      await this.guest.run(`for ((n = 1; n <= ${times}; n++)); do echo ${flip}; echo "link set eth0 alias x$n"; done >/run/batch
      TIMEFORMAT='%U %S'; time ${enter.admin} ip -batch /run/batch`);
    return stderr
      .trim()
      .split(' ')
      .reduce((sum, part) => sum + Number(part), 0);
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

  /**
   * The source of the datagram that comes to the gateway's port 4000 while something is done; undefined when none does.
   * The VM sends one of its own afterwards: what was sent before has arrived by then.
   */
  async heard(act: () => Promise<unknown>): Promise<string | undefined> {
    const script = `import { createSocket } from 'node:dgram';
      const socket = createSocket('udp4', (_, { address }) => {
        console.log(address);
        if (address === '${own.v4}') process.exit();
      });
      socket.bind(4000, '${gateway.v4}', () => console.log('listening'));`;
    const args = ['netns', 'exec', this.#lone.netns, process.execPath, '--input-type=module', '-e', script];
    const listener = spawn('ip', args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let out = '';
    const began = Promise.withResolvers<void>();
    listener.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      out += chunk;
      began.resolve();
    });
    const ended = once(listener, 'close');
    try {
      await began.promise;
      await act();
      await this.guest.ok(`echo over >/dev/udp/${gateway.v4}/4000`);
      await ended;
    } finally {
      listener.kill();
    }
    return out.split('\n').find(line => /^[0-9]/.test(line) && line !== own.v4);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#lone[Symbol.asyncDispose]();
  }
}
