import { KuryrError } from '../errors/kuryr-error.ts';
import type { InstallIo } from './io.ts';
import { layout } from './layout.ts';
import {
  configFolder,
  localPlace,
  madeFile,
  packagePlace,
  programFolder,
  recordFile,
  runFolders,
  stateFolder,
  units,
} from './place.ts';
import { closeRecord, leftovers, openRecord } from './record.ts';
import { removeHeld, tellNetworkManagers, unitStates } from './units.ts';

export interface UninstallParts {
  readonly io: InstallIo;
  readonly cpu: 'x64' | 'arm64';
  readonly isRoot: boolean;
  /** Configuration, credential and ledger go too. */
  readonly purge: boolean;
  /** Goes on although containers are attached, or nobody can say whether any are. */
  readonly force: boolean;
  /** How many containers are attached. @throws DAEMON_NOT_RUNNING and others where the daemon does not say */
  readonly attached: () => Promise<number>;
  /** Has the daemon give back what nobody has any more in the cloud; how much could not be. @throws what the daemon answers */
  readonly giveBack: () => Promise<number>;
  /** Has it take away what stands in the VM for containers, those that are left too. @throws what the daemon answers */
  readonly withdraw: () => Promise<void>;
  readonly say: (line: string) => void;
}

/**
 * Takes Kuryr off the machine again: everything but, unless purged, configuration, credential and ledger.
 * @throws INSTALL_NOT_ROOT, INSTALL_PACKAGED, INSTALL_MISSING, UNINSTALL_ATTACHED, UNINSTALL_NETWORKS, UNINSTALL_HELD, INSTALL_UNDER_WAY, DAEMON_NOT_RUNNING
 */
export async function uninstall(parts: UninstallParts): Promise<void> {
  const { io, cpu, purge, say } = parts;
  assertInstalled(parts);
  const killed = await openRecord(io);
  const service = (await unitStates(io))['kuryr.service'];
  // A first installation that was killed before its daemon came up has attached nothing, and nobody to ask.
  if (killed === undefined || killed.isUpgrade || service.since !== '0') await letGo(parts);
  say(`stop and disable ${units.toReversed().join(' and ')}`);
  // The service first: sockets that are left alone would start it again.
  for (const unit of units.toReversed()) await io.run(['systemctl', 'disable', '--now', unit]);
  for (const path of await leftovers(io, cpu)) await io.remove(path);
  const entries = layout(localPlace, cpu);
  const noted = ((await io.read(madeFile(localPlace))) ?? '').split('\n').filter(Boolean);
  // The program last: as long as it is there, one that was ended on its way can be gone on with.
  for (const folder of [...runFolders, ...(purge ? [configFolder, stateFolder] : [])]) {
    await removeHeld(io, folder);
    say(`remove ${folder}`);
  }
  for (const entry of entries.toReversed()) {
    if ([configFolder, stateFolder, programFolder(localPlace)].some(folder => entry.path.startsWith(folder))) continue;
    // No installation makes links: it is another's by now.
    if ((await io.target(entry.path)) !== undefined) continue;
    if (entry.kind === 'folder') await io.removeEmpty(entry.path);
    else await io.remove(entry.path);
    say(`remove ${entry.path}`);
  }
  for (const page of await io.list(`${localPlace.prefix}/share/man`))
    if (/^man\d\/kuryr[.-]/.test(page)) await io.remove(`${localPlace.prefix}/share/man/${page}`);
  await io.run(['systemctl', 'daemon-reload']);
  await io.run(['systemctl', 'reset-failed', ...units]);
  await tellNetworkManagers(io);
  await io.remove(programFolder(localPlace));
  say(`remove ${programFolder(localPlace)}`);
  await closeRecord(io);
  const made = new Set([...noted, ...(killed?.folders ?? [])]);
  for (const folder of [...made].sort().reverse()) await io.removeEmpty(folder);
  if (!purge) say(`${configFolder} and ${stateFolder} are left: --purge removes them too`);
}

function assertInstalled({ io, isRoot }: UninstallParts): void {
  if (!isRoot) throw new KuryrError('INSTALL_NOT_ROOT');
  const packaged = `${programFolder(packagePlace)}/kuryr.mjs`;
  if (io.exists(packaged)) throw new KuryrError('INSTALL_PACKAGED', { file: packaged });
  const program = programFolder(localPlace);
  if (!io.exists(program) && !io.exists(recordFile)) throw new KuryrError('INSTALL_MISSING', { folder: program });
}

/** @throws what says that something is attached or held still, unless forced */
async function letGo(parts: UninstallParts): Promise<void> {
  const { force, say } = parts;
  await assertUnused(parts);
  say('give back what is held in cloud and kernel');
  const giveBack = async () => {
    const count = await parts.giveBack();
    if (count > 0) throw new KuryrError('UNINSTALL_HELD', { count });
  };
  for (const step of [giveBack, parts.withdraw])
    await step().catch((error: unknown) => {
      if (!force) throw error;
    });
}

async function assertUnused({ io, force, attached }: UninstallParts): Promise<void> {
  if (force) return;
  const count = await attached();
  if (count > 0) throw new KuryrError('UNINSTALL_ATTACHED', { count });
  // Docker asks the plug-in before it removes one of its networks: later that would fail.
  const { code, output } = await io.run([
    'docker',
    'network',
    'ls',
    '--filter',
    'driver=kuryr',
    '--format',
    '{{.Name}}',
  ]);
  const networks = code === 0 ? output.split('\n').filter(Boolean) : [];
  if (networks.length > 0) throw new KuryrError('UNINSTALL_NETWORKS', { networks });
}
