/**
 * A jail: a PID, mount and UTS namespace whose root is the private Debian tree under a RAM overlay. The tree is
 * never written, nothing is mounted where the host can see it, and when the process that opened the jail ends,
 * however it ends, its end of a pipe closes, the jail's first process ends, and the kernel ends all the others.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { Place } from './place.ts';
import { Hopeless, run, until } from './run.ts';

/**
 * $1 folder, $2 tree, $3 lock file, $4 prefix of network namespaces. Holds the lock for as long as anything is left,
 * sweeps away what an earlier lab left behind, and sweeps again at the end.
 */
const KEEPER = `
dir=$1 tree=$2 prefix=$4
# the lock's file goes away with the lab, so the one that was locked may not be the one that others see
while mkdir -p "\${3%/*}" && exec 9>>"$3"; do
  flock --nonblock 9 || { echo busy; exit 0; }
  [ "$3" -ef /proc/self/fd/9 ] && break
done
sweep() {
  pid=$(cat "$dir/jail.pid" 2>/dev/null) && tr '\\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -q "kuryr-jail $dir " && kill -KILL "$pid"
  for name in $(ls /run/netns 2>/dev/null | grep "^$prefix"); do ip netns del "$name"; done
  rm -rf --one-file-system "$dir"
}
sweep 2>/dev/null
mkdir -p "$dir/jail" "$dir/log" "$dir/etc"
chmod 755 "$dir"
unshare --mount --pid --uts --ipc --fork --kill-child -- sh -euc "$JAIL" kuryr-jail "$dir" "$tree" 9>&-
sweep
rm -f "$3"
rmdir --ignore-fail-on-non-empty "\${3%/*}"
`;

const JAIL = `
dir=$1 tree=$2
read -r pid rest </proc/self/stat
mount -t tmpfs -o mode=755 kuryr-lab "$dir/jail"
cd "$dir/jail"
mkdir upper work root tree
mount --bind "$tree" tree
mount -t overlay -o lowerdir=tree,upperdir=upper,workdir=work kuryr-lab root
mount -t proc proc root/proc
mount -t sysfs sysfs root/sys
mount --rbind /dev root/dev
mount -t tmpfs -o mode=755 tmpfs root/run
mount -t tmpfs -o mode=1777 tmpfs root/tmp
mkdir -p "root$dir" root/.host
mount --bind "$dir" "root$dir"
echo kuryr-lab >/proc/sys/kernel/hostname
printf '127.0.0.1 localhost kuryr-lab\\n' >root/etc/hosts
cd root
pivot_root . .host
umount -l /.host
cd /
echo "$pid" >"$dir/jail.pid"
echo "ready $pid"
trap '' INT TERM HUP
while read -r line; do :; done
`;

/** How a command runs in the jail. */
export interface Inside {
  /** Name of a network namespace to run in; the host's own without. */
  netns?: string;
  /** A user of the tree; root without. */
  user?: string;
  env?: Record<string, string>;
  /** A mount namespace of its own whose /sys shows its network namespace, as `ip netns exec` gives. */
  ownSys?: boolean;
}

/** A server in the jail. */
export interface Service {
  readonly name: string;
  /** Throws with the end of the log when the server has ended by itself. */
  check(): void;
  /** Waits until an answer is there (see until()), and no longer than the server lives. */
  answers<T>(ask: () => Promise<T | undefined | false> | T | undefined | false): Promise<T>;
  /** Sends a signal and waits for the end. */
  stop(signal?: 'TERM' | 'INT' | 'KILL'): Promise<void>;
}

export class Jail {
  readonly #place: Place;
  readonly #keeper: ChildProcess;
  readonly #pid: string;
  readonly #signal: AbortSignal;
  #closing = false;

  private constructor(place: Place, keeper: ChildProcess, pid: string, signal: AbortSignal) {
    this.#place = place;
    this.#keeper = keeper;
    this.#pid = pid;
    this.#signal = signal;
    signal.addEventListener('abort', () => void this.close(), { once: true });
  }

