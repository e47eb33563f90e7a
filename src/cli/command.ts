/** What a command sees of the process it runs in; a test hands in its own. */
export interface Terminal {
  out(text: string): void;
  err(text: string): void;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The file's text, or undefined where there is none. */
  readFile(path: string): Promise<string | undefined>;
  /** Runs another program on this terminal; resolves with its exit code. @throws PROGRAM_MISSING */
  run(command: readonly string[], signal: AbortSignal): Promise<number>;
}

/** A verb of the CLI: one file each. */
export interface Command {
  /** What `kuryr help COMMAND` prints: usage, what it does, its flags. */
  help(): string;
  /** @returns the exit code */
  run(args: readonly string[], terminal: Terminal, signal: AbortSignal): Promise<number>;
}
