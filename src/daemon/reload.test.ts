import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Config } from '../config/config.ts';
import { readConfig } from '../config/read-config.ts';
import { KuryrError } from '../errors/kuryr-error.ts';
import { silentLogger } from '../observe/logger.ts';
import { FakeClock } from '../time/fake-clock.ts';
import { Reloads } from './reload.ts';

const never = new AbortController().signal;

const configOf = async (file: string) => (await readConfig({ flags: {}, env: {}, readFile: async () => file })).config;

class Bench {
  file = 'wait-seconds: 5\n';
  applied: Config[] = [];
  /** Whether what was applied came with another credential. */
  renewed: boolean[] = [];
  told: string[] = [];
  logged: string[] = [];
  /** What fails with new values that are ready, or are in force. */
  broken: 'prepare' | 'follow' | undefined;
  readonly clock = new FakeClock();
  renewal: (signal: AbortSignal) => Promise<(() => void) | undefined> = async () => undefined;

  async reloads(): Promise<Reloads> {
    return new Reloads({
      config: await configOf(this.file),
      read: () => configOf(this.file),
      clock: this.clock,
      renewal: (_, signal) => this.renewal(signal),
      prepare: config => {
        if (this.broken === 'prepare') throw new Error('these cannot be');
        return {
          take: () => void this.applied.push(config),
          follow: renewed => {
            if (this.broken === 'follow') throw new Error('no way there');
            this.told.push('followed');
            this.renewed.push(renewed);
          },
        };
      },
      notifier: { reloading: () => void this.told.push('reloading'), ready: () => void this.told.push('ready') },
      logger: { ...silentLogger, error: (_, message) => void this.logged.push(message) },
    });
  }
}

describe('a reload', () => {
  it('takes over what can be, and names what cannot and keeps its value', async () => {
    const bench = new Bench();
    const reloads = await bench.reloads();
    bench.file = 'wait-seconds: 9\nlog-level: debug\nservices: 10.96.0.0/12\nlink: macvlan\nstate-dir: /elsewhere\n';
    assert.deepEqual(await reloads.reload(never), {
      changed: ['log-level: debug (was info)', 'services: 10.96.0.0/12 (was none)', 'wait-seconds: 9 (was 5)'],
      waiting: ['link: macvlan (was ipvlan)', 'mode: bridge (was l2)', 'state-dir: /elsewhere (was /var/lib/kuryr)'],
      credential: 'unchanged',
    });
    const [config] = bench.applied;
    assert.deepEqual(
      [config?.waitSeconds, config?.link, config?.mode, config?.stateDir],
      [9, 'ipvlan', 'l2', '/var/lib/kuryr'],
    );
    assert.deepEqual(bench.told, ['reloading', 'followed', 'ready']);
  });

  it('names again, each time, what still takes a restart', async () => {
    const bench = new Bench();
    const reloads = await bench.reloads();
    bench.file = 'wait-seconds: 9\nrun-dir: /run/other\n';
    await reloads.reload(never);
    const { changed, waiting } = await reloads.reload(never);
    assert.deepEqual([changed, waiting], [[], ['run-dir: /run/other (was /run/kuryr)']]);
  });

  it('changes nothing where the file is broken, or the new credential is refused', async () => {
    const bench = new Bench();
    const reloads = await bench.reloads();
    bench.file = 'wait-secnods: 9\n';
    await assert.rejects(reloads.reload(never), /did you mean wait-seconds/);
    bench.file = 'wait-seconds: 9\n';
    bench.renewal = () => Promise.reject(new KuryrError('KEYSTONE_UNAUTHORIZED'));
    await assert.rejects(reloads.reload(never), { code: 'KEYSTONE_UNAUTHORIZED' });
    assert.deepEqual(bench.applied, []);
    assert.deepEqual(bench.told, ['reloading', 'ready', 'reloading', 'ready']);
    bench.renewal = async () => undefined;
    assert.deepEqual((await reloads.reload(never)).changed, ['wait-seconds: 9 (was 5)']);
  });

  it('changes nothing, the credential neither, where the new values cannot be made ready', async () => {
    const bench = new Bench();
    const reloads = await bench.reloads();
    bench.file = 'wait-seconds: 9\n';
    bench.broken = 'prepare';
    bench.renewal = async () => () => void bench.told.push('renewed');
    await assert.rejects(reloads.reload(never), /these cannot be/);
    assert.match(String(bench.logged), /^nothing was reloaded, all is as before: .*these cannot be/);
    assert.deepEqual([bench.applied, bench.told], [[], ['reloading', 'ready']]);
    bench.broken = undefined;
    assert.deepEqual((await reloads.reload(never)).changed, ['wait-seconds: 9 (was 5)']);
  });

  it('fails before systemd gives up on it, and what comes of it later is not taken into use', async () => {
    const bench = new Bench();
    const reloads = await bench.reloads();
    bench.file = 'wait-seconds: 9\n';
    const { promise: answered, resolve: answer } = Promise.withResolvers<void>();
    const { promise: asked, resolve: ask } = Promise.withResolvers<void>();
    bench.renewal = async () => {
      ask();
      await answered;
      return () => void bench.told.push('renewed');
    };
    const slow = assert.rejects(reloads.reload(never), { code: 'RELOAD_TIMEOUT' });
    await asked;
    await bench.clock.advance(45_000);
    await slow;
    answer();
    bench.renewal = async () => undefined;
    assert.deepEqual((await reloads.reload(never)).changed, ['wait-seconds: 9 (was 5)']);
    assert.equal(bench.told.includes('renewed'), false);
    assert.equal(bench.applied.length, 1);
  });

  it('says what is in force, where something that goes by it fails', async () => {
    const bench = new Bench();
    const reloads = await bench.reloads();
    bench.file = 'wait-seconds: 9\n';
    bench.broken = 'follow';
    bench.renewal = async () => () => void bench.told.push('renewed');
    const { changed, credential } = await reloads.reload(never);
    assert.deepEqual([changed, credential], [['wait-seconds: 9 (was 5)'], 'renewed']);
    assert.deepEqual([bench.applied.length, bench.told], [1, ['reloading', 'renewed', 'ready']]);
    assert.match(String(bench.logged), /^the new values are in force, but not all .*no way there/);
    assert.deepEqual((await reloads.reload(never)).changed, []);
  });

  it('takes a new credential into use with the options, and waits for the reload before it', async () => {
    const bench = new Bench();
    const reloads = await bench.reloads();
    const order: string[] = [];
    bench.renewal = async () => {
      order.push('asked');
      await new Promise(resolve => setImmediate(resolve));
      return () => void order.push('taken');
    };
    const both = await Promise.all([reloads.reload(never), reloads.reload(never)]);
    assert.deepEqual(order, ['asked', 'taken', 'asked', 'taken']);
    assert.deepEqual(
      both.map(({ credential }) => credential),
      ['renewed', 'renewed'],
    );
    bench.renewal = async () => undefined;
    await reloads.reload(never);
    assert.deepEqual(bench.renewed, [true, true, false], 'what was refused to the same credential is refused still');
  });
});
