import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Terminal } from './command.ts';
import { dispatch } from './dispatch.ts';

const path = '/etc/kuryr/kuryr.yaml';

async function config(args: readonly string[], env: Terminal['env'], files: Readonly<Record<string, string>>) {
  const printed: string[] = [];
  const code = await dispatch(
    ['config', ...args],
    {
      out: text => printed.push(text),
      err: text => printed.push(text),
      env,
      readFile: async name => files[name],
      run: () => assert.fail('it runs nothing'),
    },
    new AbortController().signal,
  );
  return { code, printed: printed.join('\n') };
}

test('kuryr config shows each value and where it comes from: flag, variable, file or default', async () => {
  const { code, printed } = await config(
    ['--link', 'macvlan'],
    { KURYR_LINK: 'ipvlan', KURYR_WAIT: 'permitted' },
    { [path]: 'wait: reachable\nwait-seconds: 7\n' },
  );
  assert.equal(code, 0);
  const row = (name: string) => printed.split('\n').find(line => line.startsWith(`${name} `));
  assert.match(row('link') ?? '', /^link +macvlan +--link$/);
  assert.match(row('wait') ?? '', /^wait +permitted +KURYR_WAIT$/);
  assert.match(row('wait-seconds') ?? '', /^wait-seconds +7 +wait-seconds in \/etc\/kuryr\/kuryr\.yaml$/);
  assert.match(row('hold-seconds') ?? '', /^hold-seconds +60 +the default$/);
  assert.match(row('mode') ?? '', /^mode +bridge +the default$/, 'the one that the link has');
  assert.match(row('master') ?? '', /^master +\(the interface of the default route\) +the default$/);
});

test('kuryr config --json is for programs: a value that is found at run time is null', async () => {
  const { printed } = await config(['--json'], {}, { [path]: 'link: macvlan' });
  const shown = JSON.parse(printed) as Record<string, unknown>;
  assert.deepEqual(shown['link'], { value: 'macvlan', from: { kind: 'file', name: `link in ${path}` } });
  assert.deepEqual(shown['master'], { value: null, from: { kind: 'default', name: 'the default' } });
});

test('kuryr config tells of an unknown key with the nearest one', async () => {
  const { code, printed } = await config([], {}, { [path]: 'wait-second: 3' });
  assert.equal(code, 64);
  assert.match(printed, /wait-second .*\n.*wait-seconds.*\[CONFIG_UNKNOWN\]/s);
});
