import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress } from '../linux/address.ts';
import { type Frames, framesTo, questionsBy, questionsFor } from './frames.ts';

const LINK_HEADER = 14;
const hex = (address: string) => Buffer.from(parseAddress(address)).toString('hex');
const bytes = (text: string) => Buffer.from(text.replace(/[^0-9a-f]/g, ''), 'hex');

/** Frames as they are seen on a wire. */
const arp = (sender: string, target: string, operation = '0001') =>
  bytes(
    `ffffffffffff fa163e000021 0806 0001 0800 06 04 ${operation} fa163e000021 ${hex(sender)} 000000000000 ${hex(target)}`,
  );
const icmpv6 = (source: string, target: string, type = '87', next = '3a') =>
  bytes(`3333ff000011 fa163e000021 86dd 60000000 0020 ${next} ff ${hex(source)} ${hex('ff02::1:ff00:11')}
    ${type}00 0000 00000000 ${hex(target)} 0101fa163e000021`);

/** What cls_u32 does. */
function fits({ match }: Frames, frame: Buffer): boolean {
  assert.ok(match.by === 'bytes');
  return match.bytes.every(({ at, value, mask }) => ((frame.readUInt32BE(LINK_HEADER + at) ^ value) & mask) === 0);
}

test('an ARP request is known by its target, whoever sends it', () => {
  const frames = questionsFor('10.0.0.11');
  assert.equal(frames.protocol, 'arp');
  assert.ok(fits(frames, arp('10.0.0.21', '10.0.0.11')));
  assert.ok(!fits(frames, arp('10.0.0.11', '10.0.0.21')));
  assert.ok(!fits(frames, arp('10.0.0.21', '10.0.0.11', '0002')), 'an answer is no question');
});

test('a solicitation is known by the address asked for, not by the group that others of the same end are in too', () => {
  const frames = questionsFor('fd00::11');
  assert.equal(frames.protocol, 'ipv6');
  assert.ok(fits(frames, icmpv6('fd00::21', 'fd00::11')));
  assert.ok(!fits(frames, icmpv6('fd00::21', 'fd01::11')));
  assert.ok(!fits(frames, icmpv6('fd00::21', 'fd00::1:0:11')));
  assert.ok(!fits(frames, icmpv6('fd00::21', 'fd00::11', '88')), 'an advertisement is no question');
  assert.ok(!fits(frames, icmpv6('fd00::21', 'fd00::11', '87', '11')), 'UDP is no ICMPv6');
});

test("the VM's own questions and announcements are known by their sender", () => {
  assert.ok(fits(questionsBy('10.0.0.11'), arp('10.0.0.11', '10.0.0.11')));
  assert.ok(!fits(questionsBy('10.0.0.11'), arp('10.0.0.21', '10.0.0.11')));
  assert.ok(fits(questionsBy('0.0.0.0'), arp('0.0.0.0', '10.0.0.11')));
  assert.ok(fits(questionsBy('::'), icmpv6('::', 'fd00::11')));
  assert.ok(!fits(questionsBy('::'), icmpv6('fd00::21', 'fd00::11')));
});

test('a MAC is compared whole', () => {
  const frames = framesTo('fa:16:3e:00:00:01');
  const to = (mac: string) => bytes(`${mac} fa163e000021 0800 4500`);
  assert.ok(fits(frames, to('fa163e000001')));
  for (const other of ['fa163e000101', 'fb163e000001', 'fa163f000001', 'fa163e000002'])
    assert.ok(!fits(frames, to(other)), other);
});
