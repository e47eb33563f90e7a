import { command } from '../../guest/command.ts';
import { debianRoot } from '../../guest/root.ts';
import type { Say } from '../../guest/say.ts';

/** Programs that judge packages and manual pages, and what counts as there on every Debian. */
const names = [
  ...['init-system-helpers', 'lintian', 'man-db', 'mandoc'],
  ...['base-files', 'bash', 'coreutils', 'dash', 'debianutils', 'diffutils', 'dpkg', 'findutils', 'grep', 'gzip'],
  ...['hostname', 'libc-bin', 'mawk', 'mount', 'perl', 'sed', 'util-linux', 'xz-utils'],
];

/** What set-ups of packages would do, and a place for what is judged. Neither the machine's files nor its /proc are touched. */
const enter = `mount --rbind /dev "$0/dev"
mount -t proc proc "$0/proc"
mount --bind "$1" "$0/mnt"
ln -sfn debian "$0/etc/dpkg/origins/default"
shift
exec chroot "$0" sh -ec "$@"`;

/** A private Debian in which shell scripts run as root. */
export class Debian {
  readonly #root: string;

  private constructor(root: string) {
    this.#root = root;
  }

  /** Fetched once: 60 MB, 280 MB on disk. */
  static async open(say: Say): Promise<Debian> {
    return new Debian(await debianRoot('lintian', names, say));
  }

  /** Runs a script with the folder as /mnt and gives what it printed. @throws Error unless it ends with 0 */
  run(folder: string, script: string, ...args: readonly string[]): Promise<string> {
    return command(
      [
        ...['unshare', '--mount', '--pid', '--fork', '--kill-child'],
        ...['sh', '-ec', enter, this.#root, folder, script, 'sh', ...args],
      ],
      { env: { LC_ALL: 'C.UTF-8', PATH: '/usr/sbin:/usr/bin:/sbin:/bin', MANROFFSEQ: '' } },
    );
  }
}
