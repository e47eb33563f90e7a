import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PortSecurity, type SecuredPort } from './port-security.ts';

const mac = 'fa:16:3e:00:00:0a';
const port: SecuredPort = {
  mac_address: mac,
  fixed_ips: [{ ip_address: '10.0.0.10' }, { ip_address: 'fd00::10' }],
  allowed_address_pairs: [
    { ip_address: '10.0.0.20' },
    { ip_address: '10.0.1.0/28' },
    { ip_address: '10.0.0.30', mac_address: '00:00:5e:00:01:07' },
    { ip_address: 'fd00:0:0:1::/64' },
    { ip_address: 'fd00::30', mac_address: '00:00:5e:00:02:07' },
  ],
  port_security_enabled: true,
};

const bytes = (text: string): number[] => [...Buffer.from(text.replaceAll(/[: ]/g, ''), 'hex')];
const v4 = (text: string): number[] => text.split('.').map(Number);
/** Of addresses with `::` and groups of digits before and after. */
function v6(text: string): number[] {
  const [head = '', tail = ''] = text.split('::');
  const groups = (part: string): string[] => (part === '' ? [] : part.split(':').map(group => group.padStart(4, '0')));
  const zeros = 8 - groups(head).length - groups(tail).length;
  return bytes([...groups(head), ...Array<string>(zeros).fill('0000'), ...groups(tail)].join(''));
}

const ethernet = (type: string, source = mac): number[] => [...bytes('ffffffffffff'), ...bytes(source), ...bytes(type)];
const ipv4 = (source: string, from = mac): Buffer =>
  Buffer.from([...ethernet('0800', from), ...bytes('45000014 00000000 40010000'), ...v4(source), ...v4('10.0.0.1')]);
const arp = (sender: string, hardware = mac): Buffer =>
  Buffer.from([
    ...[...ethernet('0806'), ...bytes('0001080006040001'), ...bytes(hardware), ...v4(sender)],
    ...[...bytes('000000000000'), ...v4('10.0.0.1')],
  ]);
const ipv6 = (source: string, next: number, payload: number[] = [], { from = mac, to = 'ff02::1' } = {}): Buffer =>
  Buffer.from([...ethernet('86dd', from), ...bytes('60000000 0020'), next, 255, ...v6(source), ...v6(to), ...payload]);
/** ICMPv6 behind a header of its own, with a router alert as MLD has it. */
const behindHopByHop = (source: string, message: number[], to = 'ff02::16'): Buffer =>
  ipv6(source, 0, [58, 0, ...bytes('050200000100'), ...message], { to });
const multicastListener = (type: number): number[] => [type, ...bytes('00000000000000')];
const neighbour = (type: number, target: string, option: number, hardware: string): number[] => [
  ...[type, 0, 0, 0, 0, 0, 0, 0],
  ...[...v6(target), option, 1, ...bytes(hardware)],
];

