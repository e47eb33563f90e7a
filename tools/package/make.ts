import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Say } from '../../guest/say.ts';
import { build } from '../build.ts';
import { manPages } from '../man/pages.ts';
import { writeDeb } from './deb.ts';
import { copyright, licenceTexts, worksOf } from './licences.ts';
import { type Cpu, cpus, nativesOf } from './natives.ts';
import { writeNpm } from './npm.ts';
import { dayOf, sourceDate } from './source-date.ts';
import { stripped } from './strip-elf.ts';
import { cloudTypes } from './types.ts';

const top = join(import.meta.dirname, '../..');

/** Makes the Debian package for a processor in the folder and gives its path. `level` is xz's. */
export async function makeDeb(folder: string, cpu: Cpu, level: number, say: Say): Promise<string> {
  return withBuild(async (program, works) => {
    const natives = await nativesOf(cpu, say);
    const seconds = await sourceDate(top);
    const built = async (from: string): Promise<Buffer> => {
      if (from === 'node') return stripped(await readFile(natives.node));
      return from.endsWith('.node') ? stripped(await readFile(natives.koffi)) : readFile(join(program, from));
    };
    return writeDeb(folder, {
      ...{ cpu, built, seconds, level },
      manual: await manPages(dayOf(seconds)),
      copyright: await copyright(cpu, natives, await worksOf(works)),
    });
  });
}

/** Makes the npm package in the folder and gives its path. */
export async function makeNpm(folder: string, say: Say): Promise<string> {
  return withBuild(async (program, works) => {
    await build(program, 'cloud/index.ts', 'cloud.mjs');
    const natives: Record<string, string> = {};
    for (const cpu of cpus) natives[`koffi-linux-${cpu}.node`] = (await nativesOf(cpu, say)).koffi;
    const manual = await manPages(dayOf(await sourceDate(top)));
    const types = await cloudTypes(join(program, 'types'));
    return writeNpm(folder, {
      files: {
        ...natives,
        'kuryr.mjs': join(program, 'kuryr.mjs'),
        'cloud.mjs': join(program, 'cloud.mjs'),
        LICENSE: join(top, 'LICENSE'),
        'README.md': join(top, 'README.md'),
      },
      texts: {
        ...Object.fromEntries(Object.entries(manual).map(([path, text]) => [`man/${path}`, text])),
        ...Object.fromEntries(Object.entries(types).map(([path, text]) => [`types/${path}`, text])),
        LICENSES: licenceTexts(await worksOf(works)),
      },
    });
  });
}

/** Builds the program into a folder that is removed afterwards. */
async function withBuild<T>(work: (program: string, packages: readonly string[]) => Promise<T>): Promise<T> {
  const program = await mkdtemp(join(tmpdir(), 'kuryr-build-'));
  try {
    return await work(program, await build(program));
  } finally {
    await rm(program, { recursive: true, force: true });
  }
}
