/** One piece of work at a time for each key, in the order they came. */
export class Lanes {
  readonly #lanes = new Map<string, Promise<unknown>>();

  take<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#lanes.get(key) ?? Promise.resolve();
    const result = before.then(work, work);
    const quiet = result
      .catch(() => undefined)
      .then(() => {
        if (this.#lanes.get(key) === quiet) this.#lanes.delete(key);
      });
    this.#lanes.set(key, quiet);
    return result;
  }
}
