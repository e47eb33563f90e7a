import { glob, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';

/** What a mutant's test needs: nothing, network namespaces (root), the lab, or the lab and many kills. */
export const needs = ['unit', 'netns', 'lab', 'crash'] as const;
export type Need = (typeof needs)[number];

/** A small change of the program that breaks a promise, and the test that must notice. */
export interface Mutant {
  /** The patch's file name without `.patch`. */
  readonly name: string;
  /** The promise that it breaks, in words. */
  readonly promise: string;
  /** The test's file, from the top of the tree. */
  readonly test: string;
  /** Fits the test's own name, without those of the suites it is in. */
  readonly testName: RegExp;
  /** Tests of the file that have to run too, since the named one goes on from them. */
  readonly with: readonly RegExp[];
  /** Variables that narrow down what the file runs. */
  readonly env: Readonly<Record<string, string>>;
  readonly needs: Need;
  /** Absolute path of the patch. */
  readonly patch: string;
  /** What it changes, from the top of the tree. */
  readonly files: readonly string[];
}

/** All mutants of a folder, by name. @throws Error for a patch whose header does not say what has to be said */
export async function readMutants(folder: string): Promise<Mutant[]> {
  const patches: string[] = [];
  for await (const file of glob('*.patch', { cwd: folder })) patches.push(file);
  return Promise.all(
    patches.sort().map(async file => parse(join(folder, file), await readFile(join(folder, file), 'utf8'))),
  );
}

/** A patch: lines of `key: value` (`with` and `env` may be missing), then a unified diff. */
function parse(patch: string, text: string): Mutant {
  const wrong = (reason: string) => new Error(`${patch}: ${reason}`);
  const [head = '', ...diff] = text.split(/^(?=--- )/m);
  const header = new Map([...head.matchAll(/^([a-z]+): *(.+?) *$/gm)].map(([, key = '', value = '']) => [key, value]));
  const told = (key: string): string => {
    const value = header.get(key);
    if (value === undefined) throw wrong(`its header has no line "${key}: …"`);
    return value;
  };
  const need = needs.find(name => name === told('needs'));
  if (need === undefined) throw wrong(`needs: is one of ${needs.join(', ')}`);
  const files = diff.map(part => /^--- a\/(\S+)\n\+\+\+ b\/\1\n/.exec(part)?.[1] ?? '');
  if (
    files.length === 0 ||
    !files.every(file => /^(src|cloud|tools)\/.+\.ts$/.test(file) && !file.endsWith('.test.ts'))
  )
    throw wrong('it is no unified diff of files of src/, cloud/ or tools/, tests apart');
  return {
    name: basename(patch, '.patch'),
    promise: told('promise'),
    test: told('test'),
    testName: pattern(told('name')),
    with: header.has('with') ? [pattern(told('with'))] : [],
    env: Object.fromEntries(header.has('env') ? [variable(told('env'))] : []),
    needs: need,
    patch,
    files,
  };
}

function variable(text: string): [string, string] {
  const at = text.indexOf('=');
  return [text.slice(0, at), text.slice(at + 1)];
}

/** `/…/` is a regular expression, all else the exact name. */
function pattern(name: string): RegExp {
  const [, source] = /^\/(.+)\/$/.exec(name) ?? [];
  return new RegExp(source ?? `^${name.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')}$`);
}
