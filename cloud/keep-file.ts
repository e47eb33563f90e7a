import { readFileSync, renameSync, writeFileSync } from 'node:fs';

/** Marks a file as an embedded cloud's, of this form. */
const FORM = { kind: 'kuryr-embedded-cloud', version: 1 } as const;

export interface KeptState {
  readonly keystone: unknown;
  readonly neutron: unknown;
}

/** The cloud's state in a file: read once, written whole after changes, never half. */
export class KeepFile {
  readonly #path: string;
  readonly #snapshot: () => KeptState;
  readonly #report: (error: unknown) => void;
  #due = false;
  #ended = false;

  /** @param report told when the file cannot be written; the next change tries again */
  constructor(path: string, snapshot: () => KeptState, report: (error: unknown) => void) {
    this.#path = path;
    this.#snapshot = snapshot;
    this.#report = report;
  }

  /** What the file says; undefined when there is none yet. @throws Error when it is not an embedded cloud's */
  static read(path: string): KeptState | undefined {
    let text: string;
    try {
      text = readFileSync(path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
    const state = parse(text);
    if (state === undefined) throw new Error(`${path} is no state of an embedded cloud of this version`);
    return state;
  }

  /** Changes that come together are written together. */
  changed(): void {
    if (this.#due || this.#ended) return;
    this.#due = true;
    setImmediate(() => {
      try {
        this.#flush();
      } catch (error) {
        this.#report(error);
      }
    });
  }

  /** Writes what is not written yet; later changes are not written any more. @throws Error */
  end(): void {
    this.#flush();
    this.#ended = true;
  }

  #flush(): void {
    if (!this.#due) return;
    this.#due = false;
    const beside = `${this.#path}.new`;
    writeFileSync(beside, JSON.stringify({ ...FORM, ...this.#snapshot() }), { mode: 0o600 });
    renameSync(beside, this.#path);
  }
}

function parse(text: string): KeptState | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { kind, version, keystone, neutron } = (value ?? {}) as Partial<typeof FORM & KeptState>;
  return kind === FORM.kind && version === FORM.version && keystone && neutron ? { keystone, neutron } : undefined;
}
