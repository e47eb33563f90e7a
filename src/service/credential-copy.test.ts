import assert from 'node:assert/strict';
import { test } from 'node:test';
import { handedFiles } from './credential-copy.ts';

const copy = '/run/credentials/kuryr.service/clouds.yaml';
const original = '/etc/kuryr/clouds.yaml';

/** The files as they are, by path. */
function reader(files: Record<string, string>) {
  return async (path: string) => {
    const text = files[path];
    if (text === undefined) throw Object.assign(new Error(path), { code: 'ENOENT' });
    return text;
  };
}

test('the file that systemd copied goes before the copy', async () => {
  assert.deepEqual(await handedFiles(copy, original, reader({ [copy]: 'a', [original]: 'a' })), [original, copy]);
});

test('an original that may not be read is told, since a rotation would go unnoticed', async () => {
  const read = async (path: string) => {
    if (path === original) throw Object.assign(new Error(path), { code: 'EACCES' });
    return 'old';
  };
  await assert.rejects(handedFiles(copy, original, read), { code: 'CLOUD_CONFIG_INVALID', message: /EACCES/ });
});

test('a copy that came from elsewhere stands alone', async () => {
  assert.deepEqual(await handedFiles(copy, original, reader({ [copy]: 'decrypted', [original]: 'another' })), [copy]);
  assert.deepEqual(await handedFiles(copy, original, reader({ [copy]: 'decrypted' })), [copy]);
  assert.deepEqual(await handedFiles(copy, original, reader({})), [copy]);
});
