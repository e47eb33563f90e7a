import assert from 'node:assert/strict';
import { test } from 'node:test';
import { followOriginal } from './credential-copy.ts';

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

test('the copy of a credential is as new as the file that systemd copied', async () => {
  const files: Record<string, string> = { [copy]: 'old', [original]: 'old', '/ca.pem': 'ca' };
  const read = await followOriginal(copy, original, reader(files));
  files[original] = 'new';
  assert.equal(await read(copy), 'new');
  assert.equal(await read('/ca.pem'), 'ca');
  delete files[original];
  assert.equal(await read(copy), 'old');
});

test('an original that may not be read is told, since a rotation would go unnoticed', async () => {
  const read = async (path: string) => {
    if (path === original) throw Object.assign(new Error(path), { code: 'EACCES' });
    return 'old';
  };
  await assert.rejects(followOriginal(copy, original, read), { code: 'CLOUD_CONFIG_INVALID', message: /EACCES/ });
});

test('a copy that came from elsewhere stays what it is', async () => {
  const files: Record<string, string> = { [copy]: 'decrypted', [original]: 'another' };
  const read = await followOriginal(copy, original, reader(files));
  files[original] = 'new';
  assert.equal(await read(copy), 'decrypted');
  await assert.rejects((await followOriginal(copy, original, reader({})))(copy), { code: 'ENOENT' });
});
