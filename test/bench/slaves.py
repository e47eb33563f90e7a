"""Many ipvlan slaves come up, twenty at a time, and the guest's work for it is counted: `slaves.py ORDER COUNT`.
ORDER says when a slave is told to be silent: never, before (it is up), or asleep: afterwards, a slave that came dormant and is
woken then. All are moved into the namespace "many", as an engine moves them. Prints one object of JSON."""
import ctypes, json, os, subprocess, sys, time

order, count = sys.argv[1], int(sys.argv[2])
GROUP, PAUSE, AFTER = 20, 0.1, 10
SILENT = {'accept_ra': '0', 'autoconf': '0', 'addr_gen_mode': '1'}
host = os.open('/proc/self/ns/net', os.O_RDONLY)
subprocess.run(['ip', 'netns', 'add', 'many'], check=True)
many = os.open('/run/netns/many', os.O_RDONLY)
libc = ctypes.CDLL(None, use_errno=True)

def enter(netns):
    # Python has a setns of its own from 3.12 on.
    if libc.setns(netns, 0) != 0: raise OSError(ctypes.get_errno(), 'setns')

def batch(lines):
    subprocess.run(['ip', '-batch', '-'], input='\n'.join(lines), text=True, check=True)

def read(path):
    with open(path) as file: return file.read()

def busy():
    """CPU seconds of the guest so far, all but idle and waiting for I/O."""
    ticks = [int(word) for word in read('/proc/stat').split('\n')[0].split()[1:9]]
    return (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf('SC_CLK_TCK')

def frames(): return int(read('/sys/class/net/eth0/statistics/tx_packets'))

def silence(group):
    for n in group:
        for name, value in SILENT.items():
            with open(f'/proc/sys/net/ipv6/conf/ky{n}/{name}', 'w') as file: file.write(value)

def bring(group):
    asleep = lambda n: f'link set ky{n} mode dormant state dormant\n' if order == 'asleep' else ''
    batch([f'link add link eth0 name ky{n} group 7 type ipvlan mode l2 bridge\n{asleep(n)}link set ky{n} netns many' for n in group])
    enter(many)
    if order == 'before': silence(group)
    batch([f'addr add 10.1.{n >> 8}.{n & 255}/16 dev ky{n}\naddr add fd00::1:{n:x}/64 dev ky{n} nodad\nlink set ky{n} up' for n in group])
    time.sleep(PAUSE)
    if order == 'asleep':
        silence(group)
        batch([f'link set ky{n} mode default state up' for n in group])
    enter(host)

busyBefore, framesBefore = busy(), frames()
for first in range(0, count, GROUP): bring(range(first, min(first + GROUP, count)))
busyUp = busy()
time.sleep(AFTER)
busyAfter, sent = busy(), frames() - framesBefore
enter(many)
counters = dict(line.split() for line in read('/proc/self/net/snmp6').split('\n') if line)
enter(host)
print(json.dumps({
    'coming': busyUp - busyBefore, 'after': busyAfter - busyUp, 'frames': sent,
    'mld': int(counters['Icmp6OutMLDv2Reports']), 'solicits': int(counters['Icmp6OutRouterSolicits']),
}))
