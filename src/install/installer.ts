import { dirname } from 'node:path';
import { asKuryrError, KuryrError } from '../errors/kuryr-error.ts';
import type { InstallIo } from './io.ts';
import { type Entry, layout } from './layout.ts';
import {
  credentialFile,
  localPlace,
  madeFile,
  packagePlace,
  programFolder,
  runFolders,
  stateFolder,
  units,
} from './place.ts';

export interface InstallParts {
  readonly io: InstallIo;
  readonly cpu: 'x64' | 'arm64';
  readonly isRoot: boolean;
  /** Folder with what was built: `kuryr.mjs`, koffi's native half, and manual pages below `man`. */
  readonly built: string;
  /** The program that runs this: Node, to be copied too. */
  readonly node: string;
  /** The credential to be written, and files that it names, by path; none where it stands there already. */
  readonly credential: readonly { readonly path: string; readonly text: string }[];
  /** Whether a daemon answers on the control socket. */
  readonly answers: () => Promise<boolean>;
  /** Only tell what would be done. */
  readonly dryRun: boolean;
  readonly say: (line: string) => void;
}

/** Where a file that is replaced waits for the end: it comes back when something fails. */
const former = (path: string) => `${path}.kuryr-former`;

/**
 * Puts Kuryr on the machine, or a new one in the place of an older: the sockets stay and connections wait in them while the
 * daemon is restarted, and so do containers, configuration and ledger. What fails is undone.
 * @throws INSTALL_NOT_ROOT, INSTALL_NO_SYSTEMD, INSTALL_PACKAGED, INSTALL_NO_CREDENTIAL, DAEMON_RUNNING, INSTALL_FAILED
 */
export async function install(parts: InstallParts): Promise<void> {
  const { io, say, dryRun } = parts;
  const isUpgrade = io.exists(`${programFolder(localPlace)}/kuryr.mjs`);
  assertFit(parts);
  // systemd would take the sockets away from one that was started by hand.
  if (!isUpgrade && (await parts.answers())) throw new KuryrError('DAEMON_RUNNING', { folder: stateFolder });
  const wanted = await entriesOf(parts);
  const changes: Change[] = [];
  for (const entry of wanted) {
    const change = await changeOf(parts, entry);
    if (change.what === 'write') say(`${io.exists(entry.path) ? 'replace' : 'make'} ${entry.path}`);
    if (change.what === 'keep') say(`keep ${entry.path}`);
    changes.push(change);
  }
  say(isUpgrade ? 'restart kuryr.service; its sockets stay' : `enable and start ${units.join(' and ')}`);
  if (dryRun) return;
  const undo: (() => Promise<void>)[] = [];
  const made = madeBy(io, wanted);
  undo.push(async () => {
    for (const folder of made) await io.removeEmpty(folder);
  });
  try {
    for (const change of changes) await carryOut(parts, change, undo);
    await systemctl(io, 'daemon-reload');
    if (!isUpgrade)
      undo.push(async () => {
        await io.run(['systemctl', 'disable', '--now', ...units.toReversed()]);
        for (const folder of runFolders) await removeHeld(io, folder);
      });
    await tellNetworkManagers(io);
    await systemctl(io, 'enable', ...units);
    await io.run(['systemctl', 'reset-failed', ...units]);
    await systemctl(io, 'start', 'kuryr.socket');
    await systemctl(io, 'restart', 'kuryr.service');
  } catch (thrown) {
    say('undo what was done');
    // What cannot be undone is no reason to leave the rest, nor to hide what went wrong first.
    for (const step of undo.toReversed()) await step().catch(error => say(`not undone: ${asKuryrError(error).text}`));
    await io.run(['systemctl', 'daemon-reload']);
    if (isUpgrade) await io.run(['systemctl', 'restart', 'kuryr.service']);
    throw thrown instanceof KuryrError
      ? thrown
      : new KuryrError(
          'INSTALL_FAILED',
          { step: 'write the files', reason: asKuryrError(thrown).text },
          { cause: thrown },
        );
  }
  for (const { entry } of changes) await io.remove(former(entry.path));
}

/** Folders that are missing, the deeper ones first. */
function madeBy(io: InstallIo, wanted: readonly Wanted[]): readonly string[] {
  const missing = new Set<string>();
  for (const { path } of wanted)
    for (let folder = dirname(path); folder !== '/' && !io.exists(folder); folder = dirname(folder))
      missing.add(folder);
  return [...missing].sort().reverse();
}

type Wanted = Exclude<Entry, { kind: 'built' }> | (Entry & { readonly kind: 'built'; readonly source: string });

