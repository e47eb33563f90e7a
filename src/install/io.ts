import { createReadStream, existsSync } from 'node:fs';
import {
  chmod,
  copyFile,
  link,
  mkdir,
  open,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  rmdir,
  stat,
  writeFile,
} from 'node:fs/promises';
import { dirname } from 'node:path';

/** The machine as an installation sees it; a test has one in memory. */
export interface InstallIo {
  exists(path: string): boolean;
  /** The file's text, undefined where there is none. */
  read(path: string): Promise<string | undefined>;
  /** Where a symbolic link points; undefined for all else, and for nothing. */
  target(path: string): Promise<string | undefined>;
  /** Its permission bits, undefined where there is nothing. */
  mode(path: string): Promise<number | undefined>;
  /** Whether both files are there and have the same bytes. */
  same(one: string, other: string): Promise<boolean>;
  /** Puts it there whole, or not at all; whoever has the former open keeps that. Missing folders are made for all to read. */
  write(path: string, text: string, mode: number): Promise<void>;
  copy(from: string, path: string, mode: number): Promise<void>;
  /** The file gets another name beside its own, by which it stays when something else is put there. */
  keep(path: string, as: string): Promise<void>;
  /** One that is there already stays as it is. */
  makeFolder(path: string, mode: number): Promise<void>;
  /** What is there goes to the other path. */
  move(from: string, to: string): Promise<void>;
  /** A file, or a folder with all that is in it; what is not there counts as removed. */
  remove(path: string): Promise<void>;
  /** A folder, where nothing is in it. */
  removeEmpty(path: string): Promise<void>;
  /** Paths of files below the folder, from there; none where there is no folder. */
  list(folder: string): Promise<readonly string[]>;
  /** Whether somebody listens on the unix socket. @throws Error where that cannot be told */
  listens(path: string): Promise<boolean>;
  /** Runs a program; `output` has both its streams. Code 127 where there is none of that name. */
  run(command: readonly string[]): Promise<{ readonly code: number; readonly output: string }>;
}

/** What a file is written as before it takes its name. */
export const draft = (path: string): string => `${path}.kuryr-new`;

export const nodeIo: InstallIo = {
  exists: path => existsSync(path),
  read: path => readFile(path, 'utf8').catch(unless('ENOENT', 'ENOTDIR')),
  target: path => readlink(path).catch(unless('ENOENT', 'ENOTDIR', 'EINVAL')),
  mode: async path => {
    const found = await stat(path).catch(unless('ENOENT', 'ENOTDIR'));
    return found && found.mode & 0o7777;
  },
  async same(one, other) {
    const [a, b] = await Promise.all([one, other].map(path => stat(path).catch(unless('ENOENT', 'ENOTDIR'))));
    if (a === undefined || b === undefined || a.size !== b.size) return false;
    const rest = createReadStream(other)[Symbol.asyncIterator]();
    for await (const chunk of createReadStream(one)) {
      const { value } = await rest.next();
      if (!(value instanceof Buffer) || !value.equals(chunk)) return false;
    }
    return true;
  },
  write: (path, text, mode) => aside(path, mode, name => writeFile(name, text, { mode: 0o600 })),
  copy: (from, path, mode) => aside(path, mode, name => copyFile(from, name)),
  async keep(path, as) {
    await rm(as, { force: true });
    await link(path, as);
  },
  async makeFolder(path, mode) {
    if (existsSync(path)) return;
    await makeFolders(path);
    await chmod(path, mode);
  },
  move: (from, to) => rename(from, to),
  remove: path => rm(path, { recursive: true, force: true }),
  async removeEmpty(path) {
    await rmdir(path).catch(unless('ENOENT', 'ENOTEMPTY'));
  },
  async list(folder) {
    const found = await readdir(folder, { recursive: true, withFileTypes: true }).catch(unless('ENOENT', 'ENOTDIR'));
    return (found ?? []).flatMap(each =>
      each.isFile() ? [`${each.parentPath}/${each.name}`.slice(folder.length + 1)] : [],
    );
  },
  listens(path) {
    const { connect } = process.getBuiltinModule('node:net');
    return new Promise((resolve, reject) => {
      const socket = connect(path, () => {
        socket.destroy();
        resolve(true);
      });
      socket.on('error', (error: NodeJS.ErrnoException) => {
        // EAGAIN: so many wait there that there is no place for one more.
        if (error.code === 'EAGAIN') resolve(true);
        else if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') resolve(false);
        else reject(error);
      });
    });
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

/** The draft is in the same folder: a rename replaces only within a file system. */
async function aside(path: string, mode: number, make: (name: string) => Promise<void>): Promise<void> {
  const name = draft(path);
  await makeFolders(dirname(path));
  await rm(name, { force: true });
  await make(name);
  await chmod(name, mode);
  // After a reset an empty file would else have the name, and the former would be gone.
  await sync(name);
  await rename(name, path);
  await sync(dirname(path));
}

async function sync(path: string): Promise<void> {
  const handle = await open(path);
  await handle.sync().finally(() => handle.close());
}

/** Folders that are missing, with their mode whatever the umask is. */
async function makeFolders(path: string): Promise<void> {
  const mode = 0o755;
  const first = await mkdir(path, { recursive: true, mode });
  if (first === undefined) return;
  for (let folder = path; folder.length >= first.length; folder = dirname(folder)) await chmod(folder, mode);
}

function unless(...codes: readonly string[]): (error: NodeJS.ErrnoException) => undefined {
  return error => {
    if (!codes.includes(error.code ?? '')) throw error;
    return undefined;
  };
}
