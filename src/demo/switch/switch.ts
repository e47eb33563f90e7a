import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { SecuredPort } from './port-security.ts';
import type { Counters, Order } from './process.ts';

/**
 * The cloud's network between the demo's VMs: it passes on what the cloud's port security lets pass, and counts the rest.
 * It runs in the network namespace of this process, and ends with it.
 */
export class Switch {
  readonly #process: ChildProcess;
  /** Rejects when its process ends. */
  readonly ended: Promise<never>;
  #answered: (what: unknown) => void = () => {};
  #turn: Promise<unknown> = Promise.resolve();

  constructor() {
    const program = fileURLToPath(new URL('process.ts', import.meta.url));
    const child = fork(program, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.#process = child;
    this.ended = once(child, 'exit').then(([code, signal]) => {
      throw new Error(`the switch ended (${signal ?? `exit ${code}`})`);
    });
    this.ended.catch(() => {});
    child.on('message', ({ done }: { done: unknown }) => this.#answered(done));
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /** Puts a cable between the switch and a link. One without `secure` is the gateway's, with its MAC. */
  async plug(cable: { readonly name: string; readonly ifindex: number; readonly mac?: string }): Promise<void> {
    await this.#ask({ plug: cable });
  }

  /** From now on the cable carries what the port may send. */
  async secure(name: string, port: SecuredPort): Promise<void> {
    await this.#ask({ secure: { name, port } });
  }

  async counters(name: string): Promise<Counters> {
    const all = (await this.#ask({ count: true })) as Readonly<Record<string, Counters>>;
    return all[name] ?? { passed: 0, bytes: 0, dropped: {} };
  }

  /** One order at a time, each answered. @throws Error when the switch has ended */
  #ask(order: Order): Promise<unknown> {
    const asked = this.#turn.then(() => {
      const answer = new Promise(resolve => {
        this.#answered = resolve;
      });
      // One that cannot be sent any more is answered by the end.
      this.#process.send(order, () => {});
      return Promise.race([answer, this.ended]);
    });
    this.#turn = asked.catch(() => {});
    return asked;
  }
}
