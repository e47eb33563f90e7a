import { asKuryrError, KuryrError } from '../errors/kuryr-error.ts';
import { type Change, carryOut, changesOf, type Sources } from './changes.ts';
import type { InstallIo } from './io.ts';
import { credentialFile, localPlace, packagePlace, programFolder, runFolders, sealedFile, units } from './place.ts';
import {
  attempt,
  closeRecord,
  former,
  type InstallRecord,
  isDone,
  leftovers,
  openRecord,
  processOf,
  putBack,
  takeBack,
  writeRecord,
} from './record.ts';
import { socketPaths } from './unit-texts.ts';
import { bringBack, bringUp, runWell, tellNetworkManagers, type UnitStates, unitStates } from './units.ts';

export interface InstallParts extends Sources {
  readonly isRoot: boolean;
  /** Only tell what would be done. */
  readonly dryRun: boolean;
  readonly say: (line: string) => void;
}

/**
 * Puts Kuryr on the machine, or a new one in the place of an older: the sockets stay and connections wait in them while the
 * daemon is restarted, and so do containers, configuration and ledger. Units that were stopped or disabled stay so. What fails
 * is undone; one that was killed is undone, or gone on with, by the next.
 * @returns the units that are not up: those that stay stopped, or that have no credential
 * @throws INSTALL_NOT_ROOT, INSTALL_NO_SYSTEMD, INSTALL_PACKAGED, INSTALL_NO_CREDENTIAL, INSTALL_UNDER_WAY, INSTALL_LINK, SOCKET_TAKEN, INSTALL_FAILED, INSTALL_NOT_UNDONE
 */
export async function install(parts: InstallParts): Promise<readonly string[]> {
  const { io, say, dryRun } = parts;
  assertFit(parts);
  const before = await unitStates(io);
  const killed = await openKilled(parts, before);
  const isUpgrade = killed?.isUpgrade ?? io.exists(`${programFolder(localPlace)}/kuryr.mjs`);
  const hasCredential = [credentialFile, sealedFile].some(path => io.exists(path));
  // An upgrade leaves it to the units, which may have it elsewhere.
  if (!isUpgrade && parts.credential.length === 0 && !hasCredential)
    throw new KuryrError('INSTALL_NO_CREDENTIAL', { file: credentialFile });
  const done = await clearUp(parts, killed);
  const started = units.filter(unit => !isUpgrade || !before[unit].isStopped);
  // systemd would take the sockets away from a daemon that was started by hand.
  if (parts.isRoot && started.length > 0 && !before['kuryr.socket'].isUp) await assertNobodyListens(io);
  const { changes, folders } = await changesOf(parts, done.folders);
  for (const change of changes) await assertNoLink(io, change);
  const paths = (what: Change['what']) => changes.filter(each => each.what === what).map(({ entry }) => entry.path);
  for (const { entry, what } of changes)
    if (what === 'make' || what === 'replace' || what === 'keep') say(`${what} ${entry.path}`);
  const stopped = units.filter(unit => !started.includes(unit));
  if (!isUpgrade) say(`enable and start ${units.join(' and ')}`);
  else if (started.includes('kuryr.service')) say('restart kuryr.service; its sockets stay');
  if (stopped.length > 0) say(`leave ${stopped.join(' and ')} stopped`);
  if (dryRun) return stopped;
  const record: InstallRecord = {
    ...{ isUpgrade, by: await processOf(io, 'self'), folders, replaced: paths('replace') },
    made: [...done.made, ...paths('make')],
    runFolders: isUpgrade ? [] : [...done.runFolders, ...runFolders.filter(folder => !io.exists(folder))],
  };
  try {
    await writeRecord(io, record);
    for (const change of changes) await carryOut(io, change);
    await writeRecord(io, { ...record, since: before['kuryr.service'].since });
    await bringUp(io, isUpgrade, started);
    await closeRecord(io);
  } catch (thrown) {
    say('undo what was done');
    const back = isUpgrade ? started.toReversed().map(unit => () => bringBack(io, before, unit)) : [];
    const left = [
      ...(await takeBack(io, record, say)),
      ...(await attempt(say, [() => runWell(io, ['systemctl', 'daemon-reload']), ...back])),
    ];
    await tellNetworkManagers(io);
    const error = thrown instanceof KuryrError ? thrown : failed('write the files', thrown);
    if (left.length === 0) throw error;
    const reason = `${error.details['step']}: ${error.details['reason']}`;
    throw new KuryrError('INSTALL_NOT_UNDONE', { reason, left }, { cause: thrown });
  }
  for (const path of record.replaced) await io.remove(former(path));
  const after = await unitStates(io);
  return units.filter(unit => !after[unit].isUp);
}

