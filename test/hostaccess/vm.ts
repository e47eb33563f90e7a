import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Guest } from '../../guest/guest.ts';
import { noServices, type Services } from '../../src/hostaccess/services.ts';
import type { Guest as Opened } from '../../src/hostaccess/wanted.ts';
import { LoneVm, outside } from './lone-vm.ts';

export type Link =
  | { readonly kind: 'ipvlan'; readonly mode: string }
  | { readonly kind: 'macvlan'; readonly mode: string };

/** A VM with strict rp_filter on a network with one more machine; its containers are namespaces with a server each. */
export class Vm implements AsyncDisposable {
  readonly guest: Guest;
  readonly #lone: LoneVm;
  #lines = 0;
  #files = 0;

  private constructor(lone: LoneVm) {
    this.guest = lone.guest;
    this.#lone = lone;
  }

  static async boot(kernel?: 'bookworm'): Promise<Vm> {
    const lone = await LoneVm.boot({ kernel });
    try {
      await lone.guest.ok(`
        for d in all default eth0; do echo 1 >/proc/sys/net/ipv4/conf/$d/rp_filter; done
        cat >/run/serve.pl <<'EOT'
use IO::Socket::IP; $SIG{CHLD}='IGNORE'; $s=IO::Socket::IP->new(LocalHost=>'::',LocalPort=>8080,Listen=>128,ReuseAddr=>1,V6Only=>0) or die $!;
while($c=$s->accept){ $p=$c->peerhost; $p=~s/^::ffff://; print $c "$p\\n"; close $c }
EOT
        cat >/run/ask.pl <<'EOT'
use IO::Socket::IP; $s=IO::Socket::IP->new(PeerHost=>$ARGV[0],PeerPort=>8080,Timeout=>3) or die "no connection\\n"; print scalar <$s>;
EOT
        setsid perl /run/serve.pl >/dev/null 2>&1 </dev/null &`);
      return new Vm(lone);
    } catch (error) {
      await lone[Symbol.asyncDispose]();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#lone[Symbol.asyncDispose]();
  }

  /** Where the other machine is. */
  get netns(): string {
    return this.#lone.netns;
  }

  /** A container with its link up, of which host access does not know yet. */
  async make(name: string, n: number, { kind, mode }: Link): Promise<void> {
    const mac = kind === 'macvlan' ? `address ${macOf(n)}` : '';
    await this.guest.ok(`ip netns add ${name}; ip link add link eth0 name ky${n} ${mac} type ${kind} mode ${mode}; ip link set ky${n} netns ${name} name eth0
      ip netns exec ${name} sh -c 'echo 1 >/proc/sys/net/ipv6/conf/eth0/addr_gen_mode; echo 0 >/proc/sys/net/ipv6/conf/eth0/accept_ra
        for d in all default eth0; do echo 1 >/proc/sys/net/ipv4/conf/$d/rp_filter; done'
      ip -n ${name} link set lo up; ip -n ${name} addr add ${v4(n)}/24 dev eth0; ip -n ${name} link set eth0 up; ip -n ${name} addr add ${v6(n)}/64 dev eth0 nodad
      ip -n ${name} route add default via ${outside.v4}; ip -n ${name} -6 route add default via ${outside.v6}
      setsid ip netns exec ${name} perl /run/serve.pl >/dev/null 2>&1 </dev/null &`);
  }

  async end(name: string): Promise<void> {
    await this.guest.ok(`ip netns pids ${name} | xargs -r kill -9; ip -n ${name} link del eth0; ip netns del ${name}`);
  }

  /** Names the containers that are served from now on. */
  async serve(containers: Readonly<Record<string, { readonly n: number; readonly link: Link }>>): Promise<number> {
    await this.#write(containers);
    await this.guest.ok('kill -HUP $(cat /run/opener.pid)');
    return Number((await this.#told('done'))['ms']);
  }

  async #write(containers: Readonly<Record<string, { readonly n: number; readonly link: Link }>>): Promise<void> {
    const master = Number((await this.guest.ok('cat /sys/class/net/eth0/ifindex')).trim());
    const opened: Record<string, Opened> = Object.fromEntries(
      Object.entries(containers).map(([name, { n, link }]) => [
        name,
        { master, kind: link.kind, mac: macOf(n), addresses: [v4(n), v6(n)] },
      ]),
    );
    // A new name each time: the guest's cache would not see what becomes of an old one.
    const name = `guests-${++this.#files}.json`;
    writeFileSync(path.join(this.guest.folder, name), JSON.stringify(opened));
    await this.guest.ok(`cp /mnt/${name} /run/guests.json`);
  }

  /** Starts the part of the daemon, with these containers on record. @returns the state it came to */
  async start(
    containers: Parameters<Vm['serve']>[0],
    on: 'on' | 'off' = 'on',
    services: Partial<Services> = {},
  ): Promise<unknown> {
    await this.#write(containers);
    this.#lines = 0;
    await this.guest.ok(`cd /kuryr && : >/run/opener.log
      setsid /kuryr-node/node test/hostaccess/daemon.ts /run/guests.json ${on} '${JSON.stringify({ ...noServices, ...services })}' >/run/opener.log 2>&1 </dev/null & echo $! >/run/opener.pid`);
    return (await this.#told('ready'))['state'];
  }

  async kill(): Promise<void> {
    await this.guest.run('p=$(cat /run/opener.pid); kill -9 $p; while kill -0 $p 2>/dev/null; do :; done');
  }

  async log(): Promise<string> {
    return await this.guest.ok('cat /run/opener.log');
  }

  async #told(key: string): Promise<Record<string, unknown>> {
    const end = performance.now() + 60_000;
    for (;;) {
      const lines = (await this.log()).split('\n').slice(0, -1);
      while (this.#lines < lines.length) {
        const text = lines[this.#lines++] ?? '';
        const line = text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : {};
        if (key in line) return line;
      }
      assert.ok(performance.now() < end, `no ${key} in 60 s:\n${lines.join('\n')}`);
    }
  }

  /** Tables of the VM's own namespace that host access writes into. */
  async tables(): Promise<string> {
    return await this.guest.ok(`tc qdisc show dev eth0; tc filter show dev eth0 ingress; tc filter show dev eth0 egress
      ip neigh show dev eth0 nud permanent; ip route; ip -6 route show dev eth0 | sed 's/expires [0-9]*sec//'; ls -1 /proc/sys/net/ipv4/conf
      cat /proc/sys/net/ipv4/conf/eth0/send_redirects`);
  }

  /** What leaves the VM while something is done: a line a frame, in tcpdump's words. */
  async wire(work: () => Promise<void>): Promise<readonly string[]> {
    await this.guest.ok(`setsid tcpdump -U --immediate-mode -npi eth0 -Q out -w /run/wire.pcap >/run/tcpdump.log 2>&1 </dev/null & echo $! >/run/tcpdump.pid
      while ! grep -q listening /run/tcpdump.log; do :; done`);
    await work();
    const text = await this.guest.ok(`p=$(cat /run/tcpdump.pid); kill -INT $p; while kill -0 $p 2>/dev/null; do :; done
      tcpdump -nr /run/wire.pcap 2>/dev/null`);
    return text.split('\n').filter(line => line !== '');
  }
}

export const v4 = (n: number): string => `10.0.0.${20 + n}`;
export const v6 = (n: number): string => `fd00::${(0x20 + n).toString(16)}`;
const macOf = (n: number): string => `02:00:00:00:01:${n.toString(16).padStart(2, '0')}`;
