import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder } from '../../guest/cache.ts';
import { command } from '../../guest/command.ts';
import type { Say } from '../../guest/say.ts';

const top = join(import.meta.dirname, '../..');

export const cpus = ['x64', 'arm64'] as const;
export type Cpu = (typeof cpus)[number];

/** What is made for one processor, by absolute path. */
export interface Natives {
  readonly node: string;
  /** The licences of Node and of all that is in it. */
  readonly nodeLicence: string;
  readonly koffi: string;
}

/** Node and koffi's native half as the lock file has them, from node_modules; those of another processor come by npm. */
export async function nativesOf(cpu: Cpu, say: Say): Promise<Natives> {
  const node = await packageFolder(`node-linux-${cpu}`, say);
  const koffi = await packageFolder(`@koromix/koffi-linux-${cpu}`, say);
  // glibc alone: so is the Node that comes with Kuryr.
  return {
    node: join(node, 'bin/node'),
    nodeLicence: join(node, 'LICENSE'),
    koffi: join(koffi, `linux_${cpu}/koffi.node`),
  };
}

async function packageFolder(name: string, say: Say): Promise<string> {
  const installed = join(top, 'node_modules', name);
  return existsSync(installed) ? installed : await fetched(name, say);
}

interface LockFile {
  readonly packages: Readonly<Record<string, { readonly version: string; readonly integrity: string }>>;
}

/** The package in the cache, fetched by npm if need be. @throws Error when it is not the one that the lock file has */
async function fetched(name: string, say: Say): Promise<string> {
  const lock = JSON.parse(await readFile(join(top, 'package-lock.json'), 'utf8')) as LockFile;
  const locked = lock.packages[`node_modules/${name}`];
  if (locked === undefined) throw new Error(`package-lock.json has no ${name}`);
  const { version, integrity } = locked;
  const digest = createHash('sha256').update(integrity).digest('hex').slice(0, 12);
  const done = join(cacheFolder(), 'npm', `${name.replace('/', '-')}-${version}-${digest}`);
  if (existsSync(done)) return join(done, 'package');
  say(`fetching ${name} ${version} from npm (once; kept in ${done})`);
  const work = `${done}.${process.pid}`;
  await mkdir(work, { recursive: true });
  try {
    await command(['npm', 'pack', '--silent', `${name}@${version}`], { cwd: work });
    const file = join(work, `${name.replace('@', '').replace('/', '-')}-${version}.tgz`);
    checkIntegrity(name, await readFile(file), integrity);
    await command(['tar', '--no-same-owner', '-xzf', file, '-C', work]);
    await rm(file);
    await rename(work, done).catch(error => {
      if (!existsSync(done)) throw error;
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return join(done, 'package');
}

/** @param integrity as a lock file has it: `sha512-` and base64. @throws Error naming the package */
export function checkIntegrity(name: string, data: Buffer, integrity: string): void {
  const found = `sha512-${createHash('sha512').update(data).digest('base64')}`;
  if (found !== integrity) throw new Error(`${name}: npm gave ${found}, package-lock.json has ${integrity}`);
}
