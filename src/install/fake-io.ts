import { dirname } from 'node:path';
import type { InstallIo } from './io.ts';
import { runFolders } from './place.ts';

export type FakeFile = { readonly text: string; readonly mode: number };

/** A machine in memory, with a systemd. Folders are known by what was made, and by the files that are in them. */
export class FakeIo implements InstallIo {
  readonly files = new Map<string, FakeFile>();
  readonly folders = new Map<string, number>();
  /** Symbolic links and where they point, for what is read through them, which is in `files`. */
  readonly links = new Map<string, string>();
  /** Units that are enabled, and how those are that are not inactive. */
  readonly enabled = new Set<string>();
  readonly active = new Map<string, 'active' | 'failed'>();
  /** When units last came up, as systemd counts: more each time. */
  readonly since = new Map<string, number>();
  /** Units whose condition was not met when they were to start. */
  readonly unmet = new Set<string>();
  /** Sockets of others that are listened on; an error where that cannot be told. */
  readonly listening = new Map<string, true | Error>();
  readonly commands: string[] = [];
  /** Answers to commands that do not just succeed, by how they begin; each once for every time it is here. */
  readonly answers: { readonly to: string; readonly code: number; readonly output: string }[] = [];
  /** A path that nothing can be written to. */
  full: string | undefined;
  /** Called with each step that changes something, before it is done; what it throws is not caught by anybody. */
  onStep: (step: string) => void = () => {};

  exists(path: string): boolean {
    return (
      this.files.has(path) || this.folders.has(path) || [...this.files.keys()].some(file => file.startsWith(`${path}/`))
    );
  }

  async read(path: string): Promise<string | undefined> {
    return this.files.get(path)?.text;
  }

  async target(path: string): Promise<string | undefined> {
    return this.links.get(path);
  }

  async mode(path: string): Promise<number | undefined> {
    return this.files.get(path)?.mode ?? this.folders.get(path);
  }

  async same(one: string, other: string): Promise<boolean> {
    return this.files.has(one) && this.files.get(one)?.text === this.files.get(other)?.text;
  }

  async write(path: string, text: string, mode: number): Promise<void> {
    this.#step(`draft ${path}`);
    if (path === this.full)
      throw Object.assign(new Error(`ENOSPC: no space left on device, write '${path}'`), { code: 'ENOSPC' });
    this.files.set(`${path}.kuryr-new`, { text, mode });
    for (let folder = dirname(path); folder !== '/'; folder = dirname(folder))
      if (!this.folders.has(folder)) this.folders.set(folder, 0o755);
    await this.move(`${path}.kuryr-new`, path);
  }

  async copy(from: string, path: string, mode: number): Promise<void> {
    const text = this.files.get(from)?.text;
    if (text === undefined) throw Object.assign(new Error(`ENOENT: no such file, copy '${from}'`), { code: 'ENOENT' });
    await this.write(path, text, mode);
  }

  async keep(path: string, as: string): Promise<void> {
    this.#step(`keep ${path}`);
    const file = this.files.get(path);
    if (file !== undefined) this.files.set(as, file);
  }

  async makeFolder(path: string, mode: number): Promise<void> {
    this.#step(`folder ${path}`);
    if (!this.folders.has(path)) this.folders.set(path, mode);
  }

  async move(from: string, to: string): Promise<void> {
    this.#step(`move ${to}`);
    const file = this.files.get(from);
    if (file !== undefined) this.files.set(to, file);
    this.files.delete(from);
    this.links.delete(to);
  }

  async remove(path: string): Promise<void> {
    this.#step(`remove ${path}`);
    for (const map of [this.files, this.folders, this.links])
      for (const each of map.keys()) if (each === path || each.startsWith(`${path}/`)) map.delete(each);
  }

  async removeEmpty(path: string): Promise<void> {
    this.#step(`remove empty ${path}`);
    const inside = [...this.files.keys(), ...this.folders.keys()].some(each => dirname(each) === path);
    if (!inside) this.folders.delete(path);
  }

  async list(folder: string): Promise<readonly string[]> {
    return [...this.files.keys()].flatMap(path =>
      path.startsWith(`${folder}/`) ? [path.slice(folder.length + 1)] : [],
    );
  }

  async listens(path: string): Promise<boolean> {
    const found = this.listening.get(path) ?? false;
    if (found instanceof Error) throw found;
    return found;
  }

  async run(command: readonly string[]): Promise<{ readonly code: number; readonly output: string }> {
    const line = command.join(' ');
    this.#step(line);
    this.commands.push(line);
    const at = this.answers.findIndex(({ to }) => line.startsWith(to));
    const answer = this.answers.splice(at, at === -1 ? 0 : 1)[0] ?? { code: 0, output: '' };
    return command[0] === 'systemctl'
      ? { ...answer, output: answer.output + this.#systemctl(command, answer.code) }
      : answer;
  }

  #systemctl([, verb, ...rest]: readonly string[], code: number): string {
    const named = rest.filter(word => !word.startsWith('-'));
    for (const unit of named) {
      if (verb === 'show') return this.#shown(unit);
      if (verb === 'enable') this.enabled.add(unit);
      if (verb === 'disable') this.enabled.delete(unit);
      if (verb === 'stop' || (verb === 'disable' && rest.includes('--now'))) this.active.delete(unit);
      if (verb !== 'start' && verb !== 'restart') continue;
      const isMet = ['yaml', 'cred'].some(end => this.files.has(`/etc/kuryr/clouds.${end}`));
      if (isMet) this.unmet.delete(unit);
      else {
        this.unmet.add(unit);
        this.active.delete(unit);
        continue;
      }
      this.active.set(unit, code === 0 ? 'active' : 'failed');
      if (code === 0) this.since.set(unit, (this.since.get(unit) ?? 1000) + 1);
      if (unit.endsWith('.service'))
        for (const folder of runFolders) if (!this.folders.has(folder)) this.folders.set(folder, 0o700);
    }
    return '';
  }

  #shown(unit: string): string {
    const isUnmet = this.unmet.has(unit);
    return [
      `ActiveEnterTimestampMonotonic=${this.since.get(unit) ?? 0}`,
      `ActiveState=${this.active.get(unit) ?? 'inactive'}`,
      `ConditionResult=${isUnmet ? 'no' : 'yes'}`,
      `ConditionTimestampMonotonic=${isUnmet ? '123456' : '0'}`,
    ].join('\n');
  }

  #step(step: string): void {
    this.onStep(step);
  }

  /** All that is there, to be compared. */
  snapshot(): unknown {
    const { files, folders, links, enabled, active } = this;
    return structuredClone({ files, folders, links, enabled, active });
  }
}
