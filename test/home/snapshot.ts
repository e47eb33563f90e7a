import { existsSync, lstatSync } from 'node:fs';
import { join } from 'node:path';
import type { Vm } from '../lab/vm.ts';

/** What of a VM an installation can touch: lines of text under the name of what they tell of. */
export type Snapshot = ReadonlyMap<string, ReadonlySet<string>>;

/**
 * What others change all the time on the disk: their logs, caches and journals, and apt's and dpkg's own lists, which tell that a
 * package was there. dpkg's status is asked for by a command.
 */
const notOurs = [
  'var/log',
  'var/cache',
  'var/lib/(apt|dpkg)',
  'var/lib/systemd/(timers|random-seed|catalog|coredump)',
  'var/lib/containerd',
  'var/lib/docker',
  'root',
  'tmp',
  'var/tmp',
];

/** The same in /run: what runs writes there, and what the lab itself does. */
const running = [
  'init',
  'udev',
  'systemd',
  'docker',
  'containerd',
  'log',
  'credentials',
  'utmp',
  'user',
  'lock/subsys',
];

/** Counters, what the kernel made of its free memory, and what modules bring that stay in it. */
const notOurSysctls = ['random', 'ns_last_pid', 'pty.nr', '_mem ', 'nf_conntrack'];

// The disk's upper layer holds all that was ever written to the root, and nothing of the tree below it.
const questions: Readonly<Record<string, string>> = {
  files: `set -e; mkdir -p /run/init/disk; mount /dev/ubda /run/init/disk; cd /run/init/disk/upper
    find . -mindepth 1 -regextype posix-extended -regex '\\./(${notOurs.join('|')})(/.*)?' -prune -o -type d -printf 'folder %P %m %u\\n' \
      -o -type l -printf 'link %P %l\\n' -o -type f -printf 'file %P %m %u ' -exec sha256sum -- {} ';' -o -printf '%y %P\\n' | sed 's/  .*//'
    cd /; umount /run/init/disk`,
  'files of /run': `cd /run; find . -mindepth 1 -regextype posix-extended -regex '\\./(${running.join('|')})(/.*)?' -prune -o -printf '%y %P %m\\n'`,
  packages: 'dpkg-query -W',
  units:
    'systemctl list-unit-files --no-legend --plain | tr -s " "; systemctl list-units --all --no-legend --plain "ku*" "ky*"',
  failed: 'systemctl --failed --no-legend --plain',
  processes: "ps -eo args= | grep -v '^[[(]' | cut -d' ' -f1",
  links:
    'cd /sys/class/net; for i in *; do ip -o link show dev $i | cut -d: -f2- | sed "/docker0/s/ether [^ ]*//"; cat $i/flags; done',
  addresses: "ip -o address | sed -E 's/^[0-9]+: //; s/valid_lft.*//'",
  rules: 'ip rule; ip -6 rule',
  routes: 'ip route show table all; ip -6 route show table all',
  neighbours:
    'ip neigh show nud permanent; ip -6 neigh show nud permanent; ip neigh show proxy; ip -6 neigh show proxy',
  filters:
    'cd /sys/class/net; for i in *; do tc qdisc show dev $i; for at in ingress egress root; do tc filter show dev $i $at 2>&1 | sed "s/^/$i $at /"; done; done',
  firewall: 'for save in iptables-save ip6tables-save; do $save 2>&1 | sed -E "s/\\[[0-9:]+\\]//; /^#/d"; done',
  namespaces: 'ip netns list; lsns -t net -n -o NSFS,COMMAND',
  // before the mounts: to read them is to have one mounted
  sysctls: `sysctl -a 2>/dev/null | grep -E '^(net|kernel)\\.' | grep -vE '${notOurSysctls.join('|')}'`,
  mounts: "cut -d' ' -f5,9- /proc/self/mountinfo | grep -v ^/run/credentials/ | sed s/,uuid=on//",
};

/** @param tree the folder of the VM's tree on this machine: folders that it has too are no change */
export async function snapshot(vm: Vm, tree: string): Promise<Snapshot> {
  const taken = new Map<string, ReadonlySet<string>>();
  for (const [name, question] of Object.entries(questions)) {
    const lines = (await vm.ok(question, 60)).split('\n').filter(line => line !== '');
    taken.set(name, new Set(name === 'files' ? lines.filter(line => !isFolderOf(tree, line)) : lines));
  }
  return taken;
}

// A folder is copied up with the first file that is written in it, and stays.
function isFolderOf(tree: string, line: string): boolean {
  const [kind, path = ''] = line.split(' ');
  const below = join(tree, path);
  return kind === 'folder' && existsSync(below) && lstatSync(below).isDirectory();
}

/** What one has and the other has not, a line each. */
export function differences(before: Snapshot, after: Snapshot): string[] {
  return [...before].flatMap(([name, lines]) => {
    const now = after.get(name) ?? new Set();
    const gone = [...lines].filter(line => !now.has(line)).map(line => `${name}: gone: ${line}`);
    const come = [...now].filter(line => !lines.has(line)).map(line => `${name}: new: ${line}`);
    return [...gone, ...come];
  });
}
