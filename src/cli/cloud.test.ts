import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { isKuryrError } from '../errors/kuryr-error.ts';
import { cloudCommand, cloudFlags } from './cloud.ts';
import type { Terminal } from './command.ts';

const guide = new URL('../../docs/guides/cloud.md', import.meta.url);

/** A terminal that hands over what is printed, line by line as it comes. */
function terminal(): { terminal: Terminal; printed: Promise<string> } {
  const { promise: printed, resolve } = Promise.withResolvers<string>();
  const refuse = () => assert.fail('not for this command');
  return { terminal: { out: resolve, err: refuse, env: {}, readFile: refuse, run: refuse }, printed };
}

describe('kuryr cloud', () => {
  it('prints a clouds.yaml with which its Neutron is found, and ends when it is interrupted', async () => {
    const ending = new AbortController();
    const { terminal: screen, printed } = terminal();
    const ran = cloudCommand.run(['--user', 'ro', '--pair-limit', '3'], screen, ending.signal);
    const text = await printed;
    const [, authUrl = ''] = /auth_url: (http:\S+)/.exec(text) ?? [];
    assert.match(text, /username: ro\n.*password: ropw\n.*project_name: demo\n/);
    assert.equal((await fetch(authUrl, { signal: AbortSignal.timeout(5_000) })).status, 200);
    ending.abort();
    assert.equal(await ran, 0);
    await assert.rejects(fetch(authUrl, { signal: AbortSignal.timeout(5_000) }));
  });

  for (const [args, code] of [
    [['--port', '70000'], 'CONFIG_INVALID'],
    [['--fault', 'GET /'], 'CONFIG_INVALID'],
    [['--nonsense'], 'CONFIG_UNKNOWN'],
    [['more'], 'COMMAND_USAGE'],
    [['--file', '/proc/self/status'], 'EMBEDDED_CLOUD_FAILED'],
  ] as const) {
    it(`refuses ${args.join(' ')} with ${code}`, async () => {
      const { terminal: screen } = terminal();
      const running = cloudCommand.run(args, screen, AbortSignal.timeout(5_000));
      await assert.rejects(running, error => isKuryrError(error, code));
    });
  }

  it('has each of its flags in its help and in its guide', async () => {
    const text = await readFile(guide, 'utf8');
    for (const name of [...Object.keys(cloudFlags), 'fault']) {
      assert.match(cloudCommand.help(), new RegExp(`--${name} `));
      assert.ok(text.includes(`\`--${name} `), `the guide tells of --${name}`);
    }
  });
});
