import assert from 'node:assert/strict';
import { test } from 'node:test';
import { arpRequest, gratuitousArp, readArpReply } from './arp.ts';
import { neighbourSolicitation, readAdvertisement, unsolicitedAdvertisement } from './neighbour-discovery.ts';

const mac = 'fa:16:3e:00:00:01';
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
/** Bytes of hexadecimal text in groups, as tcpdump -xx prints them. */
const bytes = (text: string) => Buffer.from(text.replace(/[^0-9a-f]/g, ''), 'hex');

test('asks by ARP as an asker does that holds the address', () => {
  assert.equal(
    hex(arpRequest(mac, '10.0.0.21', '10.0.0.1')),
    hex(bytes('ffffffffffff fa163e000001 0806 0001 0800 06 04 0001 fa163e000001 0a000015 000000000000 0a000001')),
  );
});

test('announces by an ARP request for the own address', () => {
  assert.equal(
    hex(gratuitousArp(mac, '10.0.0.21')),
    hex(bytes('ffffffffffff fa163e000001 0806 0001 0800 06 04 0001 fa163e000001 0a000015 000000000000 0a000015')),
  );
});

// Checksums by an independent program; that a kernel answers such a solicitation is shown in test/netns.
const solicitation = bytes(`
  3333ff000001 fa163e000001 86dd
  60000000 0020 3a ff fd000000000000000000000000000021 ff0200000000000000000001ff000001
  87 00 4762 00000000 fd000000000000000000000000000001 01 01 fa163e000001`);
const announcement = bytes(`
  333300000001 fa163e000001 86dd
  60000000 0020 3a ff fd000000000000000000000000000021 ff020000000000000000000000000001
  88 00 2444 20000000 fd000000000000000000000000000021 02 01 fa163e000001`);

test('solicits a neighbour at its solicited-node group, hop limit 255, with the own link-layer address', () => {
  assert.equal(hex(neighbourSolicitation(mac, 'fd00::21', 'fd00::1')), hex(solicitation));
});

test('announces by an advertisement to all nodes that overrides what they know', () => {
  assert.equal(hex(unsolicitedAdvertisement(mac, 'fd00::21')), hex(announcement));
});

const reply = bytes('fa163e000001 fa163e0000fe 0806 0001 0800 06 04 0002 fa163e0000fe 0a000001 fa163e000001 0a000015');

test('reads an ARP reply, padding and all, and nothing else as one', () => {
  const expected = { sender: '10.0.0.1', senderMac: 'fa:16:3e:00:00:fe', target: '10.0.0.21' };
  assert.deepEqual(readArpReply(reply), expected);
  assert.deepEqual(readArpReply(Buffer.concat([reply, Buffer.alloc(18)])), expected);
  assert.equal(readArpReply(arpRequest(mac, '10.0.0.21', '10.0.0.1')), undefined);
  assert.equal(readArpReply(solicitation), undefined);
  for (let length = 0; length < reply.length; length++)
    assert.equal(readArpReply(reply.subarray(0, length)), undefined);
});

test('reads an advertisement only whole, with hop limit 255 and the right checksum', () => {
  const read = { target: 'fd00::21', destination: 'ff02::1' };
  assert.deepEqual(readAdvertisement(announcement), read);
  assert.equal(readAdvertisement(solicitation), undefined);
  for (let length = 0; length < announcement.length; length++) {
    assert.equal(readAdvertisement(announcement.subarray(0, length)), undefined);
  }
  for (let at = 14 + 7; at < announcement.length; at++) {
    const torn = Buffer.from(announcement);
    torn[at] = (torn[at] ?? 0) ^ 0x40;
    assert.equal(readAdvertisement(torn), undefined, `byte ${at}`);
  }
});
