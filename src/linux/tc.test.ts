import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { LinkFilter } from './filters.ts';
import type { Message, Request } from './message.ts';
import { putNeighbour, readNeighbour, removeNeighbour } from './neighbour.ts';
import { addRoute, readRoute, removeRoute } from './route.ts';
import {
  addClsact,
  addFilter,
  dumpFilters,
  dumpQdiscs,
  readFilter,
  readFilterPlace,
  removeClsact,
  removeFilter,
} from './tc.ts';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const bytes = (text: string) => text.replace(/[^0-9a-f]/g, '');
const answer = ({ type, body }: Request): Message => ({ type, flags: 0, seq: 1, body });
const mark = { handle: 0, cookie: '6b75727972' };

const toMac: LinkFilter = {
  hook: 'egress',
  pref: 65_100,
  protocol: 'all',
  match: { by: 'bytes', bytes: [{ at: 0, value: 0x02000000, mask: 0xffffffff }] },
  action: { do: 'arrive', ifindex: 1 },
};
const arpRequest: LinkFilter = {
  hook: 'egress',
  pref: 65_001,
  protocol: 'arp',
  match: { by: 'bytes', bytes: [{ at: 4, value: 1, mask: 0xffff }] },
  action: { do: 'pass' },
};
const container: LinkFilter = {
  hook: 'egress',
  pref: 65_400,
  protocol: 'all',
  match: { by: 'mac', mac: '02:00:00:00:00:15' },
  action: { do: 'arrive', ifindex: 1 },
};

const answer4: LinkFilter = {
  hook: 'ingress',
  pref: 59_998,
  protocol: 'ip',
  match: { by: 'ends', source: '10.0.0.0/24', address: '10.0.0.21' },
  action: { do: 'translate' },
};
const forwarded: LinkFilter = {
  hook: 'egress',
  pref: 60_000,
  protocol: 'ip',
  match: { by: 'bytes', bytes: [{ at: 16, value: 0x0a600000, mask: 0xffff0000 }], cameIn: 'lo' },
  action: { do: 'pass' },
};

// The messages of iproute2 6.1.0 (tc with skip_hw and a cookie, ip with a protocol), read with strace -xx, but for the order of the attributes of ip.
test('makes and removes a clsact qdisc by the bytes that tc sends', () => {
  const body = bytes('00000000 01000000 0000ffff f1ffffff 00000000  0b000100 636c7361637400 00');
  assert.deepEqual([addClsact(1).type, addClsact(1).flags, hex(addClsact(1).body)], [36, 0x600, body]);
  assert.deepEqual([removeClsact(1).type, hex(removeClsact(1).body)], [37, body]);
  assert.equal(dumpQdiscs().type, 38);
});

test('adds filters by the bytes that tc sends: u32 with mirred, u32 with gact, flower with mirred', () => {
  const { type, flags, body } = addFilter(1, toMac, mark);
  assert.deepEqual([type, flags], [44, 0x600]);
  assert.equal(
    hex(body),
    bytes(`00000000 01000000 00000000 f3ffffff 00034cfe  08000100 75333200  74000200
      44000700 40000100 0b000100 6d69727265640000 24000280 20000200 00000000 00000000 04000000 00000000 00000000 03000000 01000000
      09000600 6b75727972000000  24000500 01000100 00000000 00000000 00000000 ffffffff 02000000 00000000 00000000
      08000b00 01000000`),
  );
  assert.equal(
    hex(addFilter(1, arpRequest, mark).body),
    bytes(`00000000 01000000 00000000 f3ffffff 0806e9fd  08000100 75333200  6c000200
      3c000700 38000100 09000100 6761637400000000 1c000280 18000200 00000000 00000000 00000000 00000000 00000000
      09000600 6b75727972000000  24000500 01000100 00000000 00000000 00000000 0000ffff 00000001 04000000 00000000
      08000b00 01000000`),
  );
  assert.equal(
    hex(addFilter(1, container, { ...mark, handle: 7 }).body),
    bytes(`00000000 01000000 07000000 f3ffffff 000378ff  0b000100 666c6f7765720000  68000200
      0a000400 0200000000150000 0a000500 ffffffffffff0000
      44000300 40000100 0b000100 6d69727265640000 24000280 20000200 00000000 00000000 04000000 00000000 00000000 03000000 01000000
      09000600 6b75727972000000  08001600 01000000`),
  );
  assert.equal(
    hex(addFilter(1, answer4, { ...mark, handle: 7 }).body),
    bytes(`00000000 01000000 07000000 f2ffffff 08005eea  0b000100 666c6f7765720000  b0000200
      06000800 08000000 08000a00 0a000000 08000b00 ffffff00 08000c00 0a000015 08000d00 ffffffff
      7c000300 3c000100 07000100 63740000 24000280 06000300 08000000 18000100 00000000 00000000 03000000 00000000 00000000
      09000600 6b75727972000000  3c000200 07000100 63740000 24000280 06000300 04000000 18000100 00000000 00000000 ffffffff 00000000 00000000
      09000600 6b75727972000000  08001600 01000000`),
  );
  const sent = hex(addFilter(1, forwarded, mark).body);
  for (const part of ['07000800 6c6f0000', '24000500 01000100 00000000 00000000 00000000 ffff0000 0a600000 10000000'])
    assert.ok(sent.includes(bytes(part)), part);
  const removed = removeFilter(1, arpRequest, 0);
  assert.equal(removed.type, 45);
  assert.equal(hex(removed.body.subarray(0, 20)), bytes('00000000 01000000 00000000 f3ffffff 0806e9fd'));
  assert.equal(hex(dumpFilters(1, 'ingress').body), bytes('00000000 01000000 00000000 f2ffffff 00000000'));
});

