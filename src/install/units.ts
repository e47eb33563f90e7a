import { KuryrError } from '../errors/kuryr-error.ts';
import type { InstallIo } from './io.ts';
import { units } from './place.ts';

/** How a unit stands. */
export interface UnitState {
  readonly isUp: boolean;
  /** By who administers the machine, rather than by a failure, or by a condition that was not met, as without a credential. */
  readonly isStopped: boolean;
  /** When it last came up, microseconds of this boot; `0` for not yet. */
  readonly since: string;
}

type Unit = (typeof units)[number];
export type UnitStates = Readonly<Record<Unit, UnitState>>;

export async function unitStates(io: InstallIo): Promise<UnitStates> {
  const [socket, service] = units;
  return { [socket]: await stateOf(io, socket), [service]: await stateOf(io, service) } as UnitStates;
}

async function stateOf(io: InstallIo, unit: Unit): Promise<UnitState> {
  const names = ['ActiveState', 'ConditionResult', 'ConditionTimestampMonotonic', 'ActiveEnterTimestampMonotonic'];
  const { output } = await io.run(['systemctl', 'show', `--property=${names.join(',')}`, unit]);
  const [active, condition, asked, since = '0'] = names.map(
    name => new RegExp(`^${name}=(.*)$`, 'm').exec(output)?.[1],
  );
  const isUnmet = condition === 'no' && asked !== '0';
  return { isUp: active !== 'inactive' && active !== 'failed', isStopped: active === 'inactive' && !isUnmet, since };
}

/** Enables both where they are new, and starts those that are not stopped: the service anew, while its sockets stay. @throws INSTALL_FAILED */
export async function bringUp(io: InstallIo, isUpgrade: boolean, started: readonly Unit[]): Promise<void> {
  await systemctl(io, 'daemon-reload');
  await tellNetworkManagers(io);
  if (!isUpgrade) await systemctl(io, 'enable', ...units);
  if (started.length === 0) return;
  await io.run(['systemctl', 'reset-failed', ...started]);
  for (const unit of started) await systemctl(io, unit.endsWith('.socket') ? 'start' : 'restart', unit);
}

/** After an upgrade was undone: what was up is started with the former program, what was not is stopped. */
export async function bringBack(io: InstallIo, before: UnitStates, unit: Unit): Promise<void> {
  if (!before[unit].isUp) await runWell(io, ['systemctl', 'stop', unit]);
  else if (unit.endsWith('.service')) await runWell(io, ['systemctl', 'restart', unit]);
}

/** @throws Error with what the command says where it fails */
export async function runWell(io: InstallIo, command: readonly string[]): Promise<void> {
  const { code, output } = await io.run(command);
  if (code !== 0) throw new Error(`${command.join(' ')}: ${output.trim()}`);
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
    if (at.startsWith(`${folder}/`)) await runWell(io, ['umount', '-l', at]);
  await io.remove(folder);
}
