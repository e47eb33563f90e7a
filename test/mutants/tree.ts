import { execFile } from 'node:child_process';
import { cp, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Mutant } from './mutant.ts';

const left = new Set(['.git', 'node_modules', 'dist']);

/** A copy of the program and its tests in a folder of its own, where a mutant can be put in and taken out again. */
export class Tree implements AsyncDisposable {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** A copy of what is at `from`, which shares its npm packages. */
  static async copy(from: string): Promise<Tree> {
    const path = await mkdtemp(join(tmpdir(), 'kuryr-mutant-'));
    await cp(from, path, {
      recursive: true,
      filter: source => !left.has(source.slice(from.length + 1)) && !source.endsWith('.log'),
    });
    await symlink(join(from, 'node_modules'), join(path, 'node_modules'));
    return new Tree(path);
  }

  /** What a patch replaces has to be there; the lines around it may have changed. @throws Error when it is not */
  async put({ patch }: Mutant): Promise<void> {
    // Were the folder below a checkout, git would look for the files from that one's top.
    const env = { ...process.env, GIT_CEILING_DIRECTORIES: join(this.path, '..') };
    try {
      await promisify(execFile)('git', ['apply', '-C0', '--whitespace=nowarn', patch], { cwd: this.path, env });
    } catch (error) {
      const said = (error as { stderr?: string }).stderr?.trim().split('\n').join('; ');
      throw new Error(`the patch does not apply: ${said || error}`);
    }
  }

  /** Makes the mutant's files as they are in the other tree. */
  async takeOut({ files }: Mutant, clean: Tree): Promise<void> {
    for (const file of files) await cp(join(clean.path, file), join(this.path, file));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}
