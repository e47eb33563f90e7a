import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { archive } from './ar.ts';
import { debianVersion } from './control.ts';
import { writeDeb } from './deb.ts';

const parts = {
  cpu: 'arm64',
  built: async (from: string) => Buffer.from(`built: ${from}`),
  manual: { 'man1/kuryr.1': '.TH KURYR 1\n' },
  copyright: 'Format: 1.0\n',
  seconds: 1_700_000_000,
  level: 0,
} as const;

async function made(
  from: typeof parts | (Omit<typeof parts, 'seconds'> & { readonly seconds: number }),
): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), 'kuryr-deb-test-'));
  try {
    const file = await writeDeb(folder, from);
    assert.match(file, /\/kuryr_[\d.]+_arm64\.deb$/);
    return await readFile(file);
  } finally {
    await rm(folder, { recursive: true });
  }
}

describe('a Debian package', () => {
  it('has the same bytes whoever makes it, where and when', async () => {
    const first = await made(parts);
    const mask = process.umask(0o077);
    const zone = process.env['TZ'];
    process.env['TZ'] = 'Asia/Tokyo';
    try {
      assert.ok(first.equals(await made(parts)));
    } finally {
      process.umask(mask);
      if (zone === undefined) delete process.env['TZ'];
      else process.env['TZ'] = zone;
    }
    assert.ok(!first.equals(await made({ ...parts, seconds: parts.seconds + 1 })));
  });

  it('is an archive of three members, in the order that dpkg wants', async () => {
    const bytes = await made(parts);
    const names: string[] = [];
    for (let at = 8; at < bytes.length; ) {
      const size = Number(bytes.toString('latin1', at + 48, at + 58));
      assert.equal(bytes.toString('latin1', at + 58, at + 60), '`\n');
      names.push(bytes.toString('latin1', at, at + 16).trim());
      at += 60 + size + (size % 2);
    }
    assert.equal(bytes.toString('latin1', 0, 8), '!<arch>\n');
    assert.deepEqual(names, ['debian-binary', 'control.tar.xz', 'data.tar.xz']);
  });

  it('comes before the release whose trial it is', () => {
    assert.equal(debianVersion('1.2.0-rc.1'), '1.2.0~rc.1');
    assert.equal(debianVersion('1.2.0'), '1.2.0');
  });
});

it('an archive has each member at an even place', () => {
  const bytes = archive(
    [
      { name: 'a', data: Buffer.from('odd') },
      { name: 'b', data: Buffer.from('even') },
    ],
    5,
  );
  assert.equal(bytes.length, 8 + 60 + 4 + 60 + 4);
  assert.equal(bytes.toString('latin1', 8 + 60, 8 + 60 + 5), 'odd\nb');
});
