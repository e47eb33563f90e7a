import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { folder } from './io.ts';

describe("doctor's own reads", () => {
  it('tell a folder that can be written from one that could be made and one that cannot', async t => {
    const place = await mkdtemp(join(tmpdir(), 'kuryr-doctor-'));
    t.after(() => rm(place, { recursive: true }));
    await writeFile(join(place, 'file'), '');
    assert.equal(await folder(place), 'writable');
    assert.equal(await folder(join(place, 'a/b')), 'missing');
    assert.equal(await folder(join(place, 'file/b')), 'unwritable');
  });
});
