import assert from 'node:assert/strict';
import type { Guest } from '../../guest/guest.ts';
import { address, address6, type Name } from './hostile-vm.ts';

type Line = Readonly<Record<string, unknown>>;

/** What the guards say after they have looked after everything. */
interface Looked {
  /** How often a mode or flag was put back since they were started. */
  readonly putBacks: number;
  readonly cpu: NodeJS.CpuUsage;
}

/** The guards in a guest, by guard-daemon.ts: started, told of attachments, listened to. */
export class Keeper {
  readonly #guest: Guest;
  #read = 0;

  constructor(guest: Guest) {
    this.#guest = guest;
  }

  /** Runs until killed; `access`: whether the VM and its containers reach one another. @returns what it said when the guard stood */
  async start(names: readonly Name[], access: 'on' | 'off' = 'on'): Promise<{ adopted: number; ms: number }> {
    await this.#list(names);
    await this.#guest.ok(`cd /kuryr && : >/run/keeper.log
      setsid /kuryr-node/node test/hostaccess/guard-daemon.ts /run/attachments.json /run/kuryr/guard ${access} >/run/keeper.log 2>&1 </dev/null &
      echo $! >/run/keeper.pid`);
    this.#read = 0;
    return (await this.told(line => line['ready'] === true)) as { adopted: number; ms: number };
  }

  /** These are the attachments from now on. */
  async attachments(names: readonly Name[]): Promise<void> {
    await this.#list(names);
    await this.#signal('HUP');
    await this.told(({ done }) => done === 'hup');
  }

  /** Looks after everything, as the daemon does every half minute. */
  async look(): Promise<Looked> {
    await this.#signal('USR1');
    return (await this.told(({ done }) => done === 'usr1')) as unknown as Looked;
  }

  /** How often it has put a mode or flag back since it was started. */
  async putBacks(): Promise<number> {
    return (await this.look()).putBacks;
  }

  /** The next line that fits; those before it are over. */
  async told(fits: (line: Line) => boolean, timeoutS = 20): Promise<Line> {
    const end = performance.now() + timeoutS * 1000;
    for (;;) {
      const lines = (await this.#guest.ok('cat /run/keeper.log')).split('\n').slice(0, -1);
      for (; this.#read < lines.length; this.#read++) {
        const text = lines[this.#read] ?? '';
        const line = text.startsWith('{') ? (JSON.parse(text) as Line) : {};
        if (!fits(line)) continue;
        this.#read++;
        return line;
      }
      assert.ok(performance.now() < end, `not told in ${timeoutS} s:\n${lines.join('\n')}`);
    }
  }

  async kill(): Promise<void> {
    await this.#guest.run('p=$(cat /run/keeper.pid); kill -9 $p; while kill -0 $p 2>/dev/null; do :; done');
  }

  async #list(names: readonly Name[]): Promise<void> {
    const attachments = names.map(name => ({
      ...{ id: name, vmPort: 'vm-port', spec: { kind: 'ipvlan', mode: 'l2', flag: 'bridge' } },
      ...{ sandbox: `/run/netns/${name}`, addresses: [address(name), address6(name)] },
    }));
    await this.#guest.ok(`cat >/run/attachments.json <<'EOT'\n${JSON.stringify(attachments)}\nEOT`);
  }

  #signal(name: string): Promise<string> {
    return this.#guest.ok(`kill -${name} $(cat /run/keeper.pid)`);
  }
}
