import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { KuryrError } from '../errors/kuryr-error.ts';
import type { CloudConfig } from './cloud-config.ts';
import { FakeNeutron } from './fake-neutron.ts';
import type { Cloud } from './open-cloud.ts';
import { Secret } from './secret.ts';
import { SwitchedCloud } from './switched-cloud.ts';

const never = new AbortController().signal;

function cloud(secret: string, projectId: string | Error = 'p1') {
  const config: CloudConfig = {
    ...{ source: 'x', authUrl: 'http://x', region: undefined, interfaces: ['public'], verify: true },
    ...{ cacert: undefined, cert: undefined, key: undefined, networkEndpoint: undefined },
    auth: { kind: 'application credential', credential: { id: 'c1' }, secret: new Secret(secret) },
  };
  const closed: boolean[] = [];
  const neutron = new FakeNeutron();
  const opened = {
    ...{ config, neutron },
    authorization: async () => {
      if (projectId instanceof Error) throw projectId;
      return { projectId };
    },
    close: async () => void closed.push(true),
  } as unknown as Cloud;
  return { opened, closed, neutron };
}

const refused = new KuryrError('KEYSTONE_UNAUTHORIZED');

describe('a cloud whose credential is renewed', () => {
  it('is asked with the new credential once it is taken into use, not before', async () => {
    const [first, second] = [cloud('one'), cloud('two')];
    second.neutron.addNetwork();
    const switched = new SwitchedCloud(first.opened, async () => second.opened);
    const use = await switched.renewal(undefined, never);
    assert.equal((await switched.neutron.networks({}, never)).length, 0);
    use?.();
    assert.equal((await switched.neutron.networks({}, never)).length, 1);
    // Calls under way still have the former.
    assert.deepEqual([first.closed, second.closed], [[], []]);
    await switched.close();
    assert.deepEqual([first.closed, second.closed], [[true], [true]]);
  });

  it('is not changed, nor Keystone asked, where the configuration is the same', async () => {
    const again = cloud('one', refused);
    const switched = new SwitchedCloud(cloud('one').opened, async () => again.opened);
    assert.equal(await switched.renewal(undefined, never), undefined);
    assert.deepEqual(again.closed, [true]);
  });

  it('keeps the one in force where the new one is refused, or is of another project', async () => {
    for (const [next, code] of [
      [cloud('two', refused), 'KEYSTONE_UNAUTHORIZED'],
      [cloud('two', 'p2'), 'CREDENTIAL_OF_ANOTHER_PROJECT'],
    ] as const) {
      const first = cloud('one');
      first.neutron.addNetwork();
      const switched = new SwitchedCloud(first.opened, async () => next.opened);
      await assert.rejects(switched.renewal(undefined, never), { code });
      assert.equal((await switched.neutron.networks({}, never)).length, 1);
      assert.deepEqual([first.closed, next.closed], [[], [true]]);
    }
  });

  it('says that one is being tried, whose refusal is none of the one in use', async () => {
    const seen: boolean[] = [];
    const next = cloud('two', refused);
    const switched: SwitchedCloud = new SwitchedCloud(cloud('one').opened, async () => {
      seen.push(switched.isTrying);
      return next.opened;
    });
    await assert.rejects(switched.renewal(undefined, never), { code: 'KEYSTONE_UNAUTHORIZED' });
    assert.deepEqual([...seen, switched.isTrying], [true, false]);
  });

  it('takes the new one where the former is refused by now', async () => {
    const switched = new SwitchedCloud(cloud('one', refused).opened, async () => cloud('two').opened);
    assert.ok(await switched.renewal(undefined, never));
  });
});
