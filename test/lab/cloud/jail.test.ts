/** That nothing of a jail outlives the process that opened it. Needs root. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { describe, it } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { ensureTree } from '../tree/tree.ts';
import { Jail } from './jail.ts';
import { place } from './place.ts';
import { run, until } from './run.ts';

const { signal } = new AbortController();
const tree = await ensureTree('bookworm', line => console.log(line));
/** A place that no cloud takes by itself. */
const here = place('ovn', 9);
const open = async (): Promise<Jail> => {
  const jail = await Jail.open(here, tree, signal);
  if (jail === undefined) throw new Error(`another process holds ${here.dir}`);
  return jail;
};
/** The name of a process that runs in this jail and in no other. */
const marker = 86_409;
const sleepers = (): string[] =>
  readdirSync('/proc').filter(pid => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8') === `sleep\0${marker}\0`;
    } catch {
      return false;
    }
  });
const remains = (): unknown => ({
  dir: existsSync(here.dir),
  lock: existsSync(here.lock),
  netns: readdirSync('/run/netns').filter(name => name.startsWith(here.prefix)),
  sleepers: sleepers(),
});
const nothing = { dir: false, lock: false, netns: [], sleepers: [] };

describe('a jail', () => {
  it('shows the tree, which nothing can write, and a process tree of its own', async () => {
    const jail = await open();
    assert.match(await jail.run(['cat', '/etc/os-release']), /bookworm/);
    await jail.run(['sh', '-c', 'echo changed >/etc/os-release']);
    assert.match(readFileSync(`${tree}/etc/os-release`, 'utf8'), /bookworm/);
    assert.equal((await jail.run(['sh', '-c', 'ls -d /proc/1/root && hostname'])).trim(), '/proc/1/root\nkuryr-lab');
    await assert.rejects(jail.run(['false']), /false/);
    await jail.close();
    assert.deepEqual(remains(), nothing);
  });

  it('tells of a server that ended, with its log', async () => {
    const jail = await open();
    const server = jail.serve('brief', ['sh', '-c', 'echo no luck; exit 3']);
    await assert.rejects(
      server.answers(() => false),
      /brief has ended \(3\): no luck/,
    );
    await jail.close();
  });

  it('is refused while another process holds its place', async () => {
    const jail = await open();
    assert.equal(await Jail.open(here, tree, signal), undefined);
    await jail.close();
  });

  for (const how of ['SIGKILL', 'SIGINT', 'SIGTERM'] as const) {
    it(`ends, and leaves nothing, when its process ends by ${how}`, async () => {
      const script = `
        import { Jail } from ${JSON.stringify(`${import.meta.dirname}/jail.ts`)};
        const jail = await Jail.open(${JSON.stringify(here)}, ${JSON.stringify(tree)}, new AbortController().signal);
        jail.serve('sleeper', ['sleep', '${marker}']);
        console.log('up');
        setInterval(() => {}, 1e6);`;
      const argv = ['--input-type=module', '-e', script];
      const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] });
      await once(createInterface({ input: child.stdout }), 'line');
      await run('ip', ['netns', 'add', `${here.prefix}left`], signal);
      await until('the server', () => sleepers().length > 0, signal);
      child.kill(how);
      await once(child, 'exit');
      await until('nothing left', () => isDeepStrictEqual(remains(), nothing), signal);
    });
  }

  it('sweeps away what an earlier one could not', async () => {
    const earlier = await open();
    earlier.serve('sleeper', ['sleep', `${marker}`]);
    await run('ip', ['netns', 'add', `${here.prefix}left`], signal);
    await until('the server', () => sleepers().length > 0, signal);
    // the shell that would clean up is killed; what it watched lives on
    const keeper = readdirSync('/proc').find(pid => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`\0keeper\0${here.dir}\0`);
      } catch {
        return false;
      }
    });
    process.kill(Number(keeper), 'SIGKILL');
    await until(
      'the lock',
      async () => {
        const jail = await Jail.open(here, tree, signal);
        await jail?.close();
        return jail !== undefined;
      },
      signal,
    );
    assert.deepEqual(remains(), nothing);
  });
});
