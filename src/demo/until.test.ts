import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FakeClock } from '../time/fake-clock.ts';
import { until } from './until.ts';

describe('until', () => {
  it('asks again until it holds', async () => {
    const clock = new FakeClock();
    let asked = 0;
    const held = until(async () => ++asked === 3, 1000, clock);
    await clock.advance(60);
    assert.equal(asked, 2);
    await clock.advance(50);
    assert.equal(await held, true);
    assert.equal(asked, 3);
  });

  it('asks once more at the end of its patience, and then says that it does not hold', async () => {
    const clock = new FakeClock();
    const asked: number[] = [];
    const held = until(() => asked.push(clock.monotonic()) === 0, 120, clock);
    const from = clock.monotonic();
    await clock.advance(1000);
    assert.equal(await held, false);
    assert.deepEqual(
      asked.map(at => at - from),
      [0, 50, 100, 150],
    );
  });
});
