#!/usr/bin/perl
# Runs what comes over the serial line: as the last of PID 1 (init.pl), or as a service where that is systemd.
# A request and its answer are a line each:
#   in : <id> <seconds> <base64 of a bash script>
#   out: <id> <exit code> <base64 of stdout> <base64 of stderr>      124 = ran out of time, 128+n = killed by signal n
# Commands run side by side, each in a session of its own; one may leave a daemon behind, only the shell is waited for.
package Line; use strict; use warnings; use MIME::Base64; use POSIX qw(:sys_wait_h setsid); use Fcntl; use Time::HiRes qw(time);
my $dir = '/run/init'; mkdir $dir;
sub slurp { open my $f, '<:raw', $_[0] or return ''; local $/; my $s = <$f>; $s // '' }
chomp(my $release = slurp('/proc/sys/kernel/osrelease'));
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
