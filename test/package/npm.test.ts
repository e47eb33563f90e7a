import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { command } from '../../guest/command.ts';
import { makeNpm } from '../../tools/package/make.ts';

const top = join(import.meta.dirname, '../..');
const folder = await mkdtemp(join(tmpdir(), 'kuryr-npm-test-'));
const project = join(folder, 'project');
after(() => rm(folder, { recursive: true }));

/** A machine that has Node and npm, no network and nothing in npm's cache. */
const env = {
  HOME: join(folder, 'home'),
  npm_config_cache: join(folder, 'cache'),
  npm_config_offline: 'true',
  PATH: `${join(folder, 'bin')}:/usr/bin:/bin`,
};

/** Runs a program in the project; gives its exit code and all that it printed. */
async function run(...argv: readonly string[]): Promise<{ readonly code: number; readonly text: string }> {
  const script = '"$@" 2>&1; echo "ended with $?"';
  const text = await command(['sh', '-c', script, 'sh', ...argv], { cwd: project, env });
  const [, before = '', code] = /^([\s\S]*)ended with (\d+)\n$/.exec(text) ?? [];
  return { code: Number(code), text: before };
}

describe('the npm package', () => {
  let file: string;

  before(async () => {
    file = await makeNpm(folder, line => console.error(line));
    for (const name of ['bin', 'home', 'project']) await mkdir(join(folder, name));
    await symlink(process.execPath, join(folder, 'bin/node'));
    await writeFile(join(project, 'package.json'), '{ "name": "a-project", "type": "module" }');
    const { code, text } = await run('npm', 'install', '--no-audit', '--no-fund', file);
    assert.equal(code, 0, text);
  });

  it('is installed without a network and without any other package', async () => {
    const lock = JSON.parse(await readFile(join(project, 'package-lock.json'), 'utf8')) as { packages: object };
    assert.deepEqual(Object.keys(lock.packages), ['', 'node_modules/kuryr']);
  });

  it('runs the doctor by npx, koffi included', async () => {
    const { version } = JSON.parse(await readFile(join(top, 'package.json'), 'utf8')) as { version: string };
    assert.deepEqual(await run('npx', 'kuryr', 'version'), { code: 0, text: `kuryr ${version}\n` });
    // In a network of its own, where it can try links.
    const { code, text } = await run('unshare', '--net', 'npx', 'kuryr', 'doctor', '--json');
    assert.equal(code, 1, text);
    const { findings } = JSON.parse(text) as { findings: readonly { code: string }[] };
    assert.ok(findings.length > 3, text);
  });

  it('tells a Node that is too old from a fault of its own', async () => {
    const old = join(folder, 'old.cjs');
    await writeFile(old, "Object.defineProperty(process.versions, 'node', { value: '20.19.2' });");
    const { code, text } = await run('node', '-r', old, 'node_modules/kuryr/bin/kuryr.cjs', 'version');
    assert.deepEqual({ code, text }, { code: 69, text: 'kuryr: Node 24.15 or newer is needed, and this is 20.19.2\n' });
  });

  it('brings the embedded cloud, with its types', async () => {
    await writeFile(
      join(project, 'use.ts'),
      `import { type CloudOptions, startCloud } from 'kuryr/cloud';
       const options: CloudOptions = { pairLimit: 7 };
       await using cloud = await startCloud(options);
       const answer: Response = await fetch(cloud.authUrl);
       console.log(answer.status, cloud.ports().length);
       // @ts-expect-error: there are ports, and no sheep
       cloud.sheep;\n`,
    );
    assert.match((await run('node', 'use.ts')).text, /^200 \d+\n$/);
    const types = [
      '--noEmit',
      '--strict',
      '--module',
      'nodenext',
      '--target',
      'es2024',
      '--lib',
      'es2024,esnext.disposable,dom',
    ];
    const { code, text } = await run('node', join(top, 'node_modules/typescript/bin/tsc'), ...types, 'use.ts');
    assert.equal(code, 0, text);
  });

  it('has the licence of every work that is in it, and a manual', async () => {
    const installed = join(project, 'node_modules/kuryr');
    const text = await readFile(join(installed, 'LICENSES'), 'utf8');
    for (const name of ['koffi', 'undici', 'pino', 'yaml', 'valibot', 'ipaddr.js'])
      assert.match(text, new RegExp(`^${name} [\\d.]+ \\(\\w+\\)\n\n[\\s\\S]*?Copyright`, 'm'));
    const { man } = JSON.parse(await readFile(join(installed, 'package.json'), 'utf8')) as { man: readonly string[] };
    for (const page of man) assert.ok((await stat(join(installed, page))).size > 1000, page);
  });

  it('is small', async () => {
    const { size } = await stat(file);
    assert.ok(size < 1.8e6, `${size} bytes`);
  });
});