const failed = (step: string, cause: unknown) =>
  new KuryrError('INSTALL_FAILED', { step, reason: asKuryrError(cause).text }, { cause });

/** One whose end is yet to come; a record that was left of one that serves is removed. */
async function openKilled({ io, dryRun }: InstallParts, units: UnitStates): Promise<InstallRecord | undefined> {
  const found = await openRecord(io);
  if (found === undefined || !isDone(found, units['kuryr.service'])) return found;
  if (!dryRun) await closeRecord(io);
  return undefined;
}

/**
 * Puts the former version back where an upgrade was killed, which may have left half of each; what a first installation did
 * that was killed stays, since this may be run from there. Drafts are removed. A trial only tells.
 * @returns what is to be taken back where this fails too
 */
async function clearUp({ io, cpu, say, dryRun }: InstallParts, killed: InstallRecord | undefined): Promise<Done> {
  if (killed !== undefined) say(`${killed.isUpgrade ? 'undo' : 'go on with'} what was ended on its way`);
  if (killed !== undefined && !dryRun) {
    const left = await (killed.isUpgrade ? takeBack(io, killed, say) : attempt(say, putBack(io, killed)));
    if (left.length > 0) throw new KuryrError('INSTALL_NOT_UNDONE', { reason: 'it was ended on its way', left });
  }
  for (const path of await leftovers(io, cpu)) {
    say(`remove ${path}`);
    if (!dryRun) await io.remove(path);
  }
  return killed === undefined || killed.isUpgrade ? { made: [], folders: [], runFolders: [] } : killed;
}

type Done = Pick<InstallRecord, 'made' | 'folders' | 'runFolders'>;

/** dpkg's note of a package that was removed and not purged: a later purge would take configuration, credential and ledger. */
const PURGED_LATER = '/var/lib/dpkg/info/kuryr.postrm';

function assertFit({ io, isRoot, dryRun }: InstallParts): void {
  if (!isRoot && !dryRun) throw new KuryrError('INSTALL_NOT_ROOT');
  if (!io.exists('/run/systemd/system')) throw new KuryrError('INSTALL_NO_SYSTEMD');
  const packaged = `${programFolder(packagePlace)}/kuryr.mjs`;
  for (const file of [packaged, PURGED_LATER]) if (io.exists(file)) throw new KuryrError('INSTALL_PACKAGED', { file });
}

async function assertNobodyListens(io: InstallIo): Promise<void> {
  for (const path of socketPaths) {
    const isTaken = await io.listens(path).catch((error: unknown) => {
      throw failed(`look who listens at ${path}`, error);
    });
    if (isTaken) throw new KuryrError('SOCKET_TAKEN', { path });
  }
}

/** What is somewhere else is another's: npm's, or a unit that was masked. The user's own files may be links. */
async function assertNoLink(io: InstallIo, { entry: { path }, what }: Change): Promise<void> {
  if (what !== 'make' && what !== 'replace') return;
  const target = await io.target(path);
  if (target !== undefined) throw new KuryrError('INSTALL_LINK', { path, target });
}
