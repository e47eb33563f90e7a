"""Traffic to measure: `traffic.py serve`, `traffic.py measure ADDRESS`. Measuring prints one object of JSON."""
import json, socket, statistics, struct, sys, time

PORT, CHUNK, SECONDS, TRIPS, CONNECTIONS = 9000, 256 * 1024, 1.0, 2000, 500

def serve():
    listener = socket.create_server(('0.0.0.0', PORT), backlog=128)
    buffer = bytearray(CHUNK)
    while True:
        peer, _ = listener.accept()
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            verb = peer.recv(1)
            if verb == b's': sink(peer, buffer)
            elif verb == b'e': echo(peer)
        except ConnectionError: pass
        peer.close()

def sink(peer, buffer):
    total, start = 0, time.monotonic()
    while got := peer.recv_into(buffer): total += got
    peer.sendall(struct.pack('!Qd', total, time.monotonic() - start))

def echo(peer):
    while got := peer.recv(1): peer.sendall(got)

def connect(address):
    s = socket.create_connection((address, PORT), timeout=10)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return s

def throughput(address):
    """Gbit/s of one connection, as the receiver counted them."""
    chunk = bytes(CHUNK)
    with connect(address) as s:
        s.sendall(b's')
        end = time.monotonic() + SECONDS
        while time.monotonic() < end: s.sendall(chunk)
        s.shutdown(socket.SHUT_WR)
        total, seconds = struct.unpack('!Qd', s.recv(16, socket.MSG_WAITALL))
    return total * 8 / seconds / 1e9

def trip(address):
    """Median of one byte there and back on a standing connection, µs."""
    with connect(address) as s:
        s.sendall(b'e')
        def once():
            start = time.monotonic()
            s.sendall(b'x')
            s.recv(1)
            return time.monotonic() - start
        return statistics.median(once() for _ in range(TRIPS)) * 1e6

def connection(address):
    """Median of a new connection until it stands, µs. The last one is over, on both sides, before the next begins."""
    taken = []
    for _ in range(CONNECTIONS):
        start = time.monotonic()
        s = socket.create_connection((address, PORT), timeout=10)
        taken.append(time.monotonic() - start)
        s.shutdown(socket.SHUT_WR)
        s.recv(1)
        s.close()
    return statistics.median(taken) * 1e6

if sys.argv[1] == 'serve': serve()
else:
    address = sys.argv[2]
    print(json.dumps({'gbit': throughput(address), 'trip': trip(address), 'connection': connection(address)}))
