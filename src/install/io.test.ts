import assert from 'node:assert/strict';
import { chmod, mkdtemp, readdir, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { nodeIo } from './io.ts';

const modeOf = async (path: string) => ((await stat(path)).mode & 0o7777).toString(8);

describe('the machine that is installed on', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kuryr-io-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('gets files and folders with the modes that are meant, whatever the umask of who installs is', async () => {
    const former = process.umask(0o077);
    try {
      await nodeIo.write(join(folder, 'a/b/text'), 'text', 0o644);
      await nodeIo.copy(join(folder, 'a/b/text'), join(folder, 'c/copy'), 0o755);
      await nodeIo.makeFolder(join(folder, 'd/e/own'), 0o700);
    } finally {
      process.umask(former);
    }
    const modes = {
      a: '755',
      'a/b': '755',
      'a/b/text': '644',
      c: '755',
      'c/copy': '755',
      'd/e': '755',
      'd/e/own': '700',
    };
    for (const [path, mode] of Object.entries(modes)) assert.equal(await modeOf(join(folder, path)), mode, path);
    // What was there keeps its own.
    await chmod(join(folder, 'a'), 0o711);
    await nodeIo.write(join(folder, 'a/f/text'), 'text', 0o600);
    await nodeIo.makeFolder(join(folder, 'a'), 0o755);
    assert.equal(await modeOf(join(folder, 'a')), '711');
    assert.equal(await nodeIo.mode(join(folder, 'a')), 0o711);
    assert.equal(await nodeIo.mode(join(folder, 'nothing')), undefined);
  });

  it('keeps a file by another name, with all that it is, while its own gets another', async () => {
    const [path, kept] = [join(folder, 'file'), join(folder, 'kept')];
    await writeFile(path, 'one', { mode: 0o640 });
    await writeFile(kept, 'left');
    await nodeIo.keep(path, kept);
    await nodeIo.write(path, 'two', 0o600);
    assert.deepEqual([await nodeIo.read(kept), await nodeIo.read(path)], ['one', 'two']);
    assert.equal(await modeOf(kept), '640');
    await nodeIo.move(kept, path);
    assert.equal(await nodeIo.read(path), 'one');
    assert.ok(!(await readdir(folder)).some(name => name === 'kept'));
  });

  it('tells a link from what it points to', async () => {
    await writeFile(join(folder, 'file'), '');
    await symlink('../nowhere', join(folder, 'link'));
    assert.equal(await nodeIo.target(join(folder, 'link')), '../nowhere');
    for (const path of ['file', 'nothing', 'file/below'])
      assert.equal(await nodeIo.target(join(folder, path)), undefined);
  });

  it('tells a socket that somebody listens on from one that was left, and from what cannot be told', async () => {
    await writeFile(join(folder, 'file'), '');
    const path = join(folder, 'socket');
    const server = createServer();
    await new Promise<void>(resolve => server.listen(path, resolve));
    assert.equal(await nodeIo.listens(path), true);
    await rename(path, join(folder, 'left'));
    await new Promise(resolve => server.close(resolve));
    assert.equal(await nodeIo.listens(join(folder, 'left')), false);
    assert.equal(await nodeIo.listens(join(folder, 'nothing')), false);
    await assert.rejects(nodeIo.listens(join(folder, 'file/below')), { code: 'ENOTDIR' });
  });
});