interface Change {
  readonly entry: Wanted;
  /** `keep`: the user's own. `same`: as it stands. */
  readonly what: 'folder' | 'write' | 'same' | 'keep';
}

/** dpkg's note of a package that was removed and not purged: a later purge would take configuration, credential and ledger. */
const PURGED_LATER = '/var/lib/dpkg/info/kuryr.postrm';

function assertFit({ io, isRoot, dryRun, credential }: InstallParts): void {
  if (!isRoot && !dryRun) throw new KuryrError('INSTALL_NOT_ROOT');
  if (!io.exists('/run/systemd/system')) throw new KuryrError('INSTALL_NO_SYSTEMD');
  const packaged = `${programFolder(packagePlace)}/kuryr.mjs`;
  for (const file of [packaged, PURGED_LATER]) if (io.exists(file)) throw new KuryrError('INSTALL_PACKAGED', { file });
  if (credential.length === 0 && !io.exists(credentialFile))
    throw new KuryrError('INSTALL_NO_CREDENTIAL', { file: credentialFile });
}

async function entriesOf({ io, cpu, built, node, credential }: InstallParts): Promise<Wanted[]> {
  const manual = await io.list(`${built}/man`);
  const wanted: Wanted[] = [
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
  const before = (await io.read(madeFile(localPlace))) ?? '';
  const made = [...new Set([...before.split('\n'), ...madeBy(io, wanted)].filter(Boolean))].sort().reverse();
  const text = made.map(folder => `${folder}\n`).join('');
  return [...wanted, { kind: 'text', path: madeFile(localPlace), text, mode: 0o644, conffile: false }];
}

async function changeOf({ io }: InstallParts, entry: Wanted): Promise<Change> {
  if (entry.kind === 'folder') return { entry, what: 'folder' };
  if (entry.kind === 'built') return { entry, what: (await io.same(entry.source, entry.path)) ? 'same' : 'write' };
  const there = await io.read(entry.path);
  if (there === entry.text) return { entry, what: 'same' };
  return { entry, what: entry.conffile && there !== undefined ? 'keep' : 'write' };
}

async function carryOut({ io }: InstallParts, { entry, what }: Change, undo: (() => Promise<void>)[]): Promise<void> {
  const { path, mode } = entry;
  const isThere = io.exists(path);
  if (entry.kind === 'folder') {
    if (!isThere) undo.push(() => io.removeEmpty(path));
    await io.makeFolder(path, mode);
  }
  if (what !== 'write') return;
  const write = () => (entry.kind === 'built' ? io.copy(entry.source, path, mode) : writeText(io, entry));
  if (!isThere) {
    undo.push(() => io.remove(path));
    return write();
  }
  // A copy rather than a move: at no moment is there nothing under the name, for whoever starts it then.
  await io.copy(path, former(path), mode);
  undo.push(() => io.move(former(path), path));
  await write();
}

async function writeText(io: InstallIo, entry: Wanted): Promise<void> {
  if (entry.kind === 'text') await io.write(entry.path, entry.text, entry.mode);
}

async function systemctl(io: InstallIo, ...args: readonly string[]): Promise<void> {
  const { code, output } = await io.run(['systemctl', ...args]);
  if (code === 0) return;
  const step = `systemctl ${args.join(' ')}`;
  const log = args.includes('kuryr.service')
    ? await io.run(['journalctl', '-u', 'kuryr.service', '-n', '6', '-o', 'cat', '--no-pager'])
    : undefined;
  throw new KuryrError('INSTALL_FAILED', {
    step,
    reason: [output.trim(), log?.output.trim()].filter(Boolean).join('; '),
  });
}

/** Those that run read their files again, so that they leave the first container's link alone too. */
export async function tellNetworkManagers(io: InstallIo): Promise<void> {
  for (const [service, command] of [
    ['systemd-networkd.service', ['networkctl', 'reload']],
    ['NetworkManager.service', ['nmcli', 'general', 'reload', 'conf']],
  ] as const) {
    const { code } = await io.run(['systemctl', 'is-active', '--quiet', service]);
    if (code === 0) await io.run(command);
  }
}

/** A folder of which mounts keep namespaces of guards: where the daemon was killed, they are left. */
export async function removeHeld(io: InstallIo, folder: string): Promise<void> {
  const mounts = (await io.read('/proc/self/mounts')) ?? '';
  for (const [, at = ''] of mounts.matchAll(/^\S+ (\S+) /gm))
    if (at.startsWith(`${folder}/`)) await io.run(['umount', '-l', at]);
  await io.remove(folder);
}