test('reads back what it sends, with the mark', () => {
  const asker = { ...container, hook: 'ingress', action: { do: 'drop' } } as const;
  const askers = [
    { ...asker, protocol: 'arp', match: { by: 'asker', mac: '02:00:00:00:00:15', address: '10.0.0.21' } },
    { ...asker, protocol: 'ipv6', match: { by: 'asker', mac: '02:00:00:00:00:15', address: 'fd00::21' } },
  ] as const;
  const answer6: LinkFilter = {
    ...{ ...answer4, protocol: 'ipv6' as const },
    match: { by: 'ends', source: 'fd00::/60', address: 'fd00::21' },
  };
  for (const filter of [toMac, arpRequest, container, ...askers, answer4, answer6, forwarded]) {
    const read = readFilter(answer(addFilter(1, filter, { ...mark, handle: 9 })));
    assert.deepEqual(read?.filter, filter);
    assert.deepEqual([read?.hook, read?.pref, read?.handle, read?.cookie], [filter.hook, filter.pref, 9, mark.cookie]);
  }
  assert.deepEqual(readFilterPlace(answer(addClsact(1))), { ifindex: 1, kind: 'clsact', shared: false });
});

test('a filter of another sort is told with what all have, and not taken for one of ours', () => {
  const other = addFilter(1, { ...toMac, action: { do: 'arrive', ifindex: 1 } }, { handle: 3, cookie: '' });
  const egressRedirect = Buffer.from(hex(other.body).replace('0300000001000000', '0100000001000000'), 'hex');
  const read = readFilter(answer({ ...other, body: egressRedirect }));
  assert.deepEqual([read?.pref, read?.cookie, read?.filter], [65_100, '', undefined]);
});

test('makes and removes neighbours and routes with protocol and source by the bytes that ip sends', () => {
  const own = { ifindex: 1, address: '10.0.0.5', mac: '02:00:00:00:00:0b', protocol: 75 };
  const made = putNeighbour(own);
  assert.deepEqual([made.type, made.flags], [28, 0x500]);
  assert.equal(
    hex(made.body),
    bytes('02000000 01000000 80000000  08000100 0a000005  0a000200 02000000000b0000  05000c00 4b000000'),
  );
  assert.equal(readNeighbour(answer(made))?.protocol, 75);
  assert.deepEqual(readNeighbour(answer(made)), { ...own, family: 4, state: 'permanent' });
  assert.equal(hex(removeNeighbour(1, '10.0.0.5').body), bytes('02000000 01000000 00000000  08000100 0a000005'));
  const route = { destination: '10.0.0.5/32', ifindex: 1, source: '127.0.0.1', protocol: 75 };
  assert.equal(
    hex(addRoute(route).body),
    bytes('02200000 fe4bfd01 00000000  08000100 0a000005  08000400 01000000  08000700 7f000001'),
  );
  assert.deepEqual(
    [readRoute(answer(addRoute(route)))?.protocol, readRoute(answer(addRoute(route)))?.source],
    [75, '127.0.0.1'],
  );
  const { type, body } = removeRoute(route);
  assert.deepEqual([type, hex(body)], [25, bytes('02200000 fe4bfd01 00000000  08000100 0a000005  08000400 01000000')]);
});

test('a filter of conntrack that does something else, or has a mask that is no prefix, is not taken for one of ours', () => {
  const made = addFilter(1, answer4, { handle: 3, cookie: mark.cookie });
  for (const [what, instead] of [
    ['0600030008000000', '0600030009000000'],
    ['08000b00ffffff00', '08000b00ff00ff00'],
  ] as const) {
    const other = Buffer.from(hex(made.body).replace(what, instead), 'hex');
    assert.notEqual(hex(other), hex(made.body));
    const read = readFilter(answer({ ...made, body: other }));
    assert.deepEqual([read?.cookie, read?.filter], [mark.cookie, undefined]);
  }
});

test('random bytes are read without an error, whatever they say', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), fc.constantFrom(36, 44), (body, type) => {
      readFilter({ type, flags: 0, seq: 1, body });
      readFilterPlace({ type, flags: 0, seq: 1, body });
    }),
  );
});
