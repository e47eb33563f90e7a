import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { KuryrError } from '../errors/kuryr-error.ts';
import { FakeClock } from '../time/fake-clock.ts';
import type { CallObserver, CloudCall } from './caller.ts';
import type { CloudConfig } from './cloud-config.ts';
import { FakeNeutron } from './fake-neutron.ts';
import type { Authorization } from './keystone.ts';
import type { Cloud } from './open-cloud.ts';
import { Secret } from './secret.ts';
import { SwitchedCloud } from './switched-cloud.ts';

const never = new AbortController().signal;

/** @param files what the files of its keys hold */
function cloud(secret: string, projectId: string | Error = 'p1', files = '') {
  const config: CloudConfig = {
    ...{ source: 'x', authUrl: 'http://x', region: undefined, interfaces: ['public'], verify: true },
    ...{ cacert: '/ca.pem', cert: undefined, key: undefined, networkEndpoint: undefined },
    auth: { kind: 'application credential', credential: { id: 'c1' }, secret: new Secret(secret) },
  };
  const closed: boolean[] = [];
  const neutron = new FakeNeutron();
  const opened = {
    ...{ config, neutron, files },
    authorization: async () => {
      if (projectId instanceof Error) throw projectId;
      return { projectId };
    },
    project: () => (projectId instanceof Error ? undefined : projectId),
    close: async () => void closed.push(true),
  } as unknown as Cloud;
  return { opened, closed, neutron };
}

const refused = new KuryrError('KEYSTONE_UNAUTHORIZED');

const call: CloudCall = {
  ...{ service: 'identity', method: 'POST', route: '/auth/tokens', status: 401, ms: 5 },
  ...{ requestId: undefined, lost: undefined, date: undefined },
};

/** Over these clouds, in the order in which they are opened. */
async function bench(...clouds: readonly ReturnType<typeof cloud>[]) {
  const clock = new FakeClock();
  const observers: CallObserver[] = [];
  const seen: boolean[] = [];
  const open = async (_: string | undefined, observer: CallObserver) => {
    const next = clouds[observers.length];
    observers.push(observer);
    if (next === undefined) throw new Error('no further cloud');
    return next.opened;
  };
  const switched = await SwitchedCloud.open({ open, clock, observer: (_, inUse) => void seen.push(inUse) }, undefined);
  /** Whether a request of the nth cloud is said to be one of the cloud in use. */
  const isHeard = (nth: number) => {
    observers[nth]?.(call);
    return seen.pop();
  };
  return { switched, clock, isHeard, renew: () => switched.renewal(undefined, never) };
}

describe('a cloud whose credential is renewed', () => {
  it('is asked with the new credential once it is taken into use, not before', async () => {
    const [first, second] = [cloud('one'), cloud('two')];
    second.neutron.addNetwork();
    const { switched, renew } = await bench(first, second);
    const use = await renew();
    assert.equal((await switched.neutron.networks({}, never)).length, 0);
    use?.();
    assert.equal((await switched.neutron.networks({}, never)).length, 1);
    await switched.close();
    assert.deepEqual([first.closed, second.closed], [[true], [true]]);
  });

  it('lets go of a former one when no call can be under way with it any more, and no later', async () => {
    const [first, second, third] = [cloud('one'), cloud('two'), cloud('three')];
    const { switched, clock, renew } = await bench(first, second, third);
    (await renew())?.();
    await clock.advance(30_000);
    (await renew())?.();
    await clock.advance(29_999);
    assert.deepEqual(first.closed, []);
    await clock.advance(1);
    assert.deepEqual([first.closed, second.closed], [[true], []]);
    await switched.close();
    await clock.advance(60_000);
    assert.deepEqual([first.closed, second.closed, third.closed], [[true], [true], [true]]);
    assert.equal(clock.sleeping, 0);
  });

  it('is not changed, nor Keystone asked, where the configuration is the same', async () => {
    const again = cloud('one', refused);
    const { renew } = await bench(cloud('one'), again);
    assert.equal(await renew(), undefined);
    assert.deepEqual(again.closed, [true]);
  });

  it('is another one where a file of the same name holds something else', async () => {
    const { renew } = await bench(cloud('one', 'p1', 'a CA'), cloud('one', 'p1', 'its renewal'));
    assert.ok(await renew());
  });

  it('keeps the one in force where the new one is refused, or is of another project', async () => {
    for (const [next, code] of [
      [cloud('two', refused), 'KEYSTONE_UNAUTHORIZED'],
      [cloud('two', 'p2'), 'CREDENTIAL_OF_ANOTHER_PROJECT'],
    ] as const) {
      const first = cloud('one');
      first.neutron.addNetwork();
      const { switched, renew } = await bench(first, next);
      await assert.rejects(renew(), { code });
      assert.equal((await switched.neutron.networks({}, never)).length, 1);
      assert.deepEqual([first.closed, next.closed], [[], [true]]);
    }
  });

  it('knows what project the one in force is of without asking it, which may be revoked by now', async () => {
    const first = cloud('one');
    const { renew } = await bench(
      { ...first, opened: { ...first.opened, authorization: () => Promise.reject(refused) } },
      cloud('two', 'p2'),
    );
    await assert.rejects(renew(), { code: 'CREDENTIAL_OF_ANOTHER_PROJECT' });
  });

  it('is not taken into use by who was told already that it takes too long', async () => {
    const [ending, second] = [new AbortController(), cloud('two')];
    const authorization = async () => {
      ending.abort(new Error('too long'));
      return { projectId: 'p1' } as Authorization;
    };
    const { switched } = await bench(cloud('one'), { ...second, opened: { ...second.opened, authorization } });
    await assert.rejects(switched.renewal(undefined, ending.signal), /too long/);
    assert.deepEqual(second.closed, [true]);
  });

  it('hears of the one in use alone: not of one that is tried, was given up, or is a former one', async () => {
    const { isHeard, renew } = await bench(cloud('one'), cloud('two', refused), cloud('three'));
    await assert.rejects(renew(), { code: 'KEYSTONE_UNAUTHORIZED' });
    assert.deepEqual([isHeard(0), isHeard(1)], [true, false]);
    const use = await renew();
    assert.deepEqual([isHeard(0), isHeard(1), isHeard(2)], [true, false, false]);
    use?.();
    assert.deepEqual([isHeard(0), isHeard(1), isHeard(2)], [false, false, true]);
  });

  it('takes the new one where the former is refused by now', async () => {
    const { renew } = await bench(cloud('one', refused), cloud('two'));
    assert.ok(await renew());
  });
});
