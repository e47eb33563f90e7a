import { dirname } from 'node:path';
import type { InstallIo } from './io.ts';

export type FakeFile = { readonly text: string; readonly mode: number };

/** A machine in memory. Folders are known by what was made, and by the files that are in them. */
export class FakeIo implements InstallIo {
  readonly files = new Map<string, FakeFile>();
  readonly folders = new Map<string, number>();
  readonly commands: string[] = [];
  /** Answers to commands that do not just succeed, by how they begin; each once for every time it is here. */
  readonly answers: { readonly to: string; readonly code: number; readonly output: string }[] = [];
  /** A path that nothing can be written to. */
  full: string | undefined;

  exists(path: string): boolean {
    return (
      this.files.has(path) || this.folders.has(path) || [...this.files.keys()].some(file => file.startsWith(`${path}/`))
    );
  }

  async read(path: string): Promise<string | undefined> {
    return this.files.get(path)?.text;
  }

  async same(one: string, other: string): Promise<boolean> {
    return this.files.has(one) && this.files.get(one)?.text === this.files.get(other)?.text;
  }

  async write(path: string, text: string, mode: number): Promise<void> {
    if (path === this.full)
      throw Object.assign(new Error(`ENOSPC: no space left on device, write '${path}'`), { code: 'ENOSPC' });
    this.files.set(path, { text, mode });
  }

  async copy(from: string, path: string, mode: number): Promise<void> {
    await this.write(path, this.files.get(from)?.text ?? '', mode);
  }

  async makeFolder(path: string, mode: number): Promise<void> {
    this.folders.set(path, mode);
  }

  async move(from: string, to: string): Promise<void> {
    const file = this.files.get(from);
    if (file !== undefined) this.files.set(to, file);
    this.files.delete(from);
  }

  async remove(path: string): Promise<void> {
    for (const map of [this.files, this.folders])
      for (const each of map.keys()) if (each === path || each.startsWith(`${path}/`)) map.delete(each);
  }

  async removeEmpty(path: string): Promise<void> {
    const inside = [...this.files.keys(), ...this.folders.keys()].some(each => dirname(each) === path);
    if (!inside) this.folders.delete(path);
  }

  async list(folder: string): Promise<readonly string[]> {
    return [...this.files.keys()].flatMap(path =>
      path.startsWith(`${folder}/`) ? [path.slice(folder.length + 1)] : [],
    );
  }

  async run(command: readonly string[]): Promise<{ readonly code: number; readonly output: string }> {
    const line = command.join(' ');
    this.commands.push(line);
    const at = this.answers.findIndex(({ to }) => line.startsWith(to));
    return this.answers.splice(at, at === -1 ? 0 : 1)[0] ?? { code: 0, output: '' };
  }

  /** All that is there, to be compared. */
  snapshot(): unknown {
    return structuredClone({ files: this.files, folders: this.folders });
  }
}
