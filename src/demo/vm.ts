import type { PortView } from './cloud.ts';
import type { Machine } from './machine/machine.ts';
import { measured } from './narrator.ts';

/** How many pings came back, and how long they took. */
export interface Pings {
  readonly sent: number;
  readonly received: number;
  /** Milliseconds on average; NaN where none came back. */
  readonly average: number;
}

/** A VM of the demo: a machine, its port in the cloud, the daemon in it. */
export class Vm {
  readonly machine: Machine;
  readonly #port: () => PortView;

  constructor(machine: Machine, port: () => PortView) {
    this.machine = machine;
    this.#port = port;
  }

  get name(): string {
    return this.machine.name;
  }

  /** Its port, as the cloud has it now. */
  get port(): PortView {
    return this.#port();
  }

  get address(): string {
    return this.port.fixed_ips[0]?.ip_address ?? '';
  }

  ok(script: string, timeoutS?: number): Promise<string> {
    return this.machine.ok(script, timeoutS);
  }

  /** A command in a container's network namespace. */
  inside(container: string, command: string, timeoutS?: number): Promise<string> {
    return this.ok(`ip netns exec ${container} ${command}`, timeoutS);
  }

  /** Starts `kuryr run` and returns when its sockets are there. */
  async startDaemon(): Promise<void> {
    await this.ok(
      `rm -f /run/kuryr/control.sock /run/docker/plugins/kuryr.sock
      setsid kuryr run --state-dir /run/demo/state </dev/null >>/run/demo/kuryr.log 2>&1 & echo $! >/run/demo/kuryr.pid
      n=0; while [ $n -lt 600 ]; do
        [ -S /run/kuryr/control.sock ] && [ -S /run/docker/plugins/kuryr.sock ] && exit 0
        kill -0 $(cat /run/demo/kuryr.pid) 2>/dev/null || break
        sleep 0.05; n=$((n+1))
      done; tail -n 20 /run/demo/kuryr.log >&2; exit 1`,
      60,
    );
  }

  /** From one of its containers, or from the VM itself. */
  async ping(from: string | undefined, to: string, count: number, flags = '-i 0.05'): Promise<Pings> {
    const command = `ping -n -q -c ${count} -W 2 ${flags} ${to}`;
    const { stdout, stderr } = await this.machine.run(
      from === undefined ? command : `ip netns exec ${from} ${command}`,
      60,
    );
    const [, sent, received] = /(\d+) packets transmitted, (\d+) (?:packets )?received/.exec(stdout) ?? [];
    measured(sent !== undefined, `ping said nothing of use: ${stdout}${stderr}`);
    const average = Number(/= [\d.]+\/([\d.]+)\//.exec(stdout)?.[1] ?? Number.NaN);
    return { sent: Number(sent), received: Number(received), average };
  }

  /** How many pings a container has been asked by, whoever by. */
  async pingsSeen(container: string): Promise<number> {
    const table = await this.inside(container, 'cat /proc/net/snmp');
    const [names = '', values = ''] = table.split('\n').filter(line => line.startsWith('Icmp:'));
    return Number(values.split(' ')[names.split(' ').indexOf('InEchos')]);
  }
}
