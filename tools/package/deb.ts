import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { command } from '../../guest/command.ts';
import { type Entry, layout } from '../../src/install/layout.ts';
import { packagePlace } from '../../src/install/place.ts';
import { archive } from './ar.ts';
import { architectures, changelog, control, debianVersion } from './control.ts';
import type { Cpu } from './natives.ts';
import { lintianOverrides } from './overrides.ts';
import { maintainerScripts } from './scripts.ts';

/** What a package is made of besides the layout. */
export interface DebParts {
  readonly cpu: Cpu;
  /** What the layout's entries that are built are copied from, by their name there. */
  readonly built: (from: string) => Promise<Buffer>;
  /** Manual pages by their path below share/man. */
  readonly manual: Readonly<Record<string, string>>;
  readonly copyright: string;
  /** When the sources were made, seconds since 1970. */
  readonly seconds: number;
  /** xz's, 0 to 9. */
  readonly level: number;
}

/**
 * Writes kuryr_VERSION_ARCHITECTURE.deb into the folder and gives its path. Neither root nor Debian's tools are needed: tar
 * and xz are, and the same parts make the same bytes. @throws Error
 */
export async function writeDeb(folder: string, parts: DebParts): Promise<string> {
  const { cpu, seconds, level } = parts;
  const work = await mkdtemp(join(tmpdir(), 'kuryr-deb-'));
  try {
    const files = await contents(parts);
    const data = await tarball(work, 'data', files, seconds, [...filterFor(cpu), `--lzma2=preset=${level}`]);
    const meta = await tarball(work, 'control', controlFiles(cpu, files), seconds, ['--lzma2=preset=6']);
    const file = join(folder, `kuryr_${debianVersion()}_${architectures[cpu]}.deb`);
    const members = [
      { name: 'debian-binary', data: Buffer.from('2.0\n') },
      { name: 'control.tar.xz', data: meta },
      { name: 'data.tar.xz', data },
    ];
    await mkdir(folder, { recursive: true });
    await writeFile(file, archive(members, seconds));
    return file;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Jumps of machine code compress better as addresses. The filter for arm64 is one that dpkg of before 2023 cannot undo. */
function filterFor(cpu: Cpu): string[] {
  return cpu === 'x64' ? ['--x86'] : [];
}

/** A file or folder of a tarball, by its path from the root without the slash. */
type Item = { readonly path: string; readonly mode: number } & (
  | { readonly kind: 'folder' }
  | { readonly kind: 'file'; readonly data: Buffer; readonly conffile: boolean }
);

async function contents({ cpu, built, manual, copyright, seconds }: DebParts): Promise<Item[]> {
  const docs = 'usr/share/doc/kuryr';
  return [
    ...(await Promise.all(layout(packagePlace, cpu).map(entry => itemOf(entry, built)))),
    ...Object.entries(manual).map(([path, text]) => file(`usr/share/man/${path}.gz`, gzipped(text))),
    file(`${docs}/copyright`, Buffer.from(copyright)),
    file('usr/share/lintian/overrides/kuryr', Buffer.from(lintianOverrides(cpu))),
    file(`${docs}/changelog.gz`, gzipped(changelog(new Date(seconds * 1000)))),
  ];
}

async function itemOf(entry: Entry, built: DebParts['built']): Promise<Item> {
  const { mode } = entry;
  const path = entry.path.slice(1);
  if (entry.kind === 'folder') return { kind: 'folder', path, mode };
  if (entry.kind === 'built') return file(path, await built(entry.from), mode);
  return { ...file(path, Buffer.from(entry.text), mode), conffile: entry.conffile };
}

function file(path: string, data: Buffer, mode = 0o644): Item & { kind: 'file' } {
  return { kind: 'file', path, data, mode, conffile: false };
}

/** zlib writes no time and no name. */
function gzipped(text: string): Buffer {
  return gzipSync(text, { level: 9 });
}

function controlFiles(cpu: Cpu, items: readonly Item[]): Item[] {
  const files = items.filter(item => item.kind === 'file');
  const kib = files.reduce((sum, { data }) => sum + Math.ceil(data.length / 1024), 0) + items.length;
  const sums = files
    .filter(({ conffile }) => !conffile)
    .map(({ path, data }) => `${createHash('md5').update(data).digest('hex')}  ${path}\n`);
  const conffiles = files.filter(({ conffile }) => conffile).map(({ path }) => `/${path}\n`);
  return [
    file('control', Buffer.from(control(cpu, kib))),
    file('conffiles', Buffer.from(conffiles.join(''))),
    file('md5sums', Buffer.from(sums.sort().join(''))),
    ...Object.entries(maintainerScripts).map(([name, text]) => file(name, Buffer.from(text), 0o755)),
  ];
}

/** A tarball of root's files, in order of their names and all of one time. Gives it compressed. */
async function tarball(
  work: string,
  name: string,
  items: readonly Item[],
  seconds: number,
  filters: readonly string[],
): Promise<Buffer> {
  const folder = join(work, name);
  await mkdir(folder, { recursive: true });
  for (const item of items) {
    const at = join(folder, item.path);
    await mkdir(item.kind === 'folder' ? at : dirname(at), { recursive: true });
    if (item.kind === 'file') await writeFile(at, item.data);
  }
  // Whatever the umask is, folders that only lead to others too.
  await command(['chmod', '-R', 'u=rwX,go=rX', folder]);
  for (const item of items) await chmod(join(folder, item.path), item.mode);
  const tar = `${folder}.tar`;
  await command([
    ...['tar', '--format=gnu', '--sort=name', '--owner=root:0', '--group=root:0', `--mtime=@${seconds}`],
    ...['-C', folder, '-cf', tar, '.'],
  ]);
  await command(['xz', '--threads=1', ...filters, tar]);
  return readFile(`${tar}.xz`);
}
