/** Runs the other tests of this folder in a guest whose kernel has ipvlan, wherever this machine's has none. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { bootGuest } from '../../guest/guest.ts';
import { guestKernel } from '../lab/guest/kernel.ts';
import { ensureTree } from '../lab/tree/tree.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
/** What the tests need of the project, and no more: a guest reads each file over hostfs. */
const needed = ['src', 'test/netns', 'node_modules/koffi', 'node_modules/@koromix', 'node_modules/ipaddr.js'];
/** Tests that only a kernel with ipvlan has; see `ipvlanTest`. */
const IPVLAN_TESTS = 6;

test('the same on a kernel that has ipvlan', { timeout: 1_800_000 }, async () => {
  const say = (text: string) => console.log(text);
  const netns = `kuryr-t-guest-${randomBytes(3).toString('hex')}`;
  const others = readdirSync(path.join(root, 'test/netns')).filter(
    name => name.endsWith('.test.ts') && name !== path.basename(import.meta.filename),
  );
  execFileSync('ip', ['netns', 'add', netns]);
  try {
    const mounts = [
      ...needed.map(name => ({ host: path.join(root, name), guest: `/kuryr/${name}` })),
      { host: path.dirname(process.execPath), guest: '/kuryr-node' },
    ];
    const tree = await ensureTree('bookworm', say);
    const options = { name: 'netns', netns, tree, kernel: await guestKernel(say), nics: [], mounts, pin: 1 };
    await using guest = await bootGuest(options, AbortSignal.timeout(120_000));
    say(`booted ${guest.release} in ${Math.round(guest.bootMs)} ms`);
    const files = others.map(name => `test/netns/${name}`).join(' ');
    const script = `cd /kuryr; echo '{"type":"module"}' >package.json
      /kuryr-node/node --test --test-reporter=tap --test-concurrency=1 ${files}`;
    const { code, stdout, stderr } = await guest.run(script, 500);
    assert.equal(code, 0, `${stdout}${stderr}${code < 0 ? guest.console().slice(-6000) : ''}`);
    assert.equal(stdout.match(/^\s*ok \d+ - ipvlan: /gm)?.length, IPVLAN_TESTS, stdout);
    assert.match(stdout, /^# skipped 0$/m);
  } finally {
    execFileSync('ip', ['netns', 'delete', netns]);
  }
});
