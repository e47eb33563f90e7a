import type { Duplex } from 'node:stream';

/** How a command in a guest ended. */
export interface RunResult {
  /** Exit code; 124 = ran out of time, 128+n = killed by signal n, -1 = the guest died, -2 = it does not answer. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** How long it took, on the host's clock (a guest's can stand still while the host is loaded). */
  readonly ms: number;
}

type Answer = Omit<RunResult, 'ms'>;

/** Requests and answers over a guest's serial line; the other end is init/init.pl. */
export class Line {
  readonly #stream: Duplex;
  readonly #waiting = new Map<string, (answer: Answer) => void>();
  #next = 1;
  #partial = '';
  #dead: string | undefined;
  /** Settles with the kernel's release when the guest is up; rejects when the line ends before. */
  readonly ready: Promise<string>;

  constructor(stream: Duplex) {
    this.#stream = stream;
    this.ready = new Promise((resolve, reject) => {
      this.#waiting.set('READY', answer => {
        if (answer.code === 0) resolve(answer.stdout);
        else reject(new Error(answer.stderr));
      });
    });
    stream.on('error', () => {});
    stream.setEncoding('latin1').on('data', (chunk: string) => this.#take(chunk));
  }

  #take(chunk: string): void {
    const lines = (this.#partial + chunk).split('\n');
    this.#partial = lines.pop() ?? '';
    for (const text of lines) {
      const [id = '', code = '', stdout = '', stderr = ''] = text.trimEnd().split(' ');
      const done = this.#waiting.get(id);
      this.#waiting.delete(id);
      done?.({ code: Number(code), stdout: decode(stdout), stderr: decode(stderr) });
    }
  }

  /** Ends the line: whoever waits gets code -1. */
  end(reason: string): void {
    this.#dead ??= reason;
    for (const done of this.#waiting.values()) done({ code: -1, stdout: '', stderr: reason });
    this.#waiting.clear();
  }

  async run(script: string, timeoutS: number): Promise<RunResult> {
    const from = performance.now();
    const answer = await this.#ask(script, timeoutS);
    return { ...answer, ms: performance.now() - from };
  }

  async #ask(script: string, timeoutS: number): Promise<Answer> {
    if (this.#dead !== undefined) return { code: -1, stdout: '', stderr: this.#dead };
    const id = String(this.#next++);
    let timer: NodeJS.Timeout | undefined;
    const answer = new Promise<Answer>(resolve => {
      this.#waiting.set(id, resolve);
      const hung = { code: -2, stdout: '', stderr: `no answer from the guest within ${timeoutS + 15} s` };
      timer = setTimeout(() => resolve(hung), (timeoutS + 15) * 1000);
    });
    this.#stream.write(`${id} ${timeoutS} ${Buffer.from(script).toString('base64')}\n`);
    try {
      return await answer;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(id);
    }
  }
}

const decode = (text: string): string => Buffer.from(text, 'base64').toString();
