import { join } from 'node:path';
import { defineCheck, type Say } from '../check.ts';
import { controlSocket, type DoctorContext } from '../context.ts';

export const daemonCheck = defineCheck({
  id: 'daemon',
  title: 'the daemon',
  states: {
    running: { state: 'ok', text: 'The daemon runs, version {version}.' },
    stopped: {
      state: 'skipped',
      text: 'No daemon answers at {socket}.',
      todo: 'Start it: kuryr run.',
    },
    forbidden: {
      state: 'skipped',
      text: 'The socket {socket} is not for this user.',
      todo: 'Run kuryr doctor as root.',
    },
    odd: {
      state: 'failure',
      text: 'Something answers at {socket}, but not as the daemon does ({why}).',
      todo: 'Use the kuryr command of the same version as the daemon, or see who serves the socket: ss -xlp.',
    },
  },
  async examine(on, say) {
    const daemon = await on.daemon();
    const socket = controlSocket(on.context.config);
    if (daemon.is === 'running') return say('running', { version: daemon.version });
    return say(daemon.is, { socket, why: daemon.why }, [daemon.why]);
  },
});

const folderStates = {
  writable: { state: 'ok', text: 'The folder {folder} can be written.' },
  missing: { state: 'ok', text: 'The folder {folder} does not exist yet; the daemon makes it.' },
  unwritable: {
    state: 'failure',
    text: 'The folder {folder} cannot be written, so the daemon cannot start.',
    todo: 'Run as root, and look at its file system: df {folder}, mount, ls -ld {folder}.',
  },
} as const;

export const stateFolderCheck = defineCheck({
  id: 'state-folder',
  title: 'the state folder',
  states: folderStates,
  examine: ({ context }, say) => tellFolder(context, context.config.stateDir, say),
});

export const runFolderCheck = defineCheck({
  id: 'run-folder',
  title: 'the run folder',
  states: folderStates,
  examine: ({ context }, say) => tellFolder(context, context.config.runDir, say),
});

async function tellFolder({ folder }: DoctorContext, path: string, say: Say<typeof folderStates>): Promise<void> {
  say(await folder(path), { folder: path });
}

export const lockCheck = defineCheck({
  id: 'lock',
  title: 'the lock',
  states: {
    held: { state: 'ok', text: 'The running daemon holds the lock {file}.' },
    free: { state: 'ok', text: 'Nobody holds the lock {file}.' },
    taken: {
      state: 'failure',
      text: 'Another process holds the lock {file}, but no daemon answers: a second one cannot start beside it.',
      todo: 'See who it is: fuser -v {file}. A daemon that hangs is ended by kill; its containers go on.',
    },
    unlocked: {
      state: 'failure',
      text: 'A daemon runs, but nobody holds the lock {file}: it serves from another state folder, and a second daemon could start beside it.',
      todo: 'Let daemon and doctor have the same configuration.',
    },
    none: { state: 'skipped', text: 'There is no lock yet: no daemon ran with this state folder.' },
  },
  async examine(on, say) {
    const { kernel, config } = on.context;
    const file = join(config.stateDir, 'lock');
    const isThere = (await on.context.listFolder(config.stateDir)).includes('lock');
    const isRunning = (await on.daemon()).is === 'running';
    if (!isThere) return isRunning ? say('unlocked', { file }) : say('none');
    const lock = kernel.lock(file);
    if (lock === undefined) return isRunning ? say('held', { file }) : say('taken', { file });
    lock[Symbol.dispose]();
    return isRunning ? say('unlocked', { file }) : say('free', { file });
  },
});
