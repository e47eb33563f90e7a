import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { follow } from './follow.ts';

describe('who follows the cloud', () => {
  it('takes one step for each change, one after another', async () => {
    let changed = (): void => {};
    const steps: (() => void)[] = [];
    follow(
      listener => {
        changed = listener;
      },
      () => new Promise(resolve => steps.push(resolve)),
    );
    changed();
    changed();
    await new Promise(setImmediate);
    assert.equal(steps.length, 1);
    steps[0]?.();
    await new Promise(setImmediate);
    assert.equal(steps.length, 2);
  });

  it('says so when it can no longer follow', async () => {
    let changed = (): void => {};
    const broken = follow(
      listener => {
        changed = listener;
      },
      async () => {
        throw new Error('the switch ended');
      },
    );
    changed();
    changed();
    await assert.rejects(broken, /the switch ended/);
  });
});
