#!/usr/bin/perl
# PID 1 of a guest, from the first instruction to where the tree's systemd takes over, or to the last; it makes system calls by number where a fork would be dear.
# The root is the Debian tree, read-only over hostfs; /mnt holds this script and guest.conf (lines "key value").
use strict; use warnings;
my ($MOUNT, $PIVOT_ROOT, $CHROOT, $UMOUNT2, $SETRLIMIT, $FINIT_MODULE) = (165, 155, 161, 166, 160, 313);   # x86-64
%ENV = (PATH => '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', HOME => '/root', LANG => 'C.UTF-8', GODEBUG => 'asyncpreemptoff=1');   # Go's preemption by signals is dear here
$| = 1;
sub put { open my $f, '>', $_[0] or return print("guest init: $_[0]: $!\n"); print $f $_[1]; close $f }
sub slurp { open my $f, '<:raw', $_[0] or return ''; local $/; my $s = <$f>; $s // '' }
sub fatal { print "guest init: $_[0]: $!\n"; put('/proc/sysrq-trigger', 'c'); sleep 9 }
sub call { my ($what, $number, @args) = @_; syscall($number, @args) == 0 or fatal($what) }
sub mnt {
  my ($type, $source, $target, $options, $flags) = @_;
  call("mount of $target", $MOUNT, "$source", "$target", "$type", $flags // 0, $options ? "$options" : 0);
}
my ($BIND, $MOVE, $NOATIME, $DETACH) = (4096, 8192, 1024, 2);

# the read-only tree → an overlay whose upper layer is on the guest's own disk → the root
mnt('proc', 'proc', '/proc');
-e '/dev/ubda' or mnt('devtmpfs', 'dev', '/dev');   # some kernels mount it themselves
mnt('tmpfs', 'tmpfs', '/run', 'mode=755');
my (%conf, @mounts, %nic);
for (split /\n/, slurp('/mnt/guest.conf')) {
  my ($key, $value) = split / /, $_, 2;
  if ($key eq 'mount') { push @mounts, $value }
  elsif ($key =~ /^nic(\d+)\.(\w+)$/) { push @{ $nic{$1}{$2} }, $value }
  else { $conf{$key} = $value }
}
chomp(my $release = slurp('/proc/sys/kernel/osrelease'));
mkdir "/run/$_" for qw(disk modules root);
if (slurp('/proc/filesystems') !~ /\boverlay$/m) {
  mnt('hostfs', 'none', '/run/modules', '/modules');
  my $file = "/run/modules/$release/kernel/fs/overlayfs/overlay.ko";
  my $none = ''; open my $module, '<', $file or fatal($file);
  call($file, $FINIT_MODULE, fileno($module), $none, 0);
  close $module;
  call('umount', $UMOUNT2, '/run/modules', 0);
}
if ($conf{format}) { system('mkfs.ext4', '-q', '-F', '-E', 'lazy_itable_init=1,lazy_journal_init=1,nodiscard', '/dev/ubda') == 0 or fatal('mkfs') }
mnt('ext4', '/dev/ubda', '/run/disk', '', $NOATIME);
mkdir "/run/disk/$_" for qw(upper work docker containerd);
mnt('overlay', 'overlay', '/run/root', 'lowerdir=/,upperdir=/run/disk/upper,workdir=/run/disk/work');
chdir '/run/root'; call('pivot_root', $PIVOT_ROOT, '.', 'mnt'); call('chroot', $CHROOT, '.'); chdir '/';

# what a distribution mounts
mnt('proc', 'proc', '/proc'); mnt('sysfs', 'sysfs', '/sys'); mnt('', '/mnt/dev', '/dev', '', $MOVE);
mkdir "/dev/$_" for qw(pts shm);
mnt('devpts', 'devpts', '/dev/pts', 'mode=620,ptmxmode=666'); mnt('tmpfs', 'tmpfs', '/dev/shm');
symlink '/proc/self/fd', '/dev/fd'; symlink "/proc/self/fd/$_->[0]", "/dev/$_->[1]" for [0, 'stdin'], [1, 'stdout'], [2, 'stderr'];
mnt('tmpfs', 'tmpfs', '/run', 'mode=755'); mnt('tmpfs', 'tmpfs', '/tmp', 'mode=1777');
mnt('cgroup2', 'cgroup2', '/sys/fs/cgroup');
sub folder { my ($at, $path) = ('', @_); for my $part (grep { length } split m{/}, $path) { $at .= "/$part"; mkdir $at } }
folder($_) for qw(/run/lock /run/netns /lib/modules /var/lib/docker /var/lib/containerd), @mounts;
mnt('hostfs', 'none', '/lib/modules', '/modules');
mnt('', "/mnt/run/disk/$_", "/var/lib/$_", '', $BIND) for qw(docker containerd);
mnt('hostfs', 'none', $mounts[$_], "/m/$_") for 0 .. $#mounts;
call('umount of the old root', $UMOUNT2, '/mnt', $DETACH);
put('/proc/sys/kernel/hostname', $conf{name}); put('/etc/hostname', "$conf{name}\n");
put('/etc/hosts', "127.0.0.1 localhost $conf{name}\n::1 localhost\n");
# bookworm's kernel has nf_tables for bridges only, but iptables' own tables: Docker's name server in containers uses NAT
if (-e "/lib/modules/$release/kernel/net/ipv4/netfilter/iptable_nat.ko") {
  for my $tool (qw(iptables ip6tables)) { unlink "/etc/alternatives/$tool"; symlink "/usr/sbin/$tool-legacy", "/etc/alternatives/$tool" }
}
# User-Mode Linux 7.2 corrupts its page tables when a process that has io_uring's memory mapped forks, as Node does; 6.1 has no such switch
put('/proc/sys/kernel/io_uring_disabled', 2) if -e '/proc/sys/kernel/io_uring_disabled';
# vec0 becomes eth0, also where there is udev: it has no opinion of User-Mode Linux's NICs
my @devices = sort map { m{([^/]+)$} } glob '/sys/class/net/vec*';
my @plan = map { "link set $devices[$_] name eth$_" } 0 .. $#devices;
sub configure { put('/run/nics', join("\n", @plan) . "\n"); system(qw(ip -force -batch /run/nics)) }

if ($conf{systemd}) {   # it finds in /run what cloud-init would have made
  configure();
  unlink '/usr/sbin/policy-rc.d';   # it kept services from starting while the tree was made
  slurp('/etc/machine-id') =~ /^[0-9a-f]{32}$/m or put('/etc/machine-id', sprintf("%08x" x 4 . "\n", map { rand 2 ** 32 } 1 .. 4));
  system(qw(cp -r /mnt/run/. /run)) == 0 or fatal('cp');
  exec '/lib/systemd/systemd' or fatal('systemd');
}

my $files = pack('QQ', 65536, 65536); call('setrlimit', $SETRLIMIT, 7, $files);
system(qw(modprobe -qa ipvlan macvlan));
push @plan, 'link set lo up';
for my $n (0 .. $#devices) {   # as cloud-init does
  my ($c, $if, $ra) = ($nic{$n}, "eth$n", $nic{$n}{ra} ? 1 : 0);
  put("/proc/sys/net/ipv6/conf/$devices[$n]/$_", $ra) for qw(accept_ra autoconf);
  push @plan, (map { "link set $if mtu $_" } @{ $c->{mtu} }), "link set $if up",
    (map { "address add $_ dev $if" . (/:/ ? ' nodad' : '') } @{ $c->{ip} }),
    (map { "route add default via $_ dev $if" } @{ $c->{gateway} });
}
configure();
for my $n (grep { $nic{$_}{ra} } keys %nic) {   # as a distribution's "network is online" waits
  for (1 .. 100) { `ip -6 -o address show dev eth$n scope global` =~ /^(?!.*tentative)./m and last; select undef, undef, undef, 0.1 }
}
do '/mnt/line.pl' or fatal($@ || 'line.pl');
