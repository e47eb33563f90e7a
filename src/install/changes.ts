import { dirname } from 'node:path';
import type { InstallIo } from './io.ts';
import { type Entry, layout } from './layout.ts';
import { localPlace, madeFile } from './place.ts';
import { former } from './record.ts';

/** What an installation puts somewhere, besides the layout. */
export interface Sources {
  readonly io: InstallIo;
  readonly cpu: 'x64' | 'arm64';
  /** Folder with what was built: `kuryr.mjs`, koffi's native half, and manual pages below `man`. */
  readonly built: string;
  /** The program that runs this: Node, to be copied too. */
  readonly node: string;
  /** The credential to be written, and files that it names, by path; none where it stands there already. */
  readonly credential: readonly { readonly path: string; readonly text: string }[];
}

type Wanted = Exclude<Entry, { kind: 'built' }> | (Entry & { readonly kind: 'built'; readonly source: string });

export interface Change {
  readonly entry: Wanted;
  /** `keep`: the user's own. `same`: as it stands. */
  readonly what: 'folder' | 'make' | 'replace' | 'same' | 'keep';
}

/**
 * What is to be done to each path, and the folders that are made, the deeper ones first.
 * @param before folders that one made which did not come to its end
 */
export async function changesOf(
  sources: Sources,
  before: readonly string[],
): Promise<{ readonly changes: readonly Change[]; readonly folders: readonly string[] }> {
  const { io } = sources;
  const wanted = await wantedOf(sources);
  const folders = deepestFirst([...before, ...missing(io, wanted)]);
  const earlier = ((await io.read(madeFile(localPlace))) ?? '').split('\n');
  const made = deepestFirst([...earlier, ...folders].filter(Boolean));
  const text = made.map(folder => `${folder}\n`).join('');
  const note = { kind: 'text' as const, path: madeFile(localPlace), text, mode: 0o644, conffile: false };
  const changes: Change[] = [];
  for (const entry of [...wanted, note]) changes.push({ entry, what: await whatOf(io, entry) });
  return { changes, folders };
}

async function wantedOf({ io, cpu, built, node, credential }: Sources): Promise<Wanted[]> {
  const manual = await io.list(`${built}/man`);
  return [
    ...layout(localPlace, cpu).map(entry => {
      if (entry.kind !== 'built') return entry;
      return { ...entry, source: entry.from === 'node' ? node : `${built}/${entry.from}` };
    }),
    ...manual.map(page => ({
      ...{ kind: 'built' as const, path: `${localPlace.prefix}/share/man/${page}`, mode: 0o644, from: `man/${page}` },
      source: `${built}/man/${page}`,
    })),
    ...credential.map(({ path, text }) => ({ kind: 'text' as const, path, text, mode: 0o600, conffile: false })),
  ];
}

function missing(io: InstallIo, wanted: readonly Wanted[]): string[] {
  const found: string[] = [];
  for (const { path, kind } of wanted)
    for (
      let folder = kind === 'folder' ? path : dirname(path);
      folder !== '/' && !io.exists(folder);
      folder = dirname(folder)
    )
      found.push(folder);
  return found;
}

const deepestFirst = (paths: readonly string[]) => [...new Set(paths)].sort().reverse();

async function whatOf(io: InstallIo, entry: Wanted): Promise<Change['what']> {
  if (entry.kind === 'folder') return 'folder';
  const there = io.exists(entry.path) ? 'replace' : 'make';
  const hasMode = (await io.mode(entry.path)) === entry.mode;
  if (entry.kind === 'built') return hasMode && (await io.same(entry.source, entry.path)) ? 'same' : there;
  const text = await io.read(entry.path);
  if (text !== undefined && entry.conffile) return text === entry.text ? 'same' : 'keep';
  return hasMode && text === entry.text ? 'same' : there;
}

/** At no moment is there nothing under the name of what is replaced, for whoever starts it then. */
export async function carryOut(io: InstallIo, { entry, what }: Change): Promise<void> {
  const { path, mode } = entry;
  if (entry.kind === 'folder') return io.makeFolder(path, mode);
  if (what === 'same' || what === 'keep') return;
  if (what === 'replace') await io.keep(path, former(path));
  if (entry.kind === 'built') await io.copy(entry.source, path, mode);
  else await io.write(path, entry.text, mode);
}