describe('what leaves a port with port security', () => {
  const security = new PortSecurity(port);
  const passes = (frame: Buffer): void => assert.equal(security.refuses(frame), undefined);
  const dropped = (frame: Buffer, reason: string): void => assert.equal(security.refuses(frame), reason);

  it('comes from a fixed address or a pair', () => {
    for (const source of ['10.0.0.10', '10.0.0.20', '10.0.1.0', '10.0.1.15']) passes(ipv4(source));
    for (const source of ['10.0.0.11', '10.0.1.16', '0.0.0.0']) dropped(ipv4(source), `source address ${source}`);
    passes(ipv6('fd00::10', 59));
    passes(ipv6('fd00:0:0:1::77', 59));
    dropped(ipv6('fd00:0:0:2::77', 59), 'source address fd00:0:0:2::77');
  });

  it('has the MAC that the address is permitted with', () => {
    passes(ipv4('10.0.0.30', '00:00:5e:00:01:07'));
    dropped(ipv4('10.0.0.30'), 'source address 10.0.0.30');
    dropped(ipv4('10.0.0.10', '00:00:5e:00:01:07'), 'source address 10.0.0.10');
    dropped(ipv4('10.0.0.10', '02:00:00:00:00:01'), 'source MAC 02:00:00:00:00:01');
  });

  it('claims by ARP what it may send from, with the MAC of its frame', () => {
    passes(arp('10.0.0.10'));
    passes(arp('10.0.0.20'));
    dropped(arp('10.0.0.1'), 'an ARP message that claims 10.0.0.1');
    dropped(arp('10.0.0.30', '00:00:5e:00:01:07'), 'an ARP message that claims 10.0.0.30');
  });

  it('claims by neighbour discovery what it may send from', () => {
    const local = 'fe80::f816:3eff:fe00:a';
    passes(ipv6(local, 58, neighbour(136, 'fd00::10', 2, mac)));
    passes(ipv6(local, 58, neighbour(135, 'fd00::99', 1, mac)));
    dropped(ipv6(local, 58, neighbour(136, 'fd00::99', 2, mac)), 'a neighbour advertisement that claims fd00::99');
    dropped(
      ipv6(local, 58, neighbour(135, 'fd00::99', 1, '02:00:00:00:00:01')),
      'a neighbour message that claims MAC 02:00:00:00:00:01',
    );
    dropped(
      ipv6(local, 58, neighbour(136, 'fd00::10', 2, '02:00:00:00:00:01')),
      'a neighbour message that claims MAC 02:00:00:00:00:01',
    );
    dropped(ipv6('fe80::1', 58, neighbour(135, 'fd00::99', 1, mac)), 'source address fe80::1');
    dropped(
      behindHopByHop(local, neighbour(136, 'fd00::99', 2, mac)),
      'a neighbour advertisement that claims fd00::99',
    );
  });

  it('comes from the link-local address of a MAC that it may send IPv6 with', () => {
    passes(ipv6('fe80::200:5eff:fe00:207', 59, [], { from: '00:00:5e:00:02:07' }));
    dropped(ipv6('fe80::200:5eff:fe00:207', 59), 'source address fe80::200:5eff:fe00:207');
    dropped(
      ipv6('fe80::200:5eff:fe00:107', 59, [], { from: '00:00:5e:00:01:07' }),
      'source address fe80::200:5eff:fe00:107',
    );
  });

  it('has no address yet only where that is how it begins', () => {
    passes(ipv6('::', 58, neighbour(135, 'fd00::10', 14, mac)));
    dropped(ipv6('::', 58, neighbour(128, 'fd00::10', 14, mac)), 'source address ::');
    dropped(ipv6('::', 58, neighbour(135, 'fd00::10', 14, mac), { to: 'fd00::10' }), 'source address ::');
    const dhcp = (target: string, to: number, protocol = 17): Buffer =>
      Buffer.from([
        ...[...ethernet('0800'), ...bytes('4500001c 00000000 40'), protocol, 0, 0, ...v4('0.0.0.0'), ...v4(target)],
        ...[0, 68, 0, to, 0, 8, 0, 0],
      ]);
    passes(dhcp('255.255.255.255', 67));
    dropped(dhcp('255.255.255.255', 53), 'source address 0.0.0.0');
    dropped(dhcp('10.0.0.1', 67), 'source address 0.0.0.0');
    const tcp = 6;
    dropped(dhcp('255.255.255.255', 67, tcp), 'source address 0.0.0.0');
  });

  it('reports its groups before it has an address, and says nothing else then', () => {
    for (const report of [131, 143]) passes(behindHopByHop('::', multicastListener(report)));
    for (const other of [128, 132]) dropped(behindHopByHop('::', multicastListener(other)), 'source address ::');
    dropped(behindHopByHop('fd00::99', multicastListener(143)), 'source address fd00::99');
    dropped(behindHopByHop('::', multicastListener(143), 'fd00::1'), 'source address ::');
  });

  it('has no VLAN tag, and is whole', () => {
    for (const type of ['8100', '88a8']) dropped(Buffer.from([...ethernet(type), ...bytes('00010800')]), 'a VLAN tag');
    dropped(ipv4('10.0.0.10').subarray(0, 33), 'an IPv4 packet too short');
    dropped(arp('10.0.0.10').subarray(0, 41), 'an ARP message too short');
    dropped(ipv6('fd00::10', 59).subarray(0, 53), 'an IPv6 packet too short');
    const advertisement = ipv6('fd00::10', 58, neighbour(136, 'fd00::10', 2, mac));
    for (const bytes of [55, 60, 77, 79, 85])
      dropped(advertisement.subarray(0, bytes), 'a neighbour message too short');
    dropped(Buffer.from([1, 2]), 'a frame too short');
  });

  it('is anything where port security is off', () => {
    const open = new PortSecurity({ ...port, port_security_enabled: false });
    assert.equal(open.refuses(ipv4('192.0.2.1', '02:00:00:00:00:01')), undefined);
  });
});
