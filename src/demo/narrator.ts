/** What the demo says, and how long each thing took. */
export class Narrator {
  readonly #out: (text: string) => void;
  readonly #live: boolean;
  readonly #now: () => number;

  /** @param live whether a line may be written over, as on a terminal */
  constructor(out: (text: string) => void, live: boolean, now: () => number = () => performance.now()) {
    this.#out = out;
    this.#live = live;
    this.#now = now;
  }

  say(text = ''): void {
    this.#out(`${text}\n`);
  }

  /** A chapter: what is shown, in one sentence. */
  chapter(title: string): void {
    this.say(`\n${title}`);
  }

  /** Something that takes a while: what it is while it lasts, and what `work` says of it afterwards. */
  async step(what: string, work: () => Promise<string>): Promise<void> {
    const from = this.#now();
    if (this.#live) this.#out(`  … ${what}`);
    const back = this.#live ? '\r\u001b[K' : '';
    try {
      const done = await work();
      const [first, ...more] = done.split('\n');
      const took = `(${((this.#now() - from) / 1000).toFixed(1)} s)`;
      this.say(`${back}  ✓ ${[`${first}  ${took}`, ...more].join('\n    ')}`);
    } catch (error) {
      this.say(`${back}  ✗ ${what}`);
      throw error;
    }
  }
}

/** Exit code of a demo of which a sentence did not hold. */
export const refuted = 3;

/** A sentence of the demo that did not hold when it was measured. */
export class NotMeasured extends Error {}

/** @throws NotMeasured */
export function measured(holds: boolean, otherwise: string): asserts holds {
  if (!holds) throw new NotMeasured(otherwise);
}
