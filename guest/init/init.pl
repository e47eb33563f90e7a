#!/usr/bin/perl
# PID 1 of a guest, from the first instruction to the last; it makes system calls by number where a fork would be dear.
# The root is the Debian tree, read-only over hostfs; /mnt holds this script and guest.conf (lines "key value").
use strict; use warnings; use MIME::Base64; use POSIX qw(:sys_wait_h setsid); use Fcntl; use Time::HiRes qw(time);
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
my $files = pack('QQ', 65536, 65536); call('setrlimit', $SETRLIMIT, 7, $files);
system(qw(modprobe -qa ipvlan macvlan));

# what cloud-init does: vec0 becomes eth0 and gets its addresses and routes
my @devices = sort map { m{([^/]+)$} } glob '/sys/class/net/vec*';
my @plan = ('link set lo up');
for my $n (0 .. $#devices) {
  my ($c, $if, $ra) = ($nic{$n}, "eth$n", $nic{$n}{ra} ? 1 : 0);
  put("/proc/sys/net/ipv6/conf/$devices[$n]/$_", $ra) for qw(accept_ra autoconf);
  push @plan, "link set $devices[$n] name $if", (map { "link set $if mtu $_" } @{ $c->{mtu} }), "link set $if up",
    (map { "address add $_ dev $if" . (/:/ ? ' nodad' : '') } @{ $c->{ip} }),
    (map { "route add default via $_ dev $if" } @{ $c->{gateway} });
}
put('/run/nics', join("\n", @plan) . "\n");
system(qw(ip -force -batch /run/nics));
for my $n (grep { $nic{$_}{ra} } keys %nic) {   # as a distribution's "network is online" waits
  for (1 .. 100) { `ip -6 -o address show dev eth$n scope global` =~ /^(?!.*tentative)./m and last; select undef, undef, undef, 0.1 }
}

# Now and for good: runs what comes over the serial line. A request and its answer are a line each:
#   in : <id> <seconds> <base64 of a bash script>
#   out: <id> <exit code> <base64 of stdout> <base64 of stderr>      124 = ran out of time, 128+n = killed by signal n
# Commands run side by side, each in a session of its own; one may leave a daemon behind, only the shell is waited for.
my $dir = '/run/init'; mkdir $dir;
my $line; until (sysopen($line, '/dev/ttyS0', O_RDWR | O_NOCTTY)) { select undef, undef, undef, 0.02 }
my $t = POSIX::Termios->new; $t->getattr(fileno $line);
$t->setlflag(0); $t->setoflag(0); $t->setiflag(0);
$t->setcflag($t->getcflag | POSIX::CREAD | POSIX::CS8 | POSIX::CLOCAL);
$t->setcc(POSIX::VMIN, 1); $t->setcc(POSIX::VTIME, 0); $t->setattr(fileno $line, POSIX::TCSANOW);
fcntl($line, F_SETFD, FD_CLOEXEC);
sub answer {
  my ($s, $at) = (join(' ', @_) . "\n", 0);
  while ($at < length $s) {
    my $n = syswrite($line, $s, length($s) - $at, $at);
    if (defined $n) { $at += $n } elsif (!$!{EINTR}) { select undef, undef, undef, 0.02 }
  }
}
my (%job, $buf); $buf = ''; $SIG{CHLD} = sub {}; $SIG{PIPE} = 'IGNORE';
answer('READY', 0, encode_base64($release, ''), '');
while (1) {
  my $r = ''; vec($r, fileno $line, 1) = 1;
  my $n = select($r, undef, undef, %job ? 0.05 : 0.5);
  if ($n > 0) { sysread($line, $buf, 65536, length $buf) or select undef, undef, undef, 0.05 }
  while ($buf =~ s/^([^\n]*)\n//) {
    my ($id, $limit, $script) = split ' ', $1; next unless defined $script;
    my $pid = fork;
    if (!$pid) {
      setsid();
      open STDIN, '<', '/dev/null'; open STDOUT, '>', "$dir/$id.o"; open STDERR, '>', "$dir/$id.e";
      $SIG{$_} = 'DEFAULT' for qw(CHLD PIPE);
      { exec '/bin/bash', '-c', decode_base64($script) } POSIX::_exit(127);
    }
    $job{$pid} = { id => $id, end => time + $limit };
  }
  for my $p (keys %job) {
    my $j = $job{$p}; next if $j->{late} || time < $j->{end};
    $j->{late} = 1; kill 'KILL', -$p; kill 'KILL', $p;
  }
  while ((my $p = waitpid(-1, WNOHANG)) > 0) {
    my $st = $?; my $j = delete $job{$p} or next; my $id = $j->{id};
    my $rc = $j->{late} ? 124 : WIFSIGNALED($st) ? 128 + WTERMSIG($st) : WEXITSTATUS($st);
    answer($id, $rc, map { my $s = encode_base64(slurp("$dir/$id.$_"), ''); unlink "$dir/$id.$_"; $s } qw(o e));
  }
}