  /** Opens a jail at a place; undefined when another living lab holds that place. */
  static async open(place: Place, tree: string, signal: AbortSignal): Promise<Jail | undefined> {
    const keeper = spawn('/bin/sh', ['-uc', KEEPER, 'keeper', place.dir, tree, place.lock, place.prefix], {
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', JAIL },
    });
    let errors = '';
    keeper.stderr?.on('data', chunk => {
      errors += chunk;
    });
    for await (const line of createInterface({ input: keeper.stdout as NodeJS.ReadableStream, signal })) {
      if (line === 'busy') return undefined;
      const pid = /^ready (\d+)$/.exec(line)?.[1];
      if (pid === undefined) continue;
      // a process that forgets to close the jail shall end all the same, and the jail with it
      keeper.unref();
      for (const pipe of keeper.stdio) (pipe as Socket | null)?.unref();
      return new Jail(place, keeper, pid, signal);
    }
    signal.throwIfAborted();
    throw new Error(`the lab's jail did not open: ${errors.trim()}`);
  }

  #argv(argv: readonly string[], { netns, user, env, ownSys }: Inside, pidFile?: string): string[] {
    return [
      ...['--target', this.#pid, '--mount', '--pid', '--uts', '--ipc'],
      ...(netns === undefined ? [] : [`--net=/run/netns/${netns}`]),
      ...['--', '/usr/bin/env', '-i', `PATH=${this.#place.dir}/shim:/usr/sbin:/usr/bin:/sbin:/bin`, 'HOME=/root'],
      ...[
        'LANG=C.UTF-8',
        'PYTHONWARNINGS=ignore',
        ...Object.entries(env ?? {}).map(([key, value]) => `${key}=${value}`),
      ],
      ...(ownSys ? ['unshare', '--mount', 'sh', '-c', 'mount -t sysfs sysfs /sys && exec "$0" "$@"'] : []),
      ...(pidFile === undefined ? [] : ['sh', '-c', `echo $$ >${pidFile} && exec "$0" "$@"`]),
      ...(user === undefined ? [] : ['setpriv', `--reuid=${user}`, `--regid=${user}`, '--clear-groups']),
      ...argv,
    ];
  }

  /** Runs a command of the tree to its end and returns what it printed. */
  run(argv: readonly string[], inside: Inside = {}, signal = this.#signal): Promise<string> {
    return run('nsenter', this.#argv(argv, inside), signal);
  }

  /** Starts a server; its output goes to log/NAME.log in the lab's folder. */
  serve(name: string, argv: readonly string[], inside: Inside = {}): Service {
    const { dir } = this.#place;
    const log = `${dir}/log/${name}.log`;
    const out = openSync(log, 'a');
    const child = spawn('nsenter', this.#argv(argv, inside, `${dir}/log/${name}.pid`), {
      detached: true,
      stdio: ['ignore', out, out],
    });
    closeSync(out);
    child.unref();
    const ended = once(child, 'exit');
    let stopping = false;
    const check = (): void => {
      if (child.exitCode === null || stopping || this.#closing) return;
      throw new Hopeless(`${name} has ended (${child.exitCode}): ${readFileSync(log, 'utf8').slice(-3000)}`);
    };
    return {
      name,
      check,
      answers: ask => {
        const asking = () => {
          check();
          return ask();
        };
        return until(name, asking, this.#signal);
      },
      stop: async (how = 'TERM') => {
        stopping = true;
        if (child.exitCode !== null || child.signalCode !== null) return;
        const pid = readFileSync(`${dir}/log/${name}.pid`, 'utf8').trim();
        child.ref();
        await this.run(['kill', `-${how}`, pid]);
        await ended;
      },
    };
  }

  /** Ends everything in the jail, removes namespaces and folder. */
  async close(): Promise<void> {
    this.#closing = true;
    if (this.#keeper.exitCode !== null) return;
    this.#keeper.ref();
    const ended = once(this.#keeper, 'exit');
    this.#keeper.stdin?.end();
    await ended;
  }
}
