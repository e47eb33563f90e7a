import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { outside, own } from './lone-vm.ts';
import { Vm, v4, v6 } from './vm.ts';

/** Ranges of virtual addresses, of which the VM translates some. */
export const ranges = ['10.96.0.0/16', 'fd96::/112'];
/** In these ranges, and nobody's. */
export const unserved = { v4: '10.96.9.9', v6: 'fd96::99' } as const;

/** Where the backend of each service is, by its virtual addresses: `one` is who asks. */
export const backends = {
  'the VM itself': { vips: ['10.96.0.1', 'fd96::1'], at: [own.v4, own.v6] },
  'another VM': { vips: ['10.96.0.2', 'fd96::2'], at: [outside.v4, outside.v6] },
  'another container of the VM': { vips: ['10.96.0.3', 'fd96::3'], at: [v4(2), v6(2)] },
  'the container itself': { vips: ['10.96.0.4', 'fd96::4'], at: [v4(1), v6(1)] },
} as const;
export type Backend = keyof typeof backends;

/** Each of these can be told to translate; a kernel has one of them at least. */
export type Translator = 'iptables' | 'nft';

const families = [
  { iptables: 'iptables-legacy', nft: 'ip', containers: '10.0.0.16/28', port: (at: string) => `${at}:8080` },
  { iptables: 'ip6tables-legacy', nft: 'ip6', containers: 'fd00::20/124', port: (at: string) => `[${at}]:8080` },
] as const;

/** A VM that translates virtual addresses, on a network with another one that has a server too. */
export class ServiceVm implements AsyncDisposable {
  readonly vm: Vm;
  readonly #translator: Translator;
  readonly #server: ChildProcess;

  private constructor(vm: Vm, translator: Translator, server: ChildProcess) {
    this.vm = vm;
    this.#translator = translator;
    this.#server = server;
  }

  /** @param translator iptables on the tree's kernel; nft takes the kernel of `npm run lab:kernel` */
  static async boot(translator: Translator): Promise<ServiceVm> {
    const vm = await Vm.boot(translator === 'iptables' ? 'bookworm' : undefined);
    const script = `import { createServer } from 'node:net';
      createServer(socket => {
        socket.on('error', () => {});
        socket.end(socket.remoteAddress.replace(/^::ffff:/, '') + '\\n');
      }).listen(8080, '::', () => console.log('listening'));`;
    const args = ['netns', 'exec', vm.netns, process.execPath, '--input-type=module', '-e', script];
    const server = spawn('ip', args, { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(server.stdout, 'data');
    const made = new ServiceVm(vm, translator, server);
    await made.forward(true);
    await made.#translate();
    return made;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.kill();
    await this.vm[Symbol.asyncDispose]();
  }

  /** Whether the VM forwards, which is what a backend elsewhere takes. */
  async forward(does: boolean): Promise<void> {
    const to = does ? 1 : 0;
    await this.vm.guest.ok(`sysctl -qw net.ipv4.ip_forward=${to} net.ipv6.conf.all.forwarding=${to}
      ip -6 route replace default via ${outside.v6} dev eth0`);
  }

  /** As kube-proxy does for each service, and to what the VM asks itself too. */
  async #translate(): Promise<void> {
    const lines = families.flatMap((family, n) => {
      const rules = Object.values(backends).map(({ vips, at }) => ({ vip: vips[n], to: family.port(at[n] ?? '') }));
      if (this.#translator === 'iptables')
        return ['PREROUTING', 'OUTPUT'].flatMap(chain =>
          rules.map(
            ({ vip, to }) =>
              `${family.iptables} -t nat -A ${chain} -d ${vip} -p tcp --dport 8080 -j DNAT --to-destination ${to}`,
          ),
        );
      const table = `${family.nft} services`;
      return [
        `nft add table ${table}`,
        ...['prerouting', 'output'].flatMap(chain => [
          `nft 'add chain ${table} ${chain} { type nat hook ${chain} priority -100; }'`,
          ...rules.map(
            ({ vip, to }) => `nft add rule ${table} ${chain} ${family.nft} daddr ${vip} tcp dport 8080 dnat to ${to}`,
          ),
        ]),
        `nft 'add chain ${table} postrouting { type nat hook postrouting priority 100; }'`,
      ];
    });
    await this.vm.guest.ok(lines.join('\n'));
  }

  /** Whether what containers ask of services gets the VM's address as its source: the rules that the guide has. */
  async masquerade(does: boolean): Promise<void> {
    const lines = families.map(({ iptables, nft, containers }) => {
      if (this.#translator === 'iptables')
        return `${iptables} -t nat -${does ? 'A' : 'D'} POSTROUTING -s ${containers} -m conntrack --ctstate DNAT -j MASQUERADE`;
      return does
        ? `nft add rule ${nft} services postrouting ct status dnat ${nft} saddr ${containers} masquerade`
        : `nft flush chain ${nft} services postrouting`;
    });
    await this.vm.guest.ok(lines.join('\n'));
  }

  /** The sources that the servers at these ends see, asked all at once; undefined where no answer comes. */
  async ask(from: string, ...to: readonly string[]): Promise<readonly (string | undefined)[]> {
    const inside = from === 'vm' ? '' : `ip netns exec ${from}`;
    const lines = to.map((each, n) => `timeout 6 ${inside} perl /run/ask.pl ${each} >/run/answer.${n} 2>/dev/null &`);
    const files = to.map((_, n) => `/run/answer.${n}`).join(' ');
    const said = await this.vm.guest.ok(`${lines.join('\n')}\nwait; for f in ${files}; do echo "$(cat $f)"; done`);
    return said
      .split('\n')
      .slice(0, to.length)
      .map(line => line || undefined);
  }
}
