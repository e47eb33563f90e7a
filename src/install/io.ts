import { createReadStream, existsSync } from 'node:fs';
import { chmod, copyFile, mkdir, readdir, readFile, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/** The machine as an installation sees it; a test has one in memory. */
export interface InstallIo {
  exists(path: string): boolean;
  /** The file's text, undefined where there is none. */
  read(path: string): Promise<string | undefined>;
  /** Whether both files are there and have the same bytes. */
  same(one: string, other: string): Promise<boolean>;
  /** Puts it there whole, or not at all; whoever has the former open keeps that. */
  write(path: string, text: string, mode: number): Promise<void>;
  copy(from: string, path: string, mode: number): Promise<void>;
  /** Where the folder is there already, it only gets the mode. */
  makeFolder(path: string, mode: number): Promise<void>;
  /** What is there goes to the other path. */
  move(from: string, to: string): Promise<void>;
  /** A file, or a folder with all that is in it; what is not there counts as removed. */
  remove(path: string): Promise<void>;
  /** A folder, where nothing is in it. */
  removeEmpty(path: string): Promise<void>;
  /** Paths of files below the folder, from there; none where there is no folder. */
  list(folder: string): Promise<readonly string[]>;
  /** Runs a program; `output` has both its streams. Code 127 where there is none of that name. */
  run(command: readonly string[]): Promise<{ readonly code: number; readonly output: string }>;
}

export const nodeIo: InstallIo = {
  exists: path => existsSync(path),
  read: path => readFile(path, 'utf8').catch(unlessMissing),
  async same(one, other) {
    const [a, b] = await Promise.all([one, other].map(path => stat(path).catch(unlessMissing)));
    if (a === undefined || b === undefined || a.size !== b.size) return false;
    const rest = createReadStream(other)[Symbol.asyncIterator]();
    for await (const chunk of createReadStream(one)) {
      const { value } = await rest.next();
      if (!(value instanceof Buffer) || !value.equals(chunk)) return false;
    }
    return true;
  },
  write: (path, text, mode) => aside(path, mode, draft => writeFile(draft, text, { mode: 0o600 })),
  copy: (from, path, mode) => aside(path, mode, draft => copyFile(from, draft)),
  async makeFolder(path, mode) {
    await mkdir(path, { recursive: true, mode });
    await chmod(path, mode);
  },
  move: (from, to) => rename(from, to),
  remove: path => rm(path, { recursive: true, force: true }),
  async removeEmpty(path) {
    await rmdir(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT' && error.code !== 'ENOTEMPTY') throw error;
    });
  },
  async list(folder) {
    const found = await readdir(folder, { recursive: true, withFileTypes: true }).catch(unlessMissing);
    return (found ?? []).flatMap(each =>
      each.isFile() ? [`${each.parentPath}/${each.name}`.slice(folder.length + 1)] : [],
    );
  },
  async run([program = '', ...args]) {
    const { spawn } = process.getBuiltinModule('node:child_process');
    return new Promise((resolve, reject) => {
      const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
      let output = '';
      for (const stream of [child.stdout, child.stderr])
        stream.setEncoding('utf8').on('data', (text: string) => {
          output += text;
        });
      child.on('error', (error: NodeJS.ErrnoException) =>
        error.code === 'ENOENT' ? resolve({ code: 127, output: `there is no ${program}` }) : reject(error),
      );
      child.on('close', code => resolve({ code: code ?? 128, output }));
    });
  },
};

/** The draft is in the same folder: a rename replaces only within a file system. Its folders are made where they are missing. */
async function aside(path: string, mode: number, make: (draft: string) => Promise<void>): Promise<void> {
  const draft = `${path}.kuryr-new`;
  await mkdir(dirname(path), { recursive: true, mode: 0o755 });
  await rm(draft, { force: true });
  await make(draft);
  await chmod(draft, mode);
  await rename(draft, path);
}

function unlessMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
  throw error;
}
