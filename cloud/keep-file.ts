import { readFileSync, renameSync, writeFileSync } from 'node:fs';

/** The cloud's state in a file: read once, written whole after changes, never half. */
export class KeepFile {
  readonly #path: string;
  readonly #snapshot: () => unknown;
  #due = false;

  constructor(path: string, snapshot: () => unknown) {
    this.#path = path;
    this.#snapshot = snapshot;
  }

  /** What the file says; undefined when there is none yet. @throws Error when it cannot be read as JSON */
  static read(path: string): unknown {
    let text: string;
    try {
      text = readFileSync(path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
    try {
      return JSON.parse(text);
    } catch (error) {
      throw new Error(`${path} is no state of an embedded cloud: ${(error as Error).message}`, { cause: error });
    }
  }

  /** Changes that come together are written together. */
  changed(): void {
    if (this.#due) return;
    this.#due = true;
    setImmediate(() => this.flush());
  }

  /** Writes what is not written yet. */
  flush(): void {
    if (!this.#due) return;
    this.#due = false;
    const beside = `${this.#path}.new`;
    writeFileSync(beside, JSON.stringify(this.#snapshot()), { mode: 0o600 });
    renameSync(beside, this.#path);
  }
}
