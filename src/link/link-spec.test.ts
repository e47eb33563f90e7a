import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isKuryrError } from '../errors/kuryr-error.ts';
import type { LinkSpec } from './link-kind.ts';
import { fitTogether, type LinkWish, parseLinkSpec } from './link-spec.ts';

const accepted: readonly (readonly [LinkWish, LinkSpec])[] = [
  [{}, { kind: 'ipvlan', mode: 'l2', flag: 'bridge' }],
  [
    { kind: 'ipvlan', mode: 'l2', flag: 'private' },
    { kind: 'ipvlan', mode: 'l2', flag: 'private' },
  ],
  [{ flag: 'vepa' }, { kind: 'ipvlan', mode: 'l2', flag: 'vepa' }],
  [{ kind: 'macvlan' }, { kind: 'macvlan', mode: 'bridge' }],
  [
    { kind: 'macvlan', mode: 'private' },
    { kind: 'macvlan', mode: 'private' },
  ],
];

test("understands Docker's modes and flags, and chooses l2 and bridge where nothing is said", () => {
  for (const [wish, spec] of accepted) assert.deepEqual(parseLinkSpec(wish), spec);
});

const refusals: readonly (readonly [LinkWish, RegExp])[] = [
  [{ mode: 'l3' }, /ipvlan_mode=l3 cannot be used: nobody answers ARP .* 100 % loss both ways.*Use ipvlan_mode=l2/],
  [{ mode: 'l3s' }, /ipvlan_mode=l3s cannot be used: nobody answers ARP/],
  [{ mode: 'bridge' }, /ipvlan_mode=bridge .*no such thing/],
  [{ flag: 'constructor' }, /ipvlan_flag=constructor .*no such thing.*ipvlan_flag=bridge or ipvlan_flag=private/],
  [{ kind: 'macvlan', mode: 'passthru' }, /macvlan_mode=passthru .*whole master.*macvlan_mode=bridge/],
  [{ kind: 'macvlan', flag: 'private' }, /macvlan link has no ipvlan flag.*macvlan_mode/],
  [{ kind: 'veth' }, /link=veth .*link=ipvlan or link=macvlan/],
];

test('refuses what cannot work, with the reason and what works instead', () => {
  for (const [wish, text] of refusals) {
    assert.throws(
      () => parseLinkSpec(wish),
      error => isKuryrError(error, 'LINK_MODE_UNSUPPORTED') && text.test(error.message),
      JSON.stringify(wish),
    );
  }
});

test('knows which links can share a master', () => {
  const [bridge, secluded] = [parseLinkSpec({}), parseLinkSpec({ flag: 'private' })];
  const [mac, secludedMac] = [parseLinkSpec({ kind: 'macvlan' }), parseLinkSpec({ kind: 'macvlan', mode: 'private' })];
  assert.equal(fitTogether(bridge, bridge), true);
  assert.equal(fitTogether(bridge, secluded), false);
  assert.equal(fitTogether(bridge, mac), false);
  assert.equal(fitTogether(mac, secludedMac), true);
});
