import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { KoffiSys } from '../../src/linux/koffi-sys.ts';
import { LinuxKernel } from '../../src/linux/linux-kernel.ts';
import { enterOwnNetns, ip, makeNetns } from './netns.ts';

const sys = new KoffiSys();
enterOwnNetns(sys);
const kernel = new LinuxKernel(sys);
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'kuryr-t-'));
after(() => fs.rmSync(folder, { recursive: true }));

const inode = (file: string) => fs.statSync(file).ino;

test('makes a namespace that stays behind a path, stays in the own one meanwhile, and lets go of it', () => {
  const own = inode('/proc/thread-self/ns/net');
  const kept = { path: path.join(folder, 'guard', '7') };
  kernel.keepNetns(kept.path);
  assert.equal(inode('/proc/thread-self/ns/net'), own);
  assert.equal(kernel.exists(kept), true);
  assert.notEqual(inode(kept.path), own);
  assert.deepEqual(
    kernel.links(kept).map(link => link.name),
    ['lo'],
  );
  assert.deepEqual(kernel.keptNetns(path.dirname(kept.path)), [kept]);
  assert.ok(!kernel.namespaces().some(each => inode(each.path) === inode(kept.path)));
  kernel.dropNetns(kept.path);
  kernel.dropNetns(kept.path);
  assert.equal(kernel.exists(kept), false);
  assert.deepEqual(kernel.keptNetns(path.dirname(kept.path)), []);
  assert.deepEqual(kernel.keptNetns(path.join(folder, 'none')), []);
});

test('finds what is kept in any folder, and keeps it behind another path', () => {
  const [from, to] = [path.join(folder, 'a run', 'guard', '9'), path.join(folder, 'b', 'guard', '9')];
  kernel.keepNetns(from);
  const kept = inode(from);
  const seen = () => kernel.mountedNetns().flatMap(each => (each.path.startsWith(folder) ? [each.path] : []));
  assert.deepEqual(seen(), [from]);
  kernel.moveNetns(from, to);
  assert.deepEqual(seen(), [to]);
  assert.equal(inode(to), kept);
  assert.equal(fs.existsSync(from), false);
  kernel.dropNetns(to);
});

test('a making that was interrupted is found, is no namespace, and can be let go of', () => {
  const file = path.join(folder, '8');
  fs.writeFileSync(file, '');
  assert.equal(kernel.exists({ path: file }), false);
  kernel.dropNetns(file);
  assert.equal(fs.existsSync(file), false);
});

test('tells of links in namespaces that have an id, with the id, and of those of its own without', async () => {
  const known = makeNetns('known');
  const unknown = makeNetns('unknown');
  const stop = new AbortController();
  const woken = Promise.withResolvers<void>();
  const watch = kernel.watchLinks(() => woken.resolve(), stop.signal);
  const id = kernel.netnsId(known);
  assert.equal(kernel.netnsId(known), id);
  ip('-n', unknown.name, 'link', 'set', 'lo', 'alias', 'unheard');
  ip('-n', known.name, 'link', 'set', 'lo', 'alias', 'heard');
  ip('link', 'set', 'lo', 'alias', 'own');
  await woken.promise;
  const told = watch.read().events.map(({ netns, link }) => [netns, link.alias]);
  assert.ok(told.some(([netns, alias]) => netns === id && alias === 'heard'));
  assert.ok(told.some(([netns, alias]) => netns === undefined && alias === 'own'));
  assert.ok(!told.some(([, alias]) => alias === 'unheard'));
  stop.abort();
  assert.deepEqual(watch.read(), { events: [], lost: false });
});

test('who does not read is told that some were lost, and what is kept for it is bounded', async () => {
  const stop = new AbortController();
  const woken = Promise.withResolvers<void>();
  const watch = kernel.watchLinks(() => woken.resolve(), stop.signal);
  const lo = kernel.links('host').find(link => link.name === 'lo');
  assert.ok(lo);
  for (let n = 0; n < 2000; n++) kernel.setLink('host', lo.ifindex, { alias: `n${n}` });
  await woken.promise;
  const { events, lost } = watch.read();
  assert.ok(lost);
  assert.ok(events.length > 0 && events.length < 1000, String(events.length));
  stop.abort();
});
