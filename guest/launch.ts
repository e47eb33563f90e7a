import type { GuestOptions } from './options.ts';

/** The guest's disk is handed over as this descriptor: its file has no name any more, so it can't be left behind. */
const diskFd = 4;
/** The socket to the guest's serial line. */
export const lineFd = 3;

// Gives User-Mode Linux a file system that holds the tree, its kernel and what it is to see, and nothing else of the
// host: a guest's root can mount whatever its process can see. It ends with the mount namespace.
const confine = `set -e
work=$1 tree=$2 kernel=$3 modules=$4 libc=$5 modest=$6 count=$7; shift 7
# kernel and processes of a guest hand over to each other all the time: on a loaded machine, without this, each turn would
# wait for a time slice of others (docker run, measured on 2 CPUs with a load of 10: 27 s, with this 6 s)
[ $modest = true ] || chrt --rr --pid 1 $$ 2>/dev/null || true
# in a user namespace a mount can become stricter, never laxer than the one it was made of
ro=ro,nosuid,nodev
root=$work/root
mount -t tmpfs -o mode=755 tmpfs "$root"
cd "$root"
mkdir tree libc proc dev modules m old tmp
ln -s libc/usr usr; ln -s usr/lib lib; ln -s usr/lib64 lib64
mount --bind "$libc" libc; mount -o remount,bind,$ro libc
mount --bind "$tree" tree; mount -o remount,bind,$ro tree
mount --bind "$work/boot" tree/mnt; mount -o remount,bind,$ro tree/mnt
: >linux; mount --bind "$kernel" linux
mount --bind "$modules" modules; mount -o remount,bind,$ro modules
mount -t tmpfs tmpfs dev; mkdir dev/net dev/shm; mount -t tmpfs -o mode=1777,size=100% tmpfs dev/shm
for name in null zero random urandom net/tun; do [ -e /dev/$name ] || continue; : >dev/$name; mount --bind /dev/$name dev/$name; done
n=0
while [ $n -lt $count ]; do
  mkdir m/$n; mount --bind "$1" m/$n; [ "$2" = rw ] || mount -o remount,bind,$ro m/$n
  shift 2; n=$((n+1))
done
mount -t proc proc proc
pivot_root . old
exec /tree/usr/bin/busybox chroot . /tree/usr/bin/busybox sh -ec '/tree/usr/bin/busybox umount -l /old; ulimit -n $(ulimit -Hn); exec "$@"' - /linux "$@"`;

/**
 * The command that boots a guest in namespaces of its own. Whatever ends this process, SIGKILL too, ends the guest:
 * the kernel kills the outer process with its parent, and all of the pid namespace with the outer one.
 * @param work folder with `boot` (init and guest.conf) and an empty `root`
 */
export function launchCommand(options: GuestOptions, work: string): string[] {
  const mounts = options.mounts ?? [];
  const { kernel } = options;
  return [
    ...['setpriv', '--pdeathsig', 'KILL', 'taskset', '-c', String(options.pin)],
    ...(options.netns === undefined ? [] : ['nsenter', `--net=/run/netns/${options.netns}`]),
    ...['unshare', '--mount', '--pid', '--fork', '--kill-child'],
    ...[
      'sh',
      '-c',
      confine,
      '-',
      work,
      options.tree,
      kernel.binary,
      kernel.modules,
      kernel.libc,
      String(options.modest ?? false),
      String(mounts.length),
    ],
    ...mounts.flatMap(mount => [mount.host, mount.writable ? 'rw' : 'ro']),
    ...[`mem=${options.mem ?? 1024}M`, 'uml_dir=/tmp/uml', 'umid=guest', `ubd0=/proc/self/fd/${diskFd}`],
    ...['rootfstype=hostfs', 'rootflags=/tree', 'ro', 'quiet', 'noreboot', 'panic=1', 'init=/mnt/init.pl'],
    ...['con=null', 'con0=fd:0,fd:1', 'ssl=null', `ssl0=fd:${lineFd}`],
    ...kernel.args,
    ...options.nics.map((nic, n) => {
      const transport = nic.kind === 'veth' ? 'raw' : 'tap';
      return `vec${n}:transport=${transport},ifname=${nic.tap},mac=${nic.mac},depth=64,gro=1`;
    }),
  ];
}

/** What the guest's init reads: a key and a value on each line. @throws Error when a value can't stand on a line */
export function guestConfiguration(options: GuestOptions, newDisk: boolean): string {
  const lines = [`name ${options.name}`, ...(newDisk ? ['format 1'] : [])];
  if (options.systemd !== undefined) lines.push('systemd 1');
  for (const mount of options.mounts ?? []) lines.push(`mount ${mount.guest}`);
  for (const [n, nic] of options.nics.entries()) {
    for (const ip of nic.ips ?? []) lines.push(`nic${n}.ip ${ip}`);
    for (const gateway of nic.gateways ?? []) lines.push(`nic${n}.gateway ${gateway}`);
    if (nic.mtu !== undefined) lines.push(`nic${n}.mtu ${nic.mtu}`);
    if (nic.acceptRa) lines.push(`nic${n}.ra 1`);
  }
  const broken = lines.find(line => line.includes('\n'));
  if (broken !== undefined) throw new Error(`not a value for a guest: ${JSON.stringify(broken)}`);
  return `${lines.join('\n')}\n`;
}
