import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { isKuryrError } from '../../src/errors/kuryr-error.ts';
import type { LinkFilter } from '../../src/linux/filters.ts';
import { KoffiSys } from '../../src/linux/koffi-sys.ts';
import { LinuxKernel } from '../../src/linux/linux-kernel.ts';
import { enterOwnNetns, plugNic } from './netns.ts';

const sys = new KoffiSys();
enterOwnNetns(sys);
plugNic();
const { filters } = new LinuxKernel(sys);
const eth0 = Number(
  execFileSync('ip', ['-j', 'link', 'show', 'eth0'], { encoding: 'utf8' }).match(/"ifindex":(\d+)/)?.[1],
);
const mark = { handle: 0, cookie: '6b75727972' };

const turned = (pref: number, ifindex: number): LinkFilter => ({
  ...{ hook: 'egress', pref, protocol: 'all', action: { do: 'arrive', ifindex } },
  match: { by: 'bytes', bytes: [{ at: -14, value: 1, mask: 0xffffffff }] },
});

const shown = () => execFileSync('tc', ['qdisc', 'show', 'dev', 'eth0'], { encoding: 'utf8' });
const prefs = () => filters.of(eth0).flatMap(({ pref, cookie }) => (cookie === mark.cookie ? [pref] : []));

test('a qdisc comes with its first filter and, where the kernel refuses that, not at all', () => {
  const nowhere = 999_999;
  const refused = (error: unknown) => isKuryrError(error, 'LINK_GONE');
  assert.throws(() => filters.addWithPlace(eth0, turned(60_000, nowhere), mark), refused);
  assert.doesNotMatch(shown(), /clsact/);
  filters.addWithPlace(eth0, turned(60_000, eth0), mark);
  assert.match(shown(), /clsact/);
  filters.addWithPlace(eth0, turned(60_001, eth0), mark);
  assert.deepEqual(prefs(), [60_000, 60_001]);
  assert.throws(() => filters.addWithPlace(eth0, turned(60_002, nowhere), mark), refused);
  assert.deepEqual(prefs(), [60_000, 60_001], 'one that stood stays, with what is in it');
  filters.removePlace(eth0);
  assert.doesNotMatch(shown(), /clsact/);
});
