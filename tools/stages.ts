import { glob } from 'node:fs/promises';
import { join } from 'node:path';

const top = join(import.meta.dirname, '..');

/** One run of node's test runner: some files in one process, or one file. */
export interface Stage {
  readonly name: string;
  /** What it makes on this machine, as told before it starts. */
  readonly setsUp: string;
  readonly files: readonly string[];
  readonly needsRoot: boolean;
  /** How long one test may take, milliseconds. */
  readonly patience: number;
  readonly reporter: 'spec' | 'dot';
  /** Whether each file gets a process of its own, so that a namespace left by one does not reach the next. */
  readonly apart?: boolean;
}

export const groups = ['check', 'unit', 'netns', 'lab', 'all'] as const;
export type Group = (typeof groups)[number];

/** Suites that need neither guests nor root, by their folder below test/. */
const plain = ['wire', 'fuzz', 'mutants'];

/** The stages of a group, in order: what is quick and tells most comes first. */
export async function stagesOf(group: Group): Promise<Stage[]> {
  const stages = [...(await checks()), ...(await units()), ...(await namespaces()), ...(await suites())];
  return group === 'all' ? stages : stages.filter(({ name }) => name.split(' ')[0] === group);
}

async function checks(): Promise<Stage[]> {
  const files = await find('test/check/*.test.ts');
  const setsUp = 'nothing: types, linter and formatter, import directions, dead code, reference pages';
  return [{ name: 'check', setsUp, files, needsRoot: false, patience: 120_000, reporter: 'spec' }];
}

async function units(): Promise<Stage[]> {
  const files = await find('{src,cloud,guest,tools}/**/*.test.ts');
  const setsUp = 'temporary folders, removed afterwards';
  return [{ name: 'unit', setsUp, files, needsRoot: false, patience: 60_000, reporter: 'dot' }];
}

async function namespaces(): Promise<Stage[]> {
  const files = await find('test/netns/*.test.ts');
  const setsUp = 'network namespaces of its own with virtual interfaces in them, removed afterwards';
  return [{ name: 'netns', setsUp, files, needsRoot: true, patience: 1_800_000, reporter: 'spec', apart: true }];
}

/** Lab tests and then all other suites, each file in a process of its own, one after another. */
async function suites(): Promise<Stage[]> {
  const lab = await find('test/lab/**/*.test.ts');
  const others = (await find('test/*/**/*.test.ts')).filter(file => !/^test\/(check|netns|lab)\//.test(file));
  return [...lab, ...others].map(file => {
    const needsRoot = !plain.some(folder => file.startsWith(`test/${folder}/`));
    const setsUp = needsRoot
      ? 'a private Debian tree in the cache folder (kept), cloud and guests in namespaces of their own (removed)'
      : 'temporary folders, removed afterwards';
    return { name: `lab ${file}`, setsUp, files: [file], needsRoot, patience: 3_600_000, reporter: 'spec' };
  });
}

async function find(pattern: string): Promise<string[]> {
  const files: string[] = [];
  for await (const file of glob(pattern, { cwd: top })) files.push(file);
  return files.sort();
}
