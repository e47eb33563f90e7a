import { glob, readFile, stat } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';

/** A page in Markdown, and its text without what stands in code. */
export interface Page {
  /** Path below the checkout. */
  readonly file: string;
  readonly text: string;
}

/** Every page of the checkout, those of dependencies and builds apart. */
export async function readPages(top: string): Promise<Page[]> {
  const files: string[] = [];
  for await (const file of glob('**/*.md', { cwd: top, exclude: ['node_modules', 'dist'] })) files.push(file);
  return Promise.all(files.sort().map(async file => ({ file, text: await readFile(join(top, file), 'utf8') })));
}

/** Links to a file that is not there, or to a heading that its page does not have. What leads elsewhere is not followed. */
export async function brokenLinks(top: string, pages: readonly Page[]): Promise<{ seen: number; broken: string[] }> {
  const anchors = new Map(pages.map(({ file, text }) => [file, anchorsOf(text)]));
  const broken: string[] = [];
  let seen = 0;
  for (const { file, text } of pages) {
    for (const [, target = ''] of withoutCode(text).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      seen++;
      const [path = '', anchor] = target.split('#');
      const to = path === '' ? file : normalize(join(dirname(file), path)).replace(/\/$/, '');
      const there = await stat(join(top, to)).catch(() => undefined);
      const headings = anchors.get(to);
      if (there === undefined || (anchor !== undefined && headings?.has(anchor) !== true))
        broken.push(`${file}: ${target}`);
    }
  }
  return { seen, broken };
}

/** The names by which headings are linked to, as GitHub makes them: a heading that comes again gets a number. */
function anchorsOf(text: string): ReadonlySet<string> {
  const found = new Set<string>();
  for (const [, heading = ''] of withoutFences(text).matchAll(/^#{1,6} +(.*)$/gm)) {
    const words = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
    const slug = words.replaceAll(/[^\p{L}\p{N} _-]/gu, '').replaceAll(' ', '-');
    let name = slug;
    for (let n = 1; found.has(name); n++) name = `${slug}-${n}`;
    found.add(name);
  }
  return found;
}

const withoutFences = (text: string): string => text.replaceAll(/^```.*?^```/gms, '');
const withoutCode = (text: string): string => withoutFences(text).replaceAll(/`[^`\n]*`/g, '');

/** What a page calls an error: a code, or with an asterisk at its end all that begin so. */
const named = /`([A-Z]+(?:_[A-Z0-9]+)*(?:_?\*)?)`/g;

/**
 * Error codes that a page names, by how they begin: a word in capitals whose first part no code has is something else, such as
 * a variable or a capability.
 */
export function namedCodes(text: string, codes: readonly string[]): string[] {
  const first = (name: string) => name.split(/[_*]/)[0] ?? '';
  const families = new Set(codes.map(first));
  const found = [...withoutFences(text).matchAll(named)].map(([, name = '']) => name);
  const known = (name: string) => codes.includes(name) || (name.includes('_') && families.has(first(name)));
  return [...new Set(found)].filter(known);
}

/** Codes that pages of tables are about: what heads a part of such a page, or a row. */
export function tabledCodes(text: string): string[] {
  return [...text.matchAll(/^(?:#+ |\| `?)([A-Z]+(?:_[A-Z0-9]+)*)`?(?: \||$)/gm)].map(([, code = '']) => code);
}

/** Whether a name, or a beginning with an asterisk, is that of the code. */
export const namesCode = (name: string, code: string): boolean =>
  name.endsWith('*') ? code.startsWith(name.slice(0, -1)) : name === code;
