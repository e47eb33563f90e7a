import { KuryrError } from '../errors/kuryr-error.ts';
import { caFile } from './credential.ts';
import { draft, type InstallIo } from './io.ts';
import { layout } from './layout.ts';
import { configFolder, credentialFile, localPlace, madeFile, recordFile, unitFile, units } from './place.ts';
import { removeHeld, runWell, type UnitState } from './units.ts';

/**
 * What an installation is about to do, written down before it is done: it can be taken back, also where it was killed. Of
 * configuration and credential nothing is written down: they may be other ones by then, so only the process itself takes them back.
 */
export interface InstallRecord {
  readonly isUpgrade: boolean;
  /** Who does it: a process id and when that process began, as its /proc/PID/stat has them. */
  readonly by: string;
  /** Files that were not there. */
  readonly made: readonly string[];
  /** Files of which the former stays beside them until the end. */
  readonly replaced: readonly string[];
  /** Folders that were not there, the deeper ones first. */
  readonly folders: readonly string[];
  /** Those of them that the daemon has its namespaces in. */
  readonly runFolders: readonly string[];
  /** There once all files stand: when the service had last come up, as its unit has it. */
  readonly since?: string;
}

/** The name by which what is replaced stays. */
export const former = (path: string): string => `${path}.kuryr-former`;

export async function writeRecord(io: InstallIo, record: InstallRecord): Promise<void> {
  const lasting = (paths: readonly string[]) => paths.filter(path => !path.startsWith(`${configFolder}/`));
  const { made, replaced } = record;
  await io.write(recordFile, JSON.stringify({ ...record, made: lasting(made), replaced: lasting(replaced) }), 0o644);
}

/** From now on it counts. */
export async function closeRecord(io: InstallIo): Promise<void> {
  await io.remove(recordFile);
}

/** What one that did not come to its end wrote down; undefined where none is there. @throws INSTALL_UNDER_WAY */
export async function openRecord(io: InstallIo): Promise<InstallRecord | undefined> {
  const text = await io.read(recordFile);
  if (text === undefined) return undefined;
  const record = parse(text);
  const [pid = ''] = record.by.split(' ');
  if (record.by !== '' && (await processOf(io, pid)) === record.by) throw new KuryrError('INSTALL_UNDER_WAY', { pid });
  return record;
}

/** Whether the service came up with the files that stand: then it counts, though its end was not seen. */
export function isDone({ since }: InstallRecord, service: UnitState): boolean {
  return since !== undefined && service.since !== '0' && service.since !== since;
}

/** Of one whose text never came to the disk nothing is known, but that it was there. */
function parse(text: string): InstallRecord {
  try {
    return JSON.parse(text) as InstallRecord;
  } catch {
    return { isUpgrade: false, by: '', made: [], replaced: [], folders: [], runFolders: [] };
  }
}

/** @param pid or `self`. Empty where there is no such process, or only its exit code waits for somebody */
export async function processOf(io: InstallIo, pid: string): Promise<string> {
  const stat = (await io.read(`/proc/${pid}/stat`)) ?? '';
  // Behind the name, which may have blanks and brackets: the 3rd field, the state, and those after it; the 22nd is the start.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const start = fields[19];
  return start === undefined || fields[0] === 'Z' ? '' : `${stat.slice(0, stat.indexOf(' '))} ${start}`;
}

type Step = () => Promise<unknown>;

/** Does them all: one that fails is no reason to leave the rest. Gives what failed, which is told too. */
export async function attempt(say: (line: string) => void, steps: readonly Step[]): Promise<readonly string[]> {
  const failed: string[] = [];
  for (const step of steps)
    await step().catch((error: unknown) => failed.push(error instanceof Error ? error.message : String(error)));
  for (const each of failed) say(`could not: ${each}`);
  return failed;
}

/**
 * Makes it as it was. The record and what could not be put back stay where something failed, so that the next goes on with it.
 * @returns what failed
 */
export async function takeBack(
  io: InstallIo,
  { since: _, ...record }: InstallRecord,
  say: (line: string) => void,
): Promise<readonly string[]> {
  const there = record.isUpgrade ? [] : units.toReversed().filter(unit => io.exists(unitFile(unit)));
  const failed = await attempt(say, [
    ...(there.length === 0 ? [] : [() => runWell(io, ['systemctl', 'disable', '--now', ...there])]),
    ...record.runFolders.map(folder => () => removeHeld(io, folder)),
    ...putBack(io, record),
    ...record.made.map(path => () => io.remove(path)),
    ...[...record.made, ...record.replaced].map(path => () => io.remove(draft(path))),
  ]);
  const last: Step = () => (failed.length === 0 ? closeRecord(io) : writeRecord(io, record));
  return [...failed, ...(await attempt(say, [last, ...record.folders.map(folder => () => io.removeEmpty(folder))]))];
}

/** What was replaced is there again. */
export function putBack(io: InstallIo, { replaced }: InstallRecord): readonly Step[] {
  return replaced.filter(path => io.exists(former(path))).map(path => () => io.move(former(path), path));
}

/** Drafts, and what was replaced, of installations that are over, however they ended. */
export async function leftovers(io: InstallIo, cpu: 'x64' | 'arm64'): Promise<readonly string[]> {
  const own = [
    ...layout(localPlace, cpu).map(({ path }) => path),
    ...[credentialFile, caFile, madeFile(localPlace), recordFile],
  ];
  const manual = `${localPlace.prefix}/share/man`;
  const pages = (await io.list(manual)).filter(page => /^man\d\/kuryr[.-].*\.kuryr-(new|former)$/.test(page));
  return [
    ...own.flatMap(path => [draft(path), former(path)]).filter(path => io.exists(path)),
    ...pages.map(page => `${manual}/${page}`),
  ];
}
