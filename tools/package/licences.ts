import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { packagePlace, programFolder } from '../../src/install/place.ts';
import type { Cpu, Natives } from './natives.ts';

const top = join(import.meta.dirname, '../..');

/** A work of others that is in a package, with its licence in its own words. */
export interface Work {
  readonly name: string;
  readonly version: string;
  /** As its manifest has it: `MIT`. */
  readonly licence: string;
  readonly text: string;
}

/** The works of npm packages, in their order. @throws Error for one that brings no licence */
export async function worksOf(packages: readonly string[]): Promise<Work[]> {
  return Promise.all(
    packages.map(async name => {
      const folder = join(top, 'node_modules', name);
      const manifest = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as Record<string, unknown>;
      const file = (await readdir(folder)).find(each => /^licen[cs]e/i.test(each));
      if (file === undefined) throw new Error(`${folder} has no file with its licence`);
      const text = await readFile(join(folder, file), 'utf8');
      return { name, version: String(manifest['version']), licence: String(manifest['license']), text };
    }),
  );
}

/** The licences of all works, one below the other. */
export function licenceTexts(works: readonly Work[]): string {
  return works
    .map(({ name, version, licence, text }) => `${name} ${version} (${licence})\n\n${text.trim()}\n`)
    .join(`\n${'-'.repeat(80)}\n\n`);
}

/** The file `copyright`, in the format 1.0 that programs read. */
export async function copyright(cpu: Cpu, natives: Natives, works: readonly Work[]): Promise<string> {
  const folder = programFolder(packagePlace).slice(1);
  const koffi = works.find(({ name }) => name === 'koffi');
  if (koffi === undefined) throw new Error('koffi is not in the program');
  const paragraphs = [
    ['Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/', 'Upstream-Name: kuryr'],
    ['Files: *', 'Copyright: The Kuryr authors', 'License: Apache-2.0'],
    [
      `Files: ${folder}/kuryr.mjs`,
      'Copyright: The Kuryr authors, and those whom the licenses name',
      `License: ${['Apache-2.0', ...works.map(shortName)].join(' and ')}`,
    ],
    [
      `Files: ${folder}/koffi-linux-${cpu}.node`,
      `Copyright: ${/^Copyright \(C\) (.*)$/im.exec(koffi.text)?.[1]?.trim() ?? 'the authors of koffi'}`,
      `License: ${shortName(koffi)}`,
    ],
    [
      `Files: ${folder}/node`,
      'Copyright: Node.js contributors, and those whom the license names',
      'License: Node.js',
      indented(await readFile(natives.nodeLicence, 'utf8')),
    ],
    [
      'License: Apache-2.0',
      indented('On Debian systems the full text of this license is in\n/usr/share/common-licenses/Apache-2.0.'),
    ],
    ...works.map(work => [`License: ${shortName(work)}`, indented(work.text)]),
  ];
  return paragraphs.map(lines => `${lines.join('\n')}\n`).join('\n');
}

/** No two works share a name, since each text names other authors. */
function shortName({ name, licence }: Work): string {
  return `${licence}-${name.replaceAll(/[@/]/g, '')}`;
}

function indented(text: string): string {
  return text
    .trim()
    .split('\n')
    .map(line => (line.trim() === '' ? ' .' : ` ${line.trimEnd()}`))
    .join('\n');
}
